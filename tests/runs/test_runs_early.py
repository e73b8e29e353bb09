"""What a build shows while it computes: a page of the runs that stand, made beside them."""

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnnreport.commands import early
from cnnreport.commands.early import Early
from cnnreport.errors import UsageError
from cnnreport.report.page.outline import Outline, Section
from cnnreport.report.page.waiting import Waiting
from cnnreport.runs.runner import Progress

SECTIONS = (
    Section("a", "A", "Part", "a.html.j2", ("one",)),
    Section("b", "B", "Part", "b.html.j2", ("one", "two")),
)
OUTLINE = Outline("demo", "Demo", "", "", "demo.pdf", SECTIONS)


class Looks:
    """A page that counts how often it was rendered, in a file, and by which process."""

    def __init__(self, file: Path, mistake: str = "") -> None:
        self.file, self.mistake = file, mistake

    def __call__(self, waiting: Waiting) -> None:
        """Render once more, or fail."""
        with self.file.open("a") as file:
            file.write(f"{os.getpid()} {os.nice(0)} {waiting.at}\n")
        sys.stderr.write("nobody wants to read this")
        if self.mistake:
            raise UsageError(self.mistake, "mend it")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look from the beginning, and as often as the share of the machine allows."""
    monkeypatch.setattr(early, "FIRST", 0.0)
    monkeypatch.setattr(early, "APART", 0.0)


def ended(name: str, epoch: int = 4) -> Progress:
    """An epoch of four that has ended."""
    return Progress(name, 0, epoch, 4, {"train_loss": 1.0}, 0.1)


def how_far() -> Waiting:
    """How far the build is."""
    return Waiting("12:00", "", {})


def watched(looks: Looks, told: list[str], plan: tuple[Any, ...] = ()) -> Early:
    """What shows that page."""
    return Early(OUTLINE, plan, looks, looks.file.with_suffix(".html"))


def lines(file: Path) -> list[str]:
    """Who rendered."""
    return file.read_text().splitlines() if file.exists() else []


def go_on(shown: Early, told: list[str], until: int) -> None:
    """Let epochs of a training pass until so much was told, half a minute at most."""
    end = time.monotonic() + 30
    while len(told) < until and time.monotonic() < end:
        shown(ended("two", epoch=1), told.append, how_far)
        time.sleep(0.02)


def test_a_section_is_shown_once_its_runs_stand(tmp_path: Path) -> None:
    """Beside the trainings, by another process that lets them go first and knows how far they are."""
    looks, told = Looks(tmp_path / "looks"), []
    with watched(looks, told) as shown:
        shown(ended("one", epoch=3), told.append, how_far)
        assert lines(looks.file) == []
        shown(ended("one"), told.append, how_far)
        go_on(shown, told, 1)
    assert told[0].endswith("looks.html shows what stands so far; it is renewed as more runs end.")
    (line,) = lines(looks.file)
    process, nice, at = line.split()
    assert int(process) != os.getpid()
    assert at == how_far().at
    assert int(nice) == os.nice(0) + early.NICE


def test_a_section_waits_for_all_that_it_tells_of(tmp_path: Path) -> None:
    """Nothing is rendered for an experiment of a section whose others have no run; what stood counts."""
    looks, told = Looks(tmp_path / "looks"), []
    with watched(looks, told) as shown:
        shown(ended("two"), told.append, how_far)
        assert lines(looks.file) == []
    stood = SimpleNamespace(experiment=SimpleNamespace(name="one"), run=object())
    with watched(looks, told, (stood,)) as shown:
        shown(ended("two"), told.append, how_far)
        go_on(shown, told, 1)
    assert len(lines(looks.file)) == 1


@pytest.mark.slow
def test_pages_take_no_more_than_their_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first page the next waits until it can be afforded."""
    monkeypatch.setattr(early, "SHARE", 1e-9)
    looks, told = Looks(tmp_path / "looks"), []
    with watched(looks, told) as shown:
        shown(ended("one"), told.append, how_far)
        go_on(shown, told, 1)
        for _ in range(5):
            shown(ended("one"), told.append, how_far)
    assert len(lines(looks.file)) == 1


def test_a_mistake_in_an_answer_is_told_before_all_runs_are_done(tmp_path: Path) -> None:
    """Nobody wants to learn of it after hours; the trainings go on."""
    looks, told = Looks(tmp_path / "looks", "a3 divides by zero"), []
    with watched(looks, told) as shown:
        shown(ended("one"), told.append, how_far)
        go_on(shown, told, 1)
    assert told[0].endswith("looks.html cannot show yet what stands: a3 divides by zero; mend it.")


def test_the_process_ends_with_the_runs(tmp_path: Path) -> None:
    """The build itself comes next, and writes the same files."""
    looks, told = Looks(tmp_path / "looks"), []
    with watched(looks, told) as shown:
        shown(ended("one"), told.append, how_far)
    assert told == []
    done = lines(looks.file)
    time.sleep(0.5)
    assert lines(looks.file) == done
