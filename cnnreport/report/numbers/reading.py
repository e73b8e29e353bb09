"""What runs say of themselves, as captions print it."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class DataSet:
    """What a caption says about the data: the title, and whether they only stand in for the real ones."""

    title: str
    stand_in: bool
    fingerprint: str
