"""Traffic signs, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet

PLACE = __name__.rpartition(".")[0]

SIGNS = DataSet(
    name="signs",
    title="traffic signs of 43 classes",
    choices=(
        Choice("gtsrb", "the German signs of GTSRB, a download of 350 MB"),
        Choice("drawn-signs", "signs of 43 classes, drawn by this report", stand_in=True),
    ),
    locate=f"{PLACE}.signs:locate",
    prepare=f"{PLACE}.signs:prepare",
)
