"""What the command line shows: results on stdout, progress and errors on stderr."""

import contextlib
import csv
import io
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from cnnreport.kinds.digits import on_terminal
from cnnreport.kinds.kind import load, named_by

if TYPE_CHECKING:
    from cnnreport.kinds.kind import Kind
    from cnnreport.report.page.waiting import Awaited, Waiting
    from cnnreport.runs.executors.estimate import Guess, Took
    from cnnreport.runs.planning.planned import Planned
    from cnnreport.runs.runner import Progress
    from cnnreport.task import Row

LINE_EVERY = 60.0
"""Seconds between two lines about all runs together where there is no terminal to redraw."""

UNDER_WAY, WAITING, DONE = range(3)
"""The order of the runs in the live table."""

AROUND = 6
"""Lines of a terminal that the live table does not fill with runs: its title, its head and what is typed."""

DOWNLOAD_LINE_EVERY = 2.0
"""Seconds between two lines about a download."""

FORMULA_SIGNS = tuple("=+-@＝＋－＠")
"""With these a cell begins that a spreadsheet would compute."""


def say(text: str) -> None:
    """Print a result."""
    click.echo(text)


def note(text: str) -> None:
    """Print something about the way there."""
    click.echo(text, err=True)


def prints_aside() -> contextlib.AbstractContextManager[object]:
    """Send what the code of a user prints to stderr: results alone are on stdout."""
    return contextlib.redirect_stdout(sys.stderr)


def say_json(value: Any) -> None:
    """Print a result for a machine."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say_csv(rows: Iterable[Sequence[str]]) -> None:
    """Print rows for a spreadsheet (RFC 4180), which takes no cell for a formula.

    A byte order mark comes first: without it some programs take UTF-8 for another encoding.
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(map(_as_text, row) for row in rows)
    click.echo(written.getvalue().encode("utf-8-sig"), nl=False)


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(FORMULA_SIGNS) or cell[:1] in ("\t", "\r") else cell


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table, or a sentence where it has no rows."""
    from rich.console import Console

    listed = list(rows)
    console = Console()
    if not listed:
        say(empty)
    elif console.is_terminal:
        console.print(_table(columns, listed))
    else:  # never fold what another program may read
        widths = [max(map(len, column)) for column in zip(columns, *listed, strict=True)]
        for row in (columns, *listed):
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def short(path: Path) -> str:
    """Phrase a path as a user would type it here: relative where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def duration(seconds: float) -> str:
    """Phrase a time span: ``8 s``, ``2 min 05 s``, ``1 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Download:
    """Says now and then how far a download is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._spoken = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        """Take note of the bytes done and in all."""
        now = time.monotonic()
        if now - self._spoken >= DOWNLOAD_LINE_EVERY or done == total:
            self._spoken = now
            of = f" of {total / 1e6:.0f}" if total else ""
            note(f"downloading {self._what}: {done / 1e6:.0f}{of} MB")


