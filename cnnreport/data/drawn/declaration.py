"""Scenes without flowers, as a data set that specs can name."""

from cnnreport.data.data_set import Choice, DataSet, Request
from cnnreport.data.source import Source

SCENES = DataSet(
    name="scenes",
    title="scenes without flowers, which the embedded weights come from",
    choices=(Choice("drawn-scenes", "drawn by cnnreport; they stand in for nothing else"),),
    locate="cnnreport.data.drawn.declaration:locate",
    prepare="cnnreport.data.drawn.scenes:prepare",
)


def locate(_asked: Request) -> Source:
    """Say what will be drawn; no choice changes it, and nothing is fetched."""
    import json

    from cnnreport.data.drawn.scenes import SIZE
    from cnnreport.data.source import SEED
    from cnnreport.system import durable

    return Source(
        name="scenes",
        title="Meadow scenes without flowers",
        origin="drawn by cnnreport",
        fingerprint=durable.sha256(json.dumps({"size": SIZE, "seed": SEED}).encode()),
    )
