"""What a run about grey levels leaves: the accuracy and the loss of each rule, and how steep it is."""

from cnnreport.kinds.kind import Kind, Recorded

KIND = Kind(
    name="grey levels",
    recorded=(
        Recorded("seen", "validation pixels of which the colour was told", "count", "history", "pixels",
                 result="{} pixels told by their grey level"),
        Recorded("table_loss", "loss of the table from grey level to colour", "loss", "measures",
                 of_data=True),
        Recorded("table_accuracy", "accuracy of the table from grey level to colour", "share", "measures",
                 of_data=True),
        Recorded("linear_loss", "loss of scores that are linear in the grey", "loss", "measures",
                 of_data=True),
        Recorded("linear_accuracy", "accuracy of scores that are linear in the grey", "share", "measures",
                 of_data=True),
        Recorded("linear_span", "largest less smallest slope of these scores", "factor", "measures",
                 of_data=True),
        Recorded("net_span", "largest less smallest slope of the net’s scores in the grey", "factor",
                 "measures"),
        Recorded("flat_loss", "loss of linear scores no steeper than the net’s", "loss", "measures"),
        Recorded("flat_accuracy", "accuracy of linear scores no steeper than the net’s", "share",
                 "measures"),
    ),
)  # fmt: skip