class Watch:
    """Shows the runs of a plan while they are computed: a live table, or lines without a terminal."""

    def __init__(
        self, plan: "Sequence[Planned]", before: "Sequence[Took]" = (), afterwards: float | None = 0.0
    ) -> None:
        """Watch the runs that a plan lacks.

        Args:
            plan: All runs.
            before: What earlier runs took.
            afterwards: Seconds that the command goes on after the runs, None where that is not known.
        """
        from cnnreport.runs.executors import estimate

        missing = [planned for planned in plan if planned.run is None]
        self._works = {(each.experiment.name, each.seed): estimate.work_of(each) for each in missing}
        self._kinds = {each.experiment.name: load(named_by(each.spec)) for each in missing}
        self._rows: dict[tuple[str, int], Progress | None] = dict.fromkeys(self._works)
        self._titles = {each.experiment.name: each.experiment.title for each in missing}
        self._there = {each.experiment.name for each in plan if each.run is not None}
        self._spoken = time.monotonic()
        self._paces: dict[tuple[str, int], float] = {}  # seconds of a run's last epoch
        self._before = before
        self._afterwards = afterwards
        self._workers: dict[str, int] = {}  # the most that were seen at once, by device
        self._live: Any = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        if self._rows and console.is_terminal:
            self._live = Live(self, console=console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, progress: "Progress") -> None:
        """Take note of what happened to a run."""
        name = (progress.experiment, progress.seed)
        self._rows[name] = progress
        device = self._works[name].device
        self._workers[device] = max(self._workers.get(device, 0), len(self._under_way(device)))
        if progress.warning:
            self.tell(f"{progress.experiment} seed {progress.seed}: {progress.warning}")
        if self._place(name) == DONE:
            self._there.add(progress.experiment)
        if progress.row:
            self._paces[name] = progress.seconds
        if not self._live:
            self._speak(name, progress)

    def tell(self, sentence: str) -> None:
        """Say something besides, above the table where there is one."""
        self._live.console.print(sentence, markup=False) if self._live else note(sentence)

    def _speak(self, name: tuple[str, int], progress: "Progress") -> None:
        if progress.epoch == progress.epochs or not progress.row:
            note("  ".join(cell for cell in self._cells(name) if cell))
        now = time.monotonic()
        if now - self._spoken >= LINE_EVERY:
            self._spoken = now
            note(self._standing())

    def waiting(self) -> "Waiting":
        """Say how far the build is: of each experiment without a finished run, how far its first one is."""
        from cnnreport.report.page.waiting import Waiting

        awaited: dict[str, Awaited] = {}
        # Runs under way come first, then those that wait, in the order of the plan.
        for name in sorted(self._rows, key=self._place):
            if name[0] in self._there or name[0] in awaited:
                continue
            awaited[name[0]] = self._awaited(name)
        return Waiting(time.strftime("%H:%M"), self._standing(), awaited)

    def _awaited(self, name: tuple[str, int]) -> "Awaited":
        from cnnreport.report.page.waiting import Awaited
        from cnnreport.runs.executors import estimate

        row, title = self._rows[name], self._titles[name[0]]
        if row is None:
            guess = estimate.guess(self._works[name], self._measured(), self._before)
            return Awaited(title, "waits", left=f"about {duration(guess.seconds)}" if guess else "")
        if not row.epochs:
            return Awaited(title, "elsewhere")
        left = self._left(name)
        epochs = f"{row.epoch} of {row.epochs} epochs are done" if row.epochs > 1 else ""
        return Awaited(title, "here", epochs, f"about {duration(left)}" if left else "")

    def _standing(self) -> str:
        done = sum(self._place(name) == DONE for name in self._rows)
        return f"{done} of {len(self._rows)} runs are done; {self._forecast()}"

    def __rich_console__(self, console: Any, options: Any) -> Any:
        """Draw what there is room for: of runs that are done only the number, of others the first ones."""
        from rich.text import Text

        columns = ("experiment", "seed", "epoch", "last epoch", "time left")
        names = sorted((name for name in self._rows if self._place(name) != DONE), key=self._place)
        fitting = max(1, console.size.height - AROUND)
        shown = names if len(names) <= fitting else names[: fitting - 1]
        rows = [self._cells(name) for name in shown]
        if more := len(names) - len(shown):
            rows.append([f"and {more} more", "", "", "", ""])
        yield Text(self._standing())
        if rows:
            yield _table(columns, rows)

    def _place(self, name: tuple[str, int]) -> int:
        """Return where a run stands in the table: under way, waiting or done."""
        row = self._rows[name]
        if row is None:
            return WAITING
        return DONE if row.epochs and row.epoch == row.epochs else UNDER_WAY

    def _forecast(self) -> str:
        left, unknown = self._time_left()
        if left is None:
            return "the time left is known once an epoch has ended"
        rest = ", then the report is laid out and printed" if self._afterwards is None else ""
        remaining = duration(left.seconds + (self._afterwards or 0.0))
        if unknown:
            runs = "1 run is" if unknown == 1 else f"{unknown} runs are"
            return f"{remaining} left and more{rest}; {runs} of a kind not measured yet"
        about = "roughly" if left.rough else "at most about" if left.most else "about"
        return f"{about} {remaining} left{rest or ' in all'}"

    def _time_left(self) -> "tuple[Guess | None, int]":
        """Guess the seconds until all runs are done: each run under way at the pace of its last epoch, one
        without a pace by what is like it.

        Returns:
            The guess, None where nothing was measured, and how many runs it does not contain, since
            nothing is known of their kind.
        """
        from cnnreport.runs.executors import estimate

        now = self._measured()
        waiting = {name: work for name, work in self._works.items() if name not in self._paces}
        guesses = {name: estimate.guess(work, now, self._before) for name, work in waiting.items()}
        known = {name: guess for name, guess in guesses.items() if guess}
        unknown = sum(name not in known for name, work in waiting.items() if estimate.takes_long(work))
        if not now and not any(estimate.takes_long(waiting[name]) for name in known):
            return None, unknown
        total = 0.0
        for device in {work.device for work in self._works.values()}:
            under_way = [self._left(name) for name in self._under_way(device) if name in self._paces]
            left = [guess.seconds for name, guess in known.items() if self._works[name].device == device]
            workers = self._workers.get(device) or estimate.workers(device)
            total = max(total, estimate.finish(under_way, left, workers))
        most, rough = (any(getattr(guess, how) for guess in known.values()) for how in ("most", "rough"))
        return estimate.Guess(total, most=most, rough=rough), unknown

    def _measured(self) -> "list[Took]":
        """Return what the runs of this build take, each by its last epoch."""
        from cnnreport.runs.executors.estimate import Took

        rows = ((name, self._rows[name], pace) for name, pace in self._paces.items())
        return [Took(self._works[name], row.epochs * pace) for name, row, pace in rows if row]

    def _under_way(self, device: str) -> list[tuple[str, int]]:
        return [
            name
            for name, row in self._rows.items()
            if row and row.epoch < row.epochs and self._works[name].device == device
        ]

    def _left(self, name: tuple[str, int]) -> float:
        """Guess the seconds until a run is done, 0 where nothing is known of it."""
        row = self._rows[name]
        return (row.epochs - row.epoch) * self._paces[name] if row and name in self._paces else 0.0

    def _cells(self, name: tuple[str, int]) -> list[str]:
        progress = self._rows[name]
        experiment, seed = name
        if progress is None:
            return [experiment, f"seed {seed}", "waiting", "", ""]
        if not progress.epochs:
            return [experiment, f"seed {seed}", "another process computes it; waiting", "", ""]
        left = self._left(name)
        return [
            experiment,
            f"seed {seed}",
            f"epoch {progress.epoch}/{progress.epochs}",
            _live(self._kinds[experiment], progress.row),
            "done" if progress.epoch == progress.epochs else f"{duration(left)} left" if left else "",
        ]


def _live(kind: "Kind", row: "Row") -> str:
    """Say what the last epoch gave, each number that the kind wants shown; nothing before its end."""
    shown = [recorded for recorded in kind.recorded if recorded.live and recorded.key in row]
    return "  ".join(f"{recorded.live} {on_terminal(row[recorded.key], recorded.form)}" for recorded in shown)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: brackets in a message are no markup
    return table
