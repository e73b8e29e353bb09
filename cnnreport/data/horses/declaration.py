"""Images of horses, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet, Option

HORSES = DataSet(
    name="horses",
    title="images of horses, whose pixels are to be coloured",
    choices=(
        Choice("cifar10", "CIFAR-10's horses, a download of 170 MB"),
        Choice("meadow", "meadow scenes, drawn by cnnreport", stand_in=True),
    ),
    locate="cnnreport.data.horses.horses:locate",
    prepare="cnnreport.data.horses.pixels:prepare",
    options=(Option("palette", "a .npy file with the colours, instead of clustering them", "file"),),
)
