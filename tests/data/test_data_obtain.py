"""Promises of the one policy of getting data, told with a set of no files at all."""

from pathlib import Path

import pytest

from cnnreport.data.data_set import Choice, DataSet, Request
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.source import Source
from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure

SIGNS = DataSet(
    "signs",
    "traffic signs",
    (Choice("gtsrb", "the published ones"), Choice("painted", "drawn ones", stand_in=True)),
    "signs:locate",
    "signs:prepare",
)


def source(name: str, reason: str = "") -> Source:
    """Make a source of that name."""
    return Source(name=name, title=name, origin=name, fingerprint=name, reason=reason)


class Signs:
    """A set that says what it was asked to do."""

    def __init__(
        self, *, here: bool = False, damaged: bool = False, error: CnnReportError | None = None
    ) -> None:
        self.here, self.damaged, self.error = here, damaged, error
        self.patience: list[Patience] = []

    def at_hand(self, _folder: Path | None) -> Source | None:
        if self.damaged:
            raise DataError("the signs are damaged")
        return source("here") if self.here else None

    def fetch(self, patience: Patience) -> Source:
        self.patience.append(patience)
        if self.error:
            raise self.error
        return source("fetched")

    def obtain(self, asked: Request) -> Source:
        ways = Ways(
            what="The signs",
            plural=True,
            places="the cache",
            holding="them",
            at_hand=self.at_hand,
            fetch=self.fetch,
            stand_in=lambda reason: source("drawn", reason),
            budget=20.0,
        )
        return obtain(SIGNS, asked, ways)


@pytest.mark.parametrize("choice", ["auto", "gtsrb"])
def test_what_is_at_hand_is_taken(choice: str) -> None:
    """Nothing is fetched that is here."""
    signs = Signs(here=True)
    assert signs.obtain(Request(choice)).name == "here"
    assert signs.patience == []


@pytest.mark.parametrize(
    ("choice", "patience"), [("auto", Patience(2.0, 20.0)), ("gtsrb", Patience(15.0, None))]
)
def test_what_is_not_here_is_fetched_within_bounds(choice: str, patience: Patience) -> None:
    """A server is waited for longer, and a download without end, where nothing else will do."""
    signs = Signs()
    assert signs.obtain(Request(choice)).name == "fetched"
    assert signs.patience == [patience]


def test_a_stand_in_says_why() -> None:
    """Left to itself the program takes the stand-in, with the reason."""
    drawn = Signs(error=DataError("nobody answers")).obtain(Request())
    assert drawn.name == "drawn"
    assert drawn.reason == "The signs are not in the cache and were not fetched: nobody answers"


def test_no_stand_in_for_what_was_asked_for() -> None:
    """Asked for by name, data that cannot be had are an error with the ways out."""
    problem = (
        "The signs are not in the cache and were not fetched: nobody answers; pass a folder that holds them "
        "with --data-dir, or use --data signs=painted"
    )
    with pytest.raises(DataError, match=problem):
        Signs(error=DataError("nobody answers")).obtain(Request("gtsrb"))


def test_a_fault_of_the_machine_stays_one() -> None:
    """Asked for by name, data for which the disk has no room are told as that."""
    with pytest.raises(EnvironmentFailure, match="no room"):
        Signs(error=EnvironmentFailure("no room")).obtain(Request("gtsrb"))
    assert Signs(error=EnvironmentFailure("no room")).obtain(Request()).reason.endswith("no room")


@pytest.mark.parametrize("choice", ["auto", "gtsrb"])
def test_damaged_data_never_turn_into_drawn_ones(choice: str) -> None:
    """What is at hand and not in order ends the program, though the stand-in or a server is there."""
    with pytest.raises(DataError, match="the signs are damaged"):
        Signs(damaged=True).obtain(Request(choice))


def test_a_stand_in_that_was_asked_for_needs_no_reason() -> None:
    """Nothing is looked for, at hand or on a server."""
    signs = Signs(damaged=True)
    assert signs.obtain(Request("painted")) == source("drawn")
    assert signs.patience == []


def test_only_looking(tmp_path: Path) -> None:
    """Where nothing may be fetched no server is asked, and the places are named."""
    signs = Signs()
    drawn = signs.obtain(Request("auto", tmp_path, fetch=False))
    assert signs.patience == []
    assert drawn.reason == (
        "The signs are not in --data-dir or the cache and were not fetched: only a build fetches them"
    )


@pytest.mark.parametrize(("name", "what"), [("none", "does not exist"), ("file", "is no folder")])
def test_a_folder_that_is_none(name: str, what: str, tmp_path: Path) -> None:
    """Whatever is asked for, a wrong folder is told first."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=f"{name} {what}; correct --data-dir or leave it out"):
        Signs(here=True).obtain(Request("painted", tmp_path / name))
