"""Question A3, appendix: what other tools count of the same net, each number explained."""

import tomllib
from pathlib import Path

from cnnreport.formula.spec import Comparison, Reading
from cnnreport.runs.experiment import Experiment

OTHER_TOOLS = tomllib.loads(Path(__file__).with_name("other-tools.toml").read_text())

EXPERIMENTS = (
    Experiment(
        name="other-tools",
        title="What other tools count, explained",
        spec=Comparison(
            net=OTHER_TOOLS["net"],
            input=tuple(OTHER_TOOLS["input"]),
            numbers=tuple(OTHER_TOOLS["numbers"].items()),
            readings=tuple(
                Reading(**{**reading, "parts": tuple(reading["parts"].items())})
                for reading in OTHER_TOOLS["readings"]
            ),
        ),
        seeds=1,
    ),
)
