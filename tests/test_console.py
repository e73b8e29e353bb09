"""What the live table guesses, from runs as a test imagines them."""

import io
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from cnnreport.commands.console import Watch
from cnnreport.runs.executors import estimate
from cnnreport.runs.executors.estimate import Took
from cnnreport.runs.runner import Progress

LOSS = {"train_loss": 1.0}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two cores."""
    monkeypatch.setattr(estimate.hardware, "cores", lambda: 2)


def planned(name: str, effort: float, device: str = "cpu", task: str = "a:Task") -> Any:
    """A run that is missing, with the effort given."""
    where = {"device": device, "arithmetic": "float32"}
    return SimpleNamespace(
        experiment=SimpleNamespace(name=name),
        seed=0,
        run=None,
        spec=SimpleNamespace(
            task=task, kind="cnnreport.kinds.colourization:KIND", symbolic=not effort, effort=lambda: effort
        ),
        key=SimpleNamespace(where=where),
    )


def watch(before: Sequence[Took] = (), afterwards: float | None = 0.0, **efforts: float) -> Watch:
    """Watch one run of each experiment, each with the effort given."""
    return Watch([planned(name, e) for name, e in efforts.items()], before, afterwards)


def ended(name: str, epoch: int, epochs: int, seconds: float) -> Progress:
    """An epoch has ended."""
    return Progress(name, 0, epoch, epochs, LOSS if epoch else {}, seconds)


def seconds_left(shown: Watch) -> float:
    """What is guessed of all that is left, where something is known of all."""
    guess, unknown = shown._time_left()
    assert guess is not None
    assert unknown == 0
    return guess.seconds


def test_nothing_is_guessed_before_an_epoch_has_ended() -> None:
    """Without a single pace there is no time left to tell, and the table says when there will be."""
    shown = watch(unet=10.0, pool=10.0)
    shown(ended("unet", 0, 10, 0.0))
    assert shown._time_left() == (None, 2)
    assert shown._forecast() == "the time left is known once an epoch has ended"


def test_earlier_runs_tell_before_anything_has_begun() -> None:
    """What the same took on this machine is the first guess."""
    earlier = Took(estimate.work_of(planned("unet", 5.0)), 30.0)
    shown = watch([earlier], unet=10.0, pool=10.0)
    assert seconds_left(shown) == 60.0


def test_small_runs_tell_at_most_until_something_like_it_is_measured() -> None:
    """A cut-down run, scaled up, is no more than a bound; an epoch of the real thing takes its place."""
    shown = watch([Took(estimate.work_of(planned("unet", 1.0)), 30.0)], unet=10.0, pool=10.0)
    assert shown._forecast() == "at most about 5 min 00 s left in all"
    shown(ended("pool", 1, 10, 2.0))
    assert shown._forecast() == "about 38 s left in all"


def test_each_run_goes_on_at_its_own_pace() -> None:
    """Two workers share what is left, a slow run and a quick one."""
    shown = watch(unet=10.0, pool=10.0)
    shown(ended("unet", 5, 10, 4.0))
    shown(ended("pool", 5, 10, 2.0))
    assert shown._left(("unet", 0)) == 20.0
    assert shown._left(("pool", 0)) == 10.0
    assert seconds_left(shown) == 20.0  # though half of 30 s is less


def test_runs_that_wait_are_guessed_by_their_effort() -> None:
    """What has no pace yet takes the rate of the others, more where it is more work, none for a proof."""
    shown = watch(unet=10.0, pool=10.0, long=40.0, next=20.0)
    shown(ended("unet", 0, 10, 0.0))
    shown(ended("pool", 0, 10, 0.0))
    shown(ended("unet", 10, 10, 4.0))
    shown(ended("pool", 5, 10, 2.0))
    shown(ended("long", 0, 40, 0.0))
    # 40 + 20 s for 20 units of effort, so 120 s for 40 and 60 s for 20, which begins after the 10 s left.
    assert seconds_left(shown) == pytest.approx(120)
    shown(ended("long", 1, 40, 5.0))
    assert seconds_left(shown) == pytest.approx(39 * 5.0)


def test_no_more_workers_are_counted_on_than_were_seen() -> None:
    """One worker does two runs one after the other, whatever cores there are."""
    shown = watch(unet=10.0, pool=10.0)
    shown(ended("unet", 0, 10, 0.0))
    shown(ended("unet", 5, 10, 4.0))
    assert seconds_left(shown) == pytest.approx(20.0 + 40.0)


def test_a_kind_that_nobody_measured_is_guessed_roughly() -> None:
    """Another kind stands in for it, at its own effort, until one epoch of it has ended."""
    other, proof = planned("flowers", 10.0, task="a:Other"), planned("proof", 0.0, task="a:Proof")
    shown = Watch([planned("pool", 10.0), other, proof])
    shown(ended("pool", 5, 10, 2.0))
    assert shown._workers == {"cpu": 1}
    assert shown._forecast() == "roughly 30 s left in all"  # 5 epochs of 2 s, and 10 units at 2 s each
    shown(ended("flowers", 1, 10, 3.0))
    assert shown._forecast() == "about 27 s left in all"


def test_nothing_is_left_when_all_are_done() -> None:
    """The guess ends at zero."""
    shown = watch(unet=10.0)
    shown(ended("unet", 10, 10, 4.0))
    assert seconds_left(shown) == 0.0


@pytest.mark.parametrize(
    ("afterwards", "said"),
    [
        (0.0, "about 20 s left in all"),
        (30.0, "about 50 s left in all"),
        (None, "about 20 s left, then the report is laid out and printed"),
    ],
)
def test_what_comes_after_the_runs_is_counted_or_named(afterwards: float | None, said: str) -> None:
    """The time left is that of the whole command; what is not known of it is said."""
    shown = watch(afterwards=afterwards, unet=10.0)
    shown(ended("unet", 5, 10, 4.0))
    assert shown._forecast() == said


def test_a_low_terminal_shows_the_time_left_and_what_is_under_way() -> None:
    """Where not all runs fit, those that wait and those that are done are cut off, never the forecast."""
    shown = watch(**{f"run-{n}": 10.0 for n in range(40)})
    for name in ("run-0", "run-30"):
        shown(ended(name, 0, 10, 0.0))
    shown(ended("run-0", 10, 10, 1.0))
    shown(ended("run-30", 5, 10, 1.0))
    screen = Console(width=100, height=8, file=io.StringIO(), force_terminal=True, color_system=None)
    with Live(shown._render(), console=screen, auto_refresh=False) as live:
        live.refresh()
        text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "1 of 40 runs are done; about 3 min 15 s left in all" in text
    assert "run-30" in text
    assert "run-20" not in text
    assert text.index("run-30") < text.index("run-1 ")
