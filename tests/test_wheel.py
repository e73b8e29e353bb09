"""The package as it is installed elsewhere: everything that a report needs is in it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from cnnreport.project import PACKAGE

pytestmark = pytest.mark.slow  # a wheel is built, and a report with it

SCRIPT = """#!{python}
import sys
sys.path.insert(0, {site!r})
from cnnreport.cli import main
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of this checkout, made without a network."""
    root, made = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PACKAGE.parent / name, root)
    build = f"import setuptools.build_meta as b; b.build_wheel({str(made)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=root, capture_output=True, check=True)
    (built,) = made.glob("*.whl")
    return built


def test_the_wheel_has_templates_style_and_weights(wheel: Path) -> None:
    """All files of the package that are no modules are in the wheel, notes for its makers aside."""
    files = {file for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    needed = {file.relative_to(PACKAGE.parent).as_posix() for file in files if file.suffix != ".md"}
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert needed - packed == set()
    assert "cnnreport/report/templates/shared/style.css.j2" in packed
    assert any(name.endswith(".safetensors") for name in packed)


def test_the_wheel_has_no_report_of_anyones(wheel: Path) -> None:
    """Reports belong to projects: the package brings none, and is none."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cnnreport"}


def test_the_installed_package_is_no_project(wheel: Path, tmp_path: Path) -> None:
    """Outside a project the installed command says how to get one; what needs none works."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site-packages")
    (tmp_path / "elsewhere").mkdir()

    def installed(*words: str) -> "subprocess.CompletedProcess[str]":
        program = f"import sys; sys.path.insert(0, {str(tmp_path / 'site-packages')!r}); "
        program += f"from cnnreport.cli import main; main({list(words)!r})"
        return subprocess.run(
            [sys.executable, "-I", "-c", program], cwd=tmp_path / "elsewhere", capture_output=True, text=True
        )

    done = installed("list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is in no project" in done.stderr
    assert "cnnreport new NAME" in done.stderr
    derived = installed("formulas", "cnnreport.nets.colourization:PoolUpsampleNet", "--fix", "kernel=3")
    assert "PoolUpsampleNet for an input of NIC × 32 × 32" in derived.stdout, derived.stderr


def test_the_tutorial_s_commands_work_with_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """From an empty folder to a PDF, without a network: all of it would pass a proxy that is not there."""
    site, tools, folder = (tmp_path / name for name in ("site-packages", "bin", "empty"))
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    for path in (tools, folder):
        path.mkdir()
    (tools / "cnnreport").write_text(SCRIPT.format(python=sys.executable, site=str(site)))
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    text = (PACKAGE.parent / "docs" / "tutorial.md").read_text()
    for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ")
            continue
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    pages = PdfReader(folder / "build" / "my-report.pdf").pages
    assert "Which one reads digits better?" in " ".join(page.extract_text() for page in pages)
