"""Chest radiographs with the outlines of their lungs, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet

PLACE = __name__.rpartition(".")[0]

LUNGS = DataSet(
    name="lungs",
    title="chest radiographs with masks of the lungs",
    choices=(
        Choice("jsrt", "the radiographs of JSRT with the masks of SCR, as published or in an npz"),
        Choice("drawn-lungs", "radiographs drawn by this report", stand_in=True),
    ),
    locate=f"{PLACE}.sources:locate",
    prepare=f"{PLACE}.sources:prepare",
)
