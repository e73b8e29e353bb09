"""What the live table says, from runs as a test imagines them."""

import io
import re
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from cnnreport.commands import console
from cnnreport.commands.console import Watch
from cnnreport.report.page.waiting import Awaited
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
        experiment=SimpleNamespace(name=name, title=f"The net {name}"),
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


def terminal(height: int = 50) -> Console:
    """A terminal of 100 columns that keeps what is printed on it."""
    return Console(width=100, height=height, file=io.StringIO(), force_terminal=True, color_system=None)


def screen(shown: Watch, events: Iterable[Progress] = ()) -> str:
    """The table as it stands after some events."""
    for event in events:
        shown(event)
    on = terminal()
    on.print(shown)
    return printed(on)


def printed(on: Console) -> str:
    """What stands on a terminal, without spaces at the ends of lines."""
    assert isinstance(on.file, io.StringIO)
    return "\n".join(line.rstrip() for line in on.file.getvalue().splitlines()).strip()


def forecast(text: str) -> str:
    """The title of the table without its first half, however it is broken into lines."""
    title = re.search(r"runs are done; (.*?) experiment +seed", " ".join(text.split()))
    assert title, text
    return title[1]


def row(text: str, name: str) -> str:
    """The row of a run."""
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(f"{name} "))


def ended(name: str, epoch: int, epochs: int, seconds: float) -> Progress:
    """An epoch has ended."""
    return Progress(name, 0, epoch, epochs, LOSS if epoch else {}, seconds)


def test_nothing_is_guessed_before_an_epoch_has_ended() -> None:
    """Without a single pace there is no time left to tell, and the table says when there will be."""
    text = screen(watch(unet=10.0, pool=10.0), [ended("unet", 0, 10, 0.0)])
    assert forecast(text) == "the time left is known once an epoch has ended"
    assert "left" not in row(text, "unet")


def test_earlier_runs_tell_before_anything_has_begun() -> None:
    """What the same took on this machine is the first guess."""
    earlier = Took(estimate.work_of(planned("unet", 5.0)), 30.0)
    assert forecast(screen(watch([earlier], unet=10.0, pool=10.0))) == "about 1 min 00 s left in all"


def test_small_runs_tell_at_most_until_something_like_it_is_measured() -> None:
    """A cut-down run, scaled up, is no more than a bound; an epoch of the real thing takes its place."""
    shown = watch([Took(estimate.work_of(planned("unet", 1.0)), 30.0)], unet=10.0, pool=10.0)
    assert forecast(screen(shown)) == "at most about 5 min 00 s left in all"
    assert forecast(screen(shown, [ended("pool", 1, 10, 2.0)])) == "about 38 s left in all"


def test_each_run_goes_on_at_its_own_pace() -> None:
    """Two workers share what is left, a slow run and a quick one."""
    text = screen(watch(unet=10.0, pool=10.0), [ended("unet", 5, 10, 4.0), ended("pool", 5, 10, 2.0)])
    assert row(text, "unet").endswith("20 s left")
    assert row(text, "pool").endswith("10 s left")
    assert forecast(text) == "about 20 s left in all"  # though half of 30 s is less


def test_runs_that_wait_are_guessed_by_their_effort() -> None:
    """What has no pace yet takes the rate of the others, more where it is more work, none for a proof."""
    shown = watch(unet=10.0, pool=10.0, long=40.0, next=20.0)
    events = [
        ended("unet", 0, 10, 0.0),
        ended("pool", 0, 10, 0.0),
        ended("unet", 10, 10, 4.0),
        ended("pool", 5, 10, 2.0),
        ended("long", 0, 40, 0.0),
    ]
    # 40 + 20 s for 20 units of effort, so 120 s for 40 and 60 s for 20, which begins after the 10 s left.
    assert forecast(screen(shown, events)) == "about 2 min 00 s left in all"
    assert forecast(screen(shown, [ended("long", 1, 40, 5.0)])) == "about 3 min 15 s left in all"  # 39 * 5 s


def test_no_more_workers_are_counted_on_than_were_seen() -> None:
    """One worker does two runs one after the other, whatever cores there are."""
    events = [ended("unet", 0, 10, 0.0), ended("unet", 5, 10, 4.0)]
    assert forecast(screen(watch(unet=10.0, pool=10.0), events)) == "about 1 min 00 s left in all"  # 20 + 40


