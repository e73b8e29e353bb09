"""What `make` looks at before it downloads anything, on machines made of a few fake commands."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnnreport.project import PACKAGE

ROOT = PACKAGE.parent
REAL = ("awk", "cat", "df", "dirname", "du", "env", "expand", "find", "grep", "make", "mkdir", "rm", "sed",
        "sh", "touch", "true", "uname")  # fmt: skip
"""Commands that every machine has."""

PYTHON = f"""
case "$*" in
*cnnreport.report.out.libraries*) cat "$STATE/missing" ;;
*'find_spec("pip")'*) [ -e "$STATE/pip" ] ;;
*) exec {sys.executable} "$@" ;;
esac
"""

APT = """
echo "apt-get $*" >>"$STATE/log"
case "$*" in
*update) touch "$STATE/lists" ;;
*libharfbuzz-subset0*) exit 1 ;;
*) [ -e "$STATE/lists" ] || { echo "E: Unable to locate package"; exit 100; }
   case "$*" in *pango*) : >"$STATE/missing" ;; esac
   case "$*" in *python3-pip*) touch "$STATE/pip" ;; esac ;;
esac
"""

SUDO = """
echo "sudo $*" >>"$STATE/log"
shift
exec "$@"
"""


class Machine:
    """A machine that has pango, pip, a Python and disk space, until a test takes one away."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.state, self.checkout = folder / "bin", folder / "state", folder / "checkout"
        for made in (self.bin, self.state, self.checkout):
            made.mkdir()
        for name in REAL:
            found = shutil.which(name)
            assert found, f"the tests need {name}"
            (self.bin / name).symlink_to(found)
        self.command("python3", PYTHON)
        self.user(0)
        self.free(gigabytes=50)
        (self.state / "missing").touch()
        (self.state / "pip").touch()
        (self.state / "lists").touch()
        shutil.copytree(ROOT / "setup", self.checkout / "setup")
        for name in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.checkout)

    def command(self, name: str, script: str) -> None:
        """Give it a command."""
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def user(self, number: int) -> None:
        """Work there as root (0) or as somebody."""
        self.command("id", f"echo {number}")

    def free(self, gigabytes: int) -> None:
        """Set the space on its disk."""
        blocks = gigabytes * 10**9 // 1024
        self.command("df", f"echo header; echo /dev/disk 999999999 0 {blocks} 0% /")

    def lacks_pango(self) -> None:
        """Take pango away."""
        (self.state / "missing").write_text("Pango\nPangoFT2\n")

    def has_environment(self) -> None:
        """Give it an environment, newer than what it is made from."""
        tools = self.checkout / ".venv" / "bin"
        tools.mkdir(parents=True)
        (tools / "python").symlink_to(self.bin / "python3")
        (self.checkout / ".venv" / ".ready").touch()

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the checkout."""
        environment = {"PATH": str(self.bin), "STATE": str(self.state), "HOME": str(self.state)}
        return subprocess.run(
            words, cwd=self.checkout, env=environment, capture_output=True, text=True, timeout=60
        )

    def check(self) -> "subprocess.CompletedProcess[str]":
        """Run what make runs first."""
        return self.run("sh", "setup/system.sh", "python3", ".venv", ".tools/bin/uv")

    def log(self) -> list[str]:
        """What was installed, line by line."""
        file = self.state / "log"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that is fit, without any installer."""
    return Machine(tmp_path)


def test_a_fit_machine_is_told_what_comes(machine: Machine) -> None:
    """Before the environment is made, its size and the space that is free are said, in one line."""
    done = machine.check()
    assert done.returncode == 0
    assert done.stderr.startswith("Setting up .venv, once: up to 3.3 GB to download, 6.3 GB on disk (50.0 GB")
    assert done.stderr.count("\n") == 1


def test_a_machine_that_is_set_up_hears_nothing(machine: Machine) -> None:
    """Where the environment stands, neither pip nor space is asked for, and nothing is said or installed."""
    machine.has_environment()
    machine.command("apt-get", APT)
    machine.free(gigabytes=1)
    (machine.state / "pip").unlink()
    done = machine.check()
    assert (done.returncode, done.stdout, done.stderr, machine.log()) == (0, "", "", [])


@pytest.mark.parametrize("user", [0, 1000])
def test_apt_brings_what_is_missing(machine: Machine, user: int) -> None:
    """Root, and who may use sudo without a password, get pango; one line says so."""
    machine.user(user)
    machine.lacks_pango()
    machine.command("apt-get", APT)
    machine.command("sudo", SUDO)
    done = machine.check()
    assert done.returncode == 0, done.stderr
    assert "Pango, PangoFT2 missing: installing libpango-1.0-0 libpangoft2-1.0-0" in done.stderr
    installed = "apt-get -qq -y install --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0"
    assert installed in machine.log()
    assert any(line.startswith("sudo") for line in machine.log()) == bool(user)
    assert "apt-get -qq -y update" not in machine.log()


