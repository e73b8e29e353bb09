"""Images of flowers with their masks, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet, Option

FLOWERS = DataSet(
    name="flowers",
    title="images of flowers, with the pixels that show them",
    choices=(
        Choice("flowers17", "Oxford's 17 sorts of flowers, a download of 60 MB"),
        Choice("meadow", "flowers in meadows, drawn by cnnreport", stand_in=True),
    ),
    locate="cnnreport.data.flowers.flowers:locate",
    prepare="cnnreport.data.flowers.flower_set:prepare",
    options=(
        Option("skip-bad", "leave out a few bad images, which the report lists, instead of ending", "flag"),
    ),
)
