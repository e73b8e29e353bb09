"""Question A3, appendix: what other tools count of the same net, each number explained."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnreport.formula.spec import Comparison, Reading
from cnnreport.runs.experiment import Experiment

OTHER_TOOLS = tomllib.loads(Path(__file__).with_name("other-tools.toml").read_text())


def reading(table: Mapping[str, Any]) -> Reading:
    """Return a reading of its TOML table, whose inner tables become pairs."""
    return Reading(**{k: tuple(v.items()) if isinstance(v, dict) else v for k, v in table.items()})


EXPERIMENTS = (
    Experiment(
        name="other-tools",
        title="What other tools count, explained",
        spec=Comparison(
            net=OTHER_TOOLS["net"],
            input=tuple(OTHER_TOOLS["input"]),
            numbers=tuple(OTHER_TOOLS["numbers"].items()),
            readings=tuple(map(reading, OTHER_TOOLS["readings"])),
        ),
        seeds=1,
    ),
)