def test_a_kind_that_nobody_measured_is_guessed_roughly() -> None:
    """Another kind stands in for it, at its own effort, until one epoch of it has ended."""
    other, proof = planned("flowers", 10.0, task="a:Other"), planned("proof", 0.0, task="a:Proof")
    shown = Watch([planned("pool", 10.0), other, proof])
    # 5 epochs of 2 s, and 10 units at 2 s each, by the one worker that was seen.
    assert forecast(screen(shown, [ended("pool", 5, 10, 2.0)])) == "roughly 30 s left in all"
    assert forecast(screen(shown, [ended("flowers", 1, 10, 3.0)])) == "about 27 s left in all"


def test_nothing_is_left_when_all_are_done() -> None:
    """The guess ends at zero, and no table is left."""
    text = screen(watch(unet=10.0), [ended("unet", 10, 10, 4.0)])
    assert text.strip() == "1 of 1 runs are done; about 0 s left in all"


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
    assert forecast(screen(shown, [ended("unet", 5, 10, 4.0)])) == said


def test_a_low_terminal_shows_the_time_left_and_what_is_under_way() -> None:
    """Runs that are done are a number; where not all others fit, it is said how many are left out."""
    shown = watch(**{f"run-{n}": 10.0 for n in range(40)})
    for name in ("run-0", "run-30"):
        shown(ended(name, 0, 10, 0.0))
    shown(ended("run-0", 10, 10, 1.0))
    shown(ended("run-30", 5, 10, 1.0))
    on = terminal(height=10)
    with Live(shown, console=on, auto_refresh=False) as live:
        live.refresh()
        lines = [line.strip() for line in printed(on).splitlines() if line.strip()]
    assert "1 of 40 runs are done; about 3 min 15 s left in all" in lines[0]
    assert [line.split()[0] for line in lines[-4:]] == ["run-30", "run-1", "run-2", "and"]
    assert lines[-1] == "and 36 more"


def test_without_a_terminal_a_run_says_where_it_is_in_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log holds a line for the beginning of a run, one for its end, and one a minute for all together."""
    clock = iter((0.0, *(19.0 * epoch for epoch in range(11))))
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with watch(unet=10.0) as shown:
        for epoch in range(11):
            shown(ended("unet", epoch, 10, 20.0))
    first, *between, last = capsys.readouterr().err.splitlines()
    assert [re.split(r" {2,}", line)[:3] for line in (first, last)] == [
        ["unet", "seed 0", "epoch 0/10"],
        ["unet", "seed 0", "epoch 10/10"],
    ]
    assert last.endswith("done")
    assert between == [f"0 of 1 runs are done; about {left} left in all" for left in ("2 min 00 s", "40 s")]


def test_on_a_terminal_the_table_is_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands on stderr while runs are under way, and no line is added for an epoch."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "100", "LINES": "50"}.items():
        monkeypatch.setenv(name, value)
    with watch(unet=10.0) as shown:
        shown(ended("unet", 5, 10, 4.0))
    told = capsys.readouterr()
    assert "0 of 1 runs are done; about 20 s left in all" in told.err
    assert "seed 0  epoch 5/10" not in told.err
    assert told.out == ""


def test_a_page_is_told_what_its_sections_wait_for() -> None:
    """Of each experiment without a finished run: how far it is and how long it takes, as far as is known."""
    shown = watch(unet=10.0, pool=20.0, formulas=0.0, audit=0.0)
    for event in (
        ended("unet", 1, 4, 5.0),
        ended("audit", 1, 1, 0.0),
        Progress("formulas", 0, 0, 1, {}, 0.0),
    ):
        shown(event)
    told = shown.waiting()
    assert told.experiments == {
        "unet": Awaited("The net unet", "here", "1 of 4 epochs are done", "about 15 s"),
        "formulas": Awaited("The net formulas", "here"),
        "pool": Awaited("The net pool", "waits", left="about 40 s"),
    }
    assert told.standing == "1 of 4 runs are done; about 40 s left in all"
    shown(ended("unet", 4, 4, 5.0))
    assert "unet" not in shown.waiting().experiments
