"""Whatever ends a command, the same command goes on, and the bytes are those of one left in peace."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnreport.runs import artefact, checkpoint

DECLARATION = """
from cnnreport.runs.experiment import Experiment
from cnnreport.training.specs.colourization import Colourization

EXPERIMENTS = (
    Experiment(
        "small",
        "A small training",
        Colourization(
            net="cnnreport.nets.colourization:PoolUpsampleNet",
            num_filters=4, num_colours=4, epochs=40, batch_size=20,
            train_images=200, validation_images=50,
        ),
        seeds=2,
    ),
    Experiment(
        "long",
        "A training that is not over soon",
        Colourization(
            net="cnnreport.nets.colourization:PoolUpsampleNet",
            num_filters=4, num_colours=4, epochs=9999, batch_size=20,
            train_images=20, validation_images=5,
        ),
        seeds=1,
    ),
)
"""
FOREVER = 120.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one small experiment."""
    root = tmp_path_factory.mktemp("project")
    (root / "templates").mkdir()
    (root / "experiments" / "demo").mkdir(parents=True)
    (root / "experiments" / "demo" / "small.py").write_text(DECLARATION)
    return root


@pytest.fixture(scope="module")
def undisturbed(project: Path) -> Path:
    """The output folder of a command that nothing interrupted."""
    out = project / "undisturbed"
    finish(start(project, out))
    return out


def start(project: Path, out: Path, name: str = "small") -> "subprocess.Popen[str]":
    """Start the command in a process group of its own, where Ctrl-C counts even if it does not here."""
    return subprocess.Popen(
        f"{sys.executable} -m cnnreport --project {project} run {name} "
        f"--data drawn --device cpu --out {out}".split(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # a shell's background jobs ignore it
    )


def finish(process: "subprocess.Popen[str]", code: int = 0) -> str:
    """Wait for a command's end, check its exit code and return what it said on stderr."""
    _, errors = process.communicate(timeout=FOREVER)
    assert process.returncode == code, errors
    return errors


def contents(out: Path) -> dict[str, bytes]:
    """Every file of every run but the manifests, which also tell times."""
    files = [path for path in (out / "runs").rglob("*") if path.is_file()]
    assert files
    kept = [path for path in files if path.name != artefact.MANIFEST]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in kept}


def epochs(out: Path) -> int:
    """How many epochs stand on the disk, over all runs under way."""
    return sum(int(path.name[:5]) for path in (out / "checkpoints").glob("*/*.safetensors"))


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait until a condition holds or the process has ended."""
    end = time.monotonic() + FOREVER
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def prepared(project: Path, undisturbed: Path, name: str) -> Path:
    """A fresh output folder that has the prepared data already."""
    out = project / name
    shutil.copytree(undisturbed / "data", out / "data")
    return out


def check_kills(project: Path, undisturbed: Path, seed: int, kills: int) -> None:
    """Kill the command at random moments, let it finish, and compare."""
    rng = random.Random(seed)
    out = prepared(project, undisturbed, f"killed-{seed}")
    for _ in range(kills):
        process = start(project, out)
        goal = epochs(out) + rng.randint(1, 20)
        wait_for(lambda goal=goal: epochs(out) >= goal, process)  # type: ignore[misc]
        time.sleep(rng.random() * 0.2)
        process.kill()
        process.communicate()  # ends when the workers have
        assert not [*out.glob(f"checkpoints/*/{checkpoint.FAILURE}")]  # what was killed did not fail
    finish(start(project, out))
    assert contents(out) == contents(undisturbed)
    assert not [path for path in (out / "checkpoints").iterdir() if path.is_dir()]


@pytest.mark.slow
def test_kill_9_and_again_gives_the_same_bytes(project: Path, undisturbed: Path) -> None:
    """Killed at a random moment, the same command ends with the very bytes of an undisturbed run."""
    check_kills(project, undisturbed, seed=random.SystemRandom().randrange(1000), kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_give_the_same_bytes(project: Path, undisturbed: Path, seed: int) -> None:
    """So does a command killed again and again."""
    check_kills(project, undisturbed, seed=1000 + seed, kills=3)


@pytest.mark.slow
def test_an_interrupt_has_its_exit_code_and_loses_nothing(project: Path) -> None:
    """Ctrl-C ends with 130 and one sentence; status counts the finished epochs."""
    out = project / "interrupted"
    process = start(project, out, "long")
    wait_for(lambda: epochs(out) >= 3, process)
    os.killpg(process.pid, signal.SIGINT)
    errors = finish(process, code=130)
    assert errors.splitlines()[-1] == "Interrupted; nothing is lost, the same command goes on where it was."
    assert "Traceback" not in errors
    assert epochs(out) >= 3


@pytest.mark.slow
def test_two_commands_at_once_share_the_work(project: Path, undisturbed: Path) -> None:
    """Two equal commands into one folder both succeed, and the runs are whole."""
    out = prepared(project, undisturbed, "twice")
    both = [start(project, out), start(project, out)]
    for process in both:
        finish(process)
    assert contents(out) == contents(undisturbed)
