"""What the runs of this project record."""

from cnnreport.kinds.kind import Kind, Recorded

TELLING = Kind(
    name="telling",
    recorded=(
        Recorded("loss", "training loss", "loss", "history", live="loss", result=True),
        Recorded("accuracy", "accuracy", "share", "history", live="accuracy", result=True),
        Recorded("dark", "share of dark pixels", "share", "measures", of_data=True),
    ),
)
