"""The one policy of getting data: at hand, fetched within bounds, else what stands in for them.

A data set only says how each of these is done. Damaged data never turn into drawn ones: what is at hand and
not in order is an error, whatever was asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from cnnreport.data.data_set import AUTO, DataSet, Request
from cnnreport.data.source import Source
from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure

Obtained = TypeVar("Obtained", bound=Source)
"""The kind of source that a data set is."""


@dataclass(frozen=True)
class Patience:
    """How long a download may take.

    Args:
        first_byte_within: Seconds within which a server must begin to answer.
        budget: Seconds for all of it, None for no limit.
    """

    first_byte_within: float
    budget: float | None


ASKED_FOR = Patience(15.0, None)
"""Where nothing else will do."""

UNASKED_WAIT = 2.0
"""Seconds within which a server must begin to answer where something else will do."""


@dataclass(frozen=True)
class Ways(Generic[Obtained]):
    """How a data set is come by.

    Args:
        what: What it is called in a sentence, such as ``CIFAR-10``.
        plural: Whether that is more than one thing.
        places: Where it is looked for beside the user's folder, such as ``the cache``.
        holding: What a folder must hold that the user gives.
        at_hand: Returns it where it is on this machine, in the folder given or elsewhere, else None; raises
            a `DataError` where it is there and damaged.
        fetch: Downloads it and opens what came.
        stand_in: Returns what stands in for it, for a reason that is empty where it was asked for.
        budget: Seconds that a download may take where something else will do.
    """

    what: str
    plural: bool
    places: str
    holding: str
    at_hand: Callable[[Path | None], Obtained | None]
    fetch: Callable[[Patience], Obtained]
    stand_in: Callable[[str], Obtained]
    budget: float


def obtain(data_set: DataSet, asked: Request, ways: Ways[Obtained]) -> Obtained:
    """Get a data set as it is asked for.

    Args:
        data_set: Its declaration.
        asked: What the user asks.
        ways: How it is come by.

    Raises:
        DataError: What is at hand is damaged, or what was asked for by name cannot be had.
        EnvironmentFailure: What was asked for by name cannot be had for a fault of this machine.
    """
    by_name = asked.choice != AUTO
    if by_name and data_set.choice(asked.choice).stand_in:
        return ways.stand_in("")
    here = ways.at_hand(asked.folder)
    if here is not None:
        return here
    try:
        if not asked.fetch:
            raise DataError(f"only a build fetches {'them' if ways.plural else 'it'}")
        return ways.fetch(ASKED_FOR if by_name else Patience(UNASKED_WAIT, ways.budget))
    except CnnReportError as error:
        reason = _lacking(asked, ways, error)
        if not by_name:
            return ways.stand_in(reason)
        if isinstance(error, EnvironmentFailure):
            raise
        raise DataError(reason, _ways_out(data_set, ways)) from error


def _lacking(asked: Request, ways: Ways[Obtained], error: CnnReportError) -> str:
    are, were = ("are", "were") if ways.plural else ("is", "was")
    given = "" if asked.folder is None else "--data-dir, " if " or " in ways.places else "--data-dir or "
    return f"{ways.what} {are} not in {given}{ways.places} and {were} not fetched: {error.problem}"


def _ways_out(data_set: DataSet, ways: Ways[Obtained]) -> str:
    """Say what helps where a data set that was asked for cannot be had."""
    instead = [f"use --data {data_set.name}={choice.name}" for choice in data_set.choices if choice.stand_in]
    return ", or ".join([f"pass a folder that holds {ways.holding} with --data-dir", *instead])
