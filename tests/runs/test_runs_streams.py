"""No reader's end stops a command: progress is best effort, and results are lost to nobody's surprise."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from executing import Here, compute_with
from planned import DECLARATION, plan

from cnnreport.project import PACKAGE, Project, find
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.system import streams

FOREVER = 120.0
EPOCHS = 400
"""More epochs than their progress has room in a pipe of 64 KiB."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and signals are those of POSIX")


@pytest.fixture
def long(counting: Project) -> Project:
    """Two runs of so many epochs that their progress fills a pipe."""
    text = DECLARATION.replace("Counting(), seeds=2", f"Counting(epochs={EPOCHS}, factor=1), seeds=2")
    (counting.experiments / "demo" / "counts.py").write_text(text)
    return counting


def start(project: Project, *words: str, before: Any = None, **how: Any) -> "subprocess.Popen[bytes]":
    """Start a command on a project, in a process group of its own."""
    command = [sys.executable, "-m", "cnnreport", "--project", str(project.root), *words]
    return subprocess.Popen(command, start_new_session=True, preexec_fn=before, **how)


def count(project: Project, **how: Any) -> "subprocess.Popen[bytes]":
    """Start the two runs."""
    return start(project, "run", "count", "--device", "cpu", "--workers", "1", **how)


def done(project: Project) -> list[str]:
    """The states of the two runs."""
    return [planned.state for planned in plan(project)]


@pytest.mark.slow  # a real command and its worker; in this process: the second test from here
def test_a_reader_that_leaves_after_a_line_stops_nothing(long: Project) -> None:
    """`… 2>&1 | head -1`: the runs are finished, the exit code says so, and nothing hangs."""
    process = count(long, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    next(line for line in process.stdout if b"seed" in line)
    process.stdout.close()
    assert process.wait(FOREVER) == 0
    assert done(long) == ["cached", "cached"]


@pytest.mark.slow
def test_closed_streams_stop_nothing_and_get_into_no_file(counting: Project) -> None:
    """`>&- 2>&- <&-`: the runs are whole, though a file might have got the number of a stream."""
    process = count(counting, before=lambda: [os.close(number) for number in (0, 1, 2)])
    assert process.wait(FOREVER) == 0
    assert done(counting) == ["cached", "cached"]


@pytest.mark.slow  # a real worker; the next test has the same in this process
def test_a_printer_that_fails_does_not_end_the_listener(long: Project) -> None:
    """Whatever the code that shows progress raises, the runs are finished, and then it is told."""

    def fail(progress: object) -> None:
        raise ValueError("no such colour")

    with pytest.warns(RuntimeWarning, match="could not be shown: ValueError: no such colour"):
        runs = run_plan(long, plan(long), "a command", fail, most=1)
    assert [len(run.history) for run in runs] == [EPOCHS, EPOCHS]


def test_a_printer_that_fails_does_not_end_a_run_in_this_process(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it where runs and printer share a process."""

    def fail(progress: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    compute_with(monkeypatch, Here)
    with pytest.warns(RuntimeWarning, match="could not be shown"):
        run_plan(counting, plan(counting), "a command", fail)
    assert done(counting) == ["cached", "cached"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_results_that_find_no_room_are_an_error() -> None:
    """`list > FILE` on a full disk ends with exit code 4 and says why."""
    with open("/dev/full", "wb") as full:
        process = start(find(PACKAGE.parent), "list", stdout=full, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=FOREVER)
    assert process.returncode == 4
    assert b"results could not be written to stdout: no space left on device" in errors


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_progress_that_finds_no_room_is_none(counting: Project) -> None:
    """A log on a full disk stops nothing."""
    with open("/dev/full", "wb") as full:
        process = count(counting, stdout=subprocess.PIPE, stderr=full)
        results, _ = process.communicate(timeout=FOREVER)
    assert process.returncode == 0
    assert b"count-seed1" in results


@pytest.mark.slow
def test_a_user_s_own_print_stops_no_run(counting: Project) -> None:
    """What the code of a user prints in a worker may find no reader either."""
    file = counting.root / "counting.py"
    file.write_text(
        file.read_text().replace("        epoch = int", '        print("x" * 9999)\n        epoch = int')
    )
    process = count(counting, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(timeout=FOREVER)
    assert process.returncode == 0, errors
    assert done(counting) == ["cached", "cached"]


def test_a_pipe_that_does_not_block_gets_everything() -> None:
    """A full pipe set not to block, as some shells leave it, is waited for."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    got: list[bytes] = []

    def read() -> None:
        while chunk := os.read(reader, 1000):
            got.append(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    content = os.urandom(300_000)
    raw = streams.Outlasting(writer)
    sent = 0
    while sent < len(content):
        sent += raw.write(memoryview(content)[sent:])
    os.close(writer)
    thread.join()
    os.close(reader)
    assert b"".join(got) == content
    assert raw.failure is None


def begun(project: Project) -> bool:
    """Whether an epoch stands on the disk."""
    return any(project.checkpoints.glob("*/*.safetensors"))


def wait_until_begun(project: Project, process: "subprocess.Popen[bytes]") -> None:
    """Wait until an epoch stands on the disk or the command has ended."""
    end = time.monotonic() + FOREVER
    while not begun(project) and process.poll() is None:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_the_command_in_order(long: Project) -> None:
    """A hang-up, which a shell sends to all processes, twice, is an interrupt: 130, and epochs stand."""
    declared = long.experiments / "demo" / "counts.py"
    declared.write_text(declared.read_text().replace(f"epochs={EPOCHS}", "epochs=100_000"))  # not over before
    process = count(
        long,
        before=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # though these tests run under nohup
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until_begun(long, process)
    os.killpg(process.pid, signal.SIGHUP)
    os.kill(process.pid, signal.SIGHUP)
    _, errors = process.communicate(timeout=FOREVER)
    assert process.returncode == 130, errors
    assert errors.decode().splitlines()[-1].startswith("Interrupted; nothing is lost")
    assert "interrupted" in done(long)


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_is_nothing(long: Project) -> None:
    """With nohup the command goes on to its end."""
    process = count(
        long,
        before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until_begun(long, process)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(FOREVER) == 0
    assert done(long) == ["cached", "cached"]
