"""Promises of --data: what its words ask for, and what is said of words that ask for nothing."""

from pathlib import Path

import pytest

from cnnreport.data import choosing
from cnnreport.data.data_set import Choice, DataSet, Option, Request
from cnnreport.errors import UsageError

SIGNS = DataSet(
    "signs",
    "traffic signs",
    (Choice("gtsrb", "the published ones"), Choice("painted", "drawn ones", stand_in=True)),
    "signs:locate",
    "signs:prepare",
    (Option("mask", "an image", "file"), Option("grey", "without colour", "flag"), Option("note", "a text")),
)
DIGITS = DataSet(
    "digits", "digits", (Choice("sklearn", "those of scikit-learn"),), "digits:locate", "digits:prepare"
)
SETS = {each.name: each for each in (SIGNS, DIGITS)}


def asked(*words: str) -> list[str]:
    """Return what each set is asked to be."""
    wish = choosing.read(words, SETS)
    return [choosing.request(each, wish).choice for each in SETS.values()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["auto", "auto"]),
        (("auto",), ["auto", "auto"]),
        (("real",), ["gtsrb", "sklearn"]),
        (("drawn",), ["painted", "auto"]),
        (("signs=painted",), ["painted", "auto"]),
        (("real", "signs=painted"), ["painted", "sklearn"]),
        (("real", "signs=auto"), ["auto", "sklearn"]),
        (("signs=drawn", "digits=real"), ["painted", "sklearn"]),
        (("signs=painted", "signs=gtsrb"), ["gtsrb", "auto"]),
        (("signs=painted", "real"), ["gtsrb", "sklearn"]),
    ],
)
def test_what_is_asked_for(words: tuple[str, ...], expected: list[str]) -> None:
    """A word alone asks it of all sets; what comes later refines or replaces what came before."""
    assert asked(*words) == expected


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("sings=painted", r"no data set 'sings'; choose from: signs \(traffic signs\), digits \(digits\)"),
        (
            "signs=drwan",
            r"signs can be no 'drwan'; choose from: auto .*, gtsrb \(the published ones\), painted",
        ),
        ("painted", "--data painted says nothing of all data sets; .*: --data signs=painted"),
        ("meadow", r"--data meadow says .*; choose from: auto .*, signs=gtsrb \(the published ones\)"),
        ("signs.colour=red", r"signs has no option 'colour'; choose from: mask \(an image\), grey"),
        ("digits.colour=red", "digits has no option 'colour'; choose from: it has none"),
        ("signs.grey=maybe", r"signs\.grey is yes or no, and no 'maybe'; say --data signs\.grey=yes"),
        ("signs.mask=/nowhere.png", r"there is no file /nowhere\.png for signs\.mask"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_ones(word: str, problem: str) -> None:
    """An unknown name, choice, option or value is a usage error that lists what there is, in words."""
    with pytest.raises(UsageError, match=problem):
        asked(word)


def test_options_reach_their_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option is told to its set alone: a file by its whole path, a flag as yes or no."""
    (tmp_path / "mask.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    wish = choosing.read(["signs.mask=mask.png", "signs.grey=yes", "signs.note=a=b"], SETS)
    request = choosing.request(SIGNS, wish)
    assert (request.file("mask"), request.flag("grey")) == (tmp_path / "mask.png", True)
    assert request.options["note"] == "a=b"
    assert choosing.request(DIGITS, wish) == Request()


def test_what_nobody_said_of_an_option() -> None:
    """Without a word of it a file is none and a flag is not set."""
    assert (Request().file("mask"), Request().flag("grey")) == (None, False)


def test_the_same_is_asked_for_again(tmp_path: Path) -> None:
    """The words that are printed ask for the same, but name files instead of saying where they lie."""
    (tmp_path / "mask.png").write_bytes(b"")
    wish = choosing.read(["signs.grey=yes", f"signs.mask={tmp_path}/mask.png", "real", "signs=painted"], SETS)
    words = choosing.words_of(wish)
    assert words == ["real", "signs.grey=yes", "signs.mask=FILE", "signs=painted"]
    del wish["signs.mask"]
    assert choosing.read(choosing.words_of(wish), SETS) == wish


def test_a_wish_of_earlier_days_loses_what_is_gone() -> None:
    """A remembered choice of a set, or of a kind, that the project has no more is forgotten."""
    wish = {"all": "real", "signs": "painted", "maps": "osm", "digits": "mnist", "signs.colour": "red"}
    assert choosing.still_known(wish, SETS) == {"all": "real", "signs": "painted"}


@pytest.mark.parametrize("name", ["all", "real", "Signs", "two words", "a.b", "a=b", ""])
def test_names_that_cannot_be_typed_are_refused(name: str) -> None:
    """Neither a set nor a choice can have a name that would be taken for something else."""
    with pytest.raises(UsageError, match="is no name of a data set, a choice or an option"):
        DataSet(name, "t", (Choice("one", "w"),), "m:f", "m:g")
    with pytest.raises(UsageError, match="is no name of a data set, a choice or an option"):
        DataSet("one", "t", (Choice(name, "w"),), "m:f", "m:g")


def test_a_set_without_a_choice_is_refused() -> None:
    """A data set is at least one thing."""
    with pytest.raises(UsageError, match="the data set none offers no choice"):
        DataSet("none", "t", (), "m:f", "m:g")
