"""Scenes without flowers, said to be there: apart from what draws them, so that no run depends on it."""

import json

from cnnreport.data.data_set import Request
from cnnreport.data.drawn.scenes import SIZE
from cnnreport.data.source import SEED, Source
from cnnreport.system import durable


def locate(_asked: Request) -> Source:
    """Say what will be drawn; no choice changes it, and nothing is fetched."""
    return Source(
        name="scenes",
        title="Meadow scenes without flowers",
        origin="drawn by cnnreport",
        fingerprint=durable.sha256(json.dumps({"size": SIZE, "seed": SEED}).encode()),
    )
