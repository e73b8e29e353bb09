"""Is this machine fit for a build? Each check says what it found and what to do about it."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from cnnreport import modules
from cnnreport.data import choosing
from cnnreport.data.data_set import DataSet
from cnnreport.data.source import Source
from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.project import Project
from cnnreport.runs import device, experiment
from cnnreport.runs.planning import located
from cnnreport.runs.planning.choices import Choices
from cnnreport.system import hardware

EXIT_CODE = EnvironmentFailure.exit_code
SPACE_NEEDED = 1 << 30
"""Bytes that a build may need: data, checkpoints, runs and the report, with room to spare."""


@dataclass(frozen=True)
class Check:
    """One finding: `ok`, `warn` (a build works, but not as well) or `fail` (it does not)."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    finding: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return asdict(self)


def examine(project: Project, choices: Choices) -> list[Check]:
    """Run every check; none of them trains, downloads or leaves anything behind."""
    checks: list[Callable[[], Check]] = [
        _python,
        _torch,
        lambda: _device(choices),
        _pango,
        _fonts,
        lambda: _output(project),
        lambda: _disk(project),
    ]
    data_sets = located.known(experiment.load_all(project).values())
    return [*(check() for check in checks), *(_data(data_set, choices) for data_set in data_sets.values())]


def _python() -> Check:
    return Check("Python", "ok", ".".join(map(str, sys.version_info[:3])))


def _torch() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check("torch", "fail", f"cannot be imported: {error}", "run make to set up the environment")
    try:
        return Check("torch", "ok", f"{torch.__version__}, torchvision {version('torchvision')}")
    except PackageNotFoundError:
        return Check("torch", "warn", f"{torch.__version__}, no torchvision", "install torchvision from PyPI")


def _device(choices: Choices) -> Check:
    try:
        chosen = device.resolve(choices.device)
        device.check_torch(chosen)
    except CnnReportError as error:
        return Check("device", "fail", error.problem, error.remedy)
    if chosen != "cpu":
        return Check("device", "ok", chosen)
    return Check("device", "warn", f"no GPU: {hardware.cores()} CPU cores", "nothing: a build takes minutes")


def _pango() -> Check:
    from cnnreport.report.out import libraries, pdf

    try:
        pdf.require()
    except EnvironmentFailure as error:
        return Check("pango", "fail", error.problem, error.remedy)
    if libraries.subsetter() == "fontTools":
        finding = "found, without HarfBuzz-Subset 4.1 or later: fontTools cuts the typefaces down instead"
        return Check("pango", "warn", finding, f"nothing, or {libraries.INSTALL_SUBSET}")
    return Check("pango", "ok", "found, HarfBuzz-Subset too")


def _fonts() -> Check:
    from cnnreport.report.draw import fonts

    try:
        faces = fonts.faces()
    except EnvironmentFailure as error:
        return Check("fonts", "fail", error.problem, error.remedy)
    return Check("fonts", "ok", f"{len(faces)} faces, all brought by packages")


def _output(project: Project) -> Check:
    folder = _existing(project.output)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check("output", "ok", "can be written")
    except OSError as error:
        return Check("output", "fail", f"{folder}: {error.strerror}", "choose another folder with --out")


def _disk(project: Project) -> Check:
    free = shutil.disk_usage(_existing(project.output)).free
    finding = f"{free / (1 << 30):.1f} GiB free"
    if free < SPACE_NEEDED:
        return Check("disk", "warn", finding, "free a gibibyte, or choose another folder with --out")
    return Check("disk", "ok", finding)


def _data(data_set: DataSet, choices: Choices) -> Check:
    """Say what a build would take; warn where something stands in that nobody asked for."""
    try:
        asked = choosing.request(data_set, choices.data, choices.data_dir, fetch=choices.fetch)
        source: Source = modules.attribute(data_set.locate)(asked)
    except CnnReportError as error:
        return Check(data_set.name, "fail", error.problem, error.remedy)
    finding = f"{source.title}, {source.origin}"
    if source.reason:
        return Check(
            data_set.name, "warn", f"{finding} ({source.reason})", "give the real ones with --data-dir"
        )
    return Check(data_set.name, "ok", finding)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
