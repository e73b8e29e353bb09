"""What a page says while its report is still computed: what its sections wait for, and how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Awaited:
    """The run of an experiment that will be done first, where none is done yet.

    Args:
        title: Of the experiment.
        state: Whether it waits, is computed here, or by another process.
        epochs: How many epochs of it are done, in words; empty where it has none to speak of.
        left: How long it takes, or still takes, in words; empty where that is not known.
    """

    title: str
    state: Literal["waits", "here", "elsewhere"]
    epochs: str = ""
    left: str = ""


@dataclass(frozen=True)
class Waiting:
    """How far a build is.

    Args:
        at: The time of day of what is said here.
        standing: How many runs are done, and the time left for the whole build, in words.
        experiments: What there is to say of each experiment of which no run is done, by its name.
    """

    at: str
    standing: str
    experiments: Mapping[str, Awaited]
