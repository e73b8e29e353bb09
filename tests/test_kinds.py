"""Kinds as declared, and what a terminal shows of them."""

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from cnnreport.commands import overview
from cnnreport.commands.console import Watch
from cnnreport.commands.run import result_line
from cnnreport.errors import UsageError
from cnnreport.kinds.digits import on_terminal
from cnnreport.kinds.kind import Form, Kind, Recorded
from cnnreport.runs.runner import Progress

DETECTION = Kind(
    "detection",
    (
        Recorded("boxes", "boxes found", "count", "history", live="boxes", result=True),
        Recorded("precision", "average precision", "score", "history", "ap", live="AP", result=True),
        Recorded("speed", "images a second", "ratio", "measures", result="{} images a second"),
    ),
)
"""A kind with neither loss nor accuracy."""

NAME = f"{__name__}:DETECTION"


def run(row: Mapping[str, float], speed: float | None = 12.5) -> Any:
    """A finished run of a detection."""
    key = SimpleNamespace(where={"arithmetic": "float32"})
    measures = {"speed": speed}
    diverged = not all(map(math.isfinite, row.values()))
    return SimpleNamespace(
        kind=DETECTION, key=key, history=[row], measures=measures, diverged=diverged, spec={}
    )


@pytest.mark.parametrize(
    ("recorded", "texts", "said"),
    [
        (("loss", "loss"), (), "declares loss twice"),
        (("loss",), ("loss",), "declares loss twice"),
    ],
)
def test_a_kind_declares_each_name_once(recorded: tuple[str, ...], texts: tuple[str, ...], said: str) -> None:
    """Two numbers of one name could not be told apart, nor two measures of one field."""
    numbers = tuple(Recorded(name, name, "loss", "measures") for name in recorded)
    with pytest.raises(UsageError, match=said):
        Kind("odd", numbers, texts)


def test_an_unknown_number_is_refused_with_the_known_ones() -> None:
    """Whoever asks for a number that is not recorded is told which are."""
    with pytest.raises(UsageError, match="records no 'recall'; choose from: boxes, precision, speed"):
        DETECTION["recall"]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.4123, "share", "41.2%"),
        (-0.05, "points", "-5.0 pp"),
        (1234.0, "count", "1 234"),
        (2.0**21, "bytes", "2.0 MiB"),
        (math.nan, "share", "non-finite"),
    ],
)
def test_a_terminal_is_given_plain_signs(value: float, form: Form, text: str) -> None:
    """Numbers print as in a report, but with signs that every terminal has."""
    shown = on_terminal(value, form)
    assert shown == text
    assert shown.isascii()


def test_a_number_that_a_run_does_not_have_is_not_called_diverged() -> None:
    """The kind declares it since the run was made: the line goes without it."""
    older = run({"boxes": 3.0})
    assert result_line("found", [older]) == "found: boxes found 3, 12.50 images a second (1 seed)"


def test_a_setting_may_be_a_result() -> None:
    """It is read from the spec."""
    odd = run({"boxes": 3.0})
    odd.kind = Kind("odd", (Recorded("rate", "rate", "number", "spec", result=True),))
    odd.spec = {"rate": 0.5}
    assert result_line("found", [odd]) == "found: rate 0.5 (1 seed)"


def test_the_results_of_any_kind_are_told_in_its_words() -> None:
    """History and measures alike, by their meaning or by words of their own, as means over the seeds."""
    runs = [run({"boxes": 3.0, "ap": 0.5}), run({"boxes": 5.0, "ap": 0.25}, 7.5)]
    line = result_line("dogs", runs)
    assert line == "dogs: boxes found 4, average precision 0.375, 10.00 images a second (2 seeds)"


def test_results_leave_out_what_diverged() -> None:
    """A run without a finite end takes no part in a mean, and one line says how many there were."""
    runs = [run({"boxes": 3.0, "ap": 0.5}), run({"boxes": 5.0, "ap": math.nan})]
    assert result_line("dogs", runs).endswith(
        "average precision 0.500, 12.50 images a second (2 seeds, 1 diverged)"
    )
    assert result_line("dogs", runs[1:]) == "dogs: no finite result (1 seed, 1 diverged)"


def test_a_measure_that_is_not_finite_is_no_number() -> None:
    """What was not finite stands in the file as none."""
    assert "non-finite images a second" in result_line("dogs", [run({"boxes": 3.0, "ap": 0.5}, None)])


def test_progress_shows_what_the_kind_wants_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Any number of live columns of any names, none of them typed in the console."""
    planned: Any = SimpleNamespace(
        experiment=SimpleNamespace(name="dogs", title="Dogs told apart"),
        seed=0,
        run=None,
        spec=SimpleNamespace(task="a:Task", kind=NAME, symbolic=False, effort=lambda: 1.0),
        key=SimpleNamespace(where={"device": "cpu", "arithmetic": "float32"}),
    )
    watch = Watch([planned])
    watch(Progress("dogs", 0, 2, 2, {"boxes": 1234.0, "ap": 0.375}, 1.0))
    assert capsys.readouterr().err == "dogs  seed 0  epoch 2/2  boxes 1 234  AP 0.375  done\n"


def test_what_a_run_recorded_is_explained_by_its_declaration() -> None:
    """`explain` has each number with its meaning, its field and its text."""
    planned: Any = SimpleNamespace(run=run({"boxes": 3.0, "ap": 0.5}))
    assert overview.recorded(planned)[1] == {
        "meaning": "average precision",
        "field": "ap",
        "place": "history",
        "value": 0.5,
        "text": "0.500",
        "result": True,
    }