def test_package_lists_are_fetched_where_apt_lacks_them(machine: Machine) -> None:
    """A machine that never saw a list gets one, then the packages; one that lacks nothing gets none."""
    (machine.state / "lists").unlink()
    machine.lacks_pango()
    machine.command("apt-get", APT)
    assert machine.check().returncode == 0
    assert [line.split()[3] for line in machine.log()] == ["install", "update", "install", "install"]


def test_pip_is_brought_too(machine: Machine) -> None:
    """Debian's Python comes without pip."""
    (machine.state / "pip").unlink()
    machine.command("apt-get", APT)
    done = machine.check()
    assert done.returncode == 0, done.stderr
    assert "python3's pip missing: installing python3-pip with apt-get." in done.stderr


def test_harfbuzz_subset_alone_stops_nothing(machine: Machine) -> None:
    """It is tried beside pango; where there is no such package the line says that it is only nice to have."""
    machine.lacks_pango()
    machine.command("apt-get", APT)
    done = machine.check()
    assert done.returncode == 0
    assert "Without libharfbuzz-subset0, which is only nice to have." in done.stderr


def test_an_apt_that_fails_is_quoted(machine: Machine) -> None:
    """What apt-get itself says is the reason."""
    machine.lacks_pango()
    machine.command("apt-get", "echo 'E: no network' >&2; exit 100")
    done = machine.check()
    assert done.returncode == 4
    assert done.stderr.endswith(
        "Error: apt-get cannot install libpango-1.0-0 libpangoft2-1.0-0:\nE: no network\n"
    )


@pytest.mark.parametrize(
    ("installer", "line"),
    [
        ("apt-get", "run: sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0"),
        ("dnf", "run: sudo dnf install pango"),
        ("brew", "run: brew install pango"),
        ("", "on Debian or Ubuntu run: apt-get install libpango-1.0-0 libpangoft2-1.0-0"),
    ],
)
def test_elsewhere_the_line_that_installs_it_is_said(machine: Machine, installer: str, line: str) -> None:
    """Who may install nothing is told what to run, and nothing is downloaded."""
    machine.user(1000)
    machine.lacks_pango()
    if installer:
        machine.command(installer, f'echo {installer} >>"$STATE/log"')
    machine.command("sudo", "exit 1")
    done = machine.run("make", "demo")
    assert done.returncode != 0
    assert f"Error: Pango, PangoFT2 missing; {line}" in done.stderr
    assert machine.log() == []
    assert not (machine.checkout / ".tools").exists()


def stopped(machine: Machine, target: str) -> str:
    """Run a target that must stop before it makes anything, and return why."""
    done = machine.run("make", target)
    assert done.returncode != 0
    assert not any((machine.checkout / made).exists() for made in (".venv", ".tools"))
    return done.stderr


@pytest.mark.parametrize("target", ["report", "full", "demo", "test", "test-all"])
def test_a_small_disk_stops_every_target_first(machine: Machine, target: str) -> None:
    """How much is needed and how much there is is said before the download."""
    machine.free(gigabytes=5)
    assert (
        "Error: 7.3 GB of disk space are needed here (6.3 GB of them for .venv), and 5.0 GB are free"
        in stopped(machine, target)
    )


def test_an_old_python_stops_it(machine: Machine) -> None:
    """The version that is there and the one that is needed are named, with the way to choose another."""
    machine.command("python3", "echo 3.9; exit 1")
    assert (
        "python3 is Python 3.9, and 3.11 or later is needed; name another one with PYTHON=python3.12"
        in stopped(machine, "report")
    )


def test_a_python_that_cannot_look_for_libraries_stops_it(machine: Machine) -> None:
    """What could not be looked at is not taken for there."""
    (machine.state / "missing").unlink()
    assert "Error: python3 cannot look for libraries" in stopped(machine, "demo")


def test_a_missing_python_stops_it(machine: Machine) -> None:
    """Without an installer the ways to get one are named."""
    (machine.bin / "python3").unlink()
    assert "Error: Python missing; on Debian or Ubuntu run: apt-get install python3" in stopped(
        machine, "demo"
    )


@pytest.mark.parametrize("words", [("make", "-n", "report"), ("make", "help"), ("make",)])
def test_looking_changes_nothing(machine: Machine, words: tuple[str, ...]) -> None:
    """A dry run and the list of targets install nothing and make nothing."""
    machine.lacks_pango()
    machine.command("apt-get", APT)
    assert machine.run(*words).returncode == 0
    assert machine.log() == []
    assert {file.name for file in machine.checkout.iterdir()} == {
        "Makefile",
        "pyproject.toml",
        "requirements.lock",
        "setup",
    }


def test_a_bare_machine_needs_root(machine: Machine) -> None:
    """Who may not make one is told so at once."""
    machine.user(1000)
    done = machine.run("make", "bare")
    assert done.returncode != 0
    assert "Error: only root may make a machine in a folder; run: sudo make bare" in done.stderr


def test_a_bare_machine_needs_debootstrap(machine: Machine) -> None:
    """What it is made with is named, with the line that installs it."""
    machine.command("apt-get", APT)
    done = machine.run("make", "bare")
    assert done.returncode != 0
    assert "Error: debootstrap is missing; on Debian run: apt-get install debootstrap git" in done.stderr
    assert machine.log() == []
