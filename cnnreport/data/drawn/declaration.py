"""Scenes without flowers, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet

SCENES = DataSet(
    name="scenes",
    title="scenes without flowers, which the embedded weights come from",
    choices=(Choice("drawn-scenes", "drawn by cnnreport; they stand in for nothing else"),),
    locate="cnnreport.data.drawn.located:locate",
    prepare="cnnreport.data.drawn.scenes:prepare",
)
