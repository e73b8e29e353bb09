"""Is this machine fit for a build? Each check says what it found and what to do about it."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
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
from cnnreport.runs.fingerprint import versions
from cnnreport.runs.planning import located
from cnnreport.runs.planning.choices import Choices
from cnnreport.system import hardware

EXIT_CODE = EnvironmentFailure.exit_code
SPACE_NEEDED = 1 << 30
"""Bytes that a build may need: data, checkpoints, runs and the report, with room to spare."""


Half = Literal["both", "runs", "report"]

TYPESETTING = ("fonttools", "jinja2", "matplotlib", "pygments", "weasyprint", "ziamath")
"""Packages that the report half takes, and that a bare machine for runs lacks."""


@dataclass(frozen=True)
class Check:
    """One finding: `ok`, `warn` (a build works, but not as well) or `fail` (it does not).

    Args:
        name: What was looked at.
        verdict: How that is.
        finding: What was found.
        remedy: What to do about it.
        needed_for: Which half needs it: what computes ``runs``, what makes the ``report``, or both.
    """

    name: str
    verdict: Literal["ok", "warn", "fail"]
    finding: str
    remedy: str = ""
    needed_for: Half = "both"

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return asdict(self)


def examine(project: Project, choices: Choices) -> list[Check]:
    """Run every check; none of them trains, downloads or leaves anything behind."""
    checks: list[tuple[Half, Callable[[], Check]]] = [
        ("both", _python),
        ("runs", _torch),
        ("both", lambda: _device(choices)),
        ("report", _typesetting),
        ("report", _pango),
        ("report", _fonts),
        ("both", lambda: _output(project)),
        ("both", lambda: _disk(project)),
    ]
    data_sets = located.known(experiment.load_all(project).values())
    examined = [replace(check(), needed_for=half) for half, check in checks]
    return [*examined, *(_data(data_set, choices) for data_set in data_sets.values())]


def fitness(checks: Sequence[Check]) -> str:
    """Say in a sentence which half works on this machine."""
    failed = [check for check in checks if check.verdict == "fail"]
    halves = {check.needed_for for check in failed}
    names = ", ".join(check.name for check in failed)
    if not failed:
        return "Runs can be computed here and reports made."
    if halves == {"report"}:
        return f"Runs can be computed here (with `run`); a whole report cannot be made: {names}."
    if halves == {"runs"}:
        return f"Reports can be made here of imported runs (`runs import`); none can be computed: {names}."
    return f"Neither runs can be computed here nor reports made: {names}."


def _python() -> Check:
    return Check("Python", "ok", ".".join(map(str, sys.version_info[:3])))


def _torch() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check("torch", "fail", f"cannot be imported: {error}", "run make to set up the environment")
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    try:
        return Check("torch", "ok", f"{torch.__version__} {built}, torchvision {version('torchvision')}")
    except PackageNotFoundError:
        finding = f"{torch.__version__} {built}, no torchvision"
        return Check("torch", "warn", finding, "install torchvision from PyPI")


def _device(choices: Choices) -> Check:
    try:
        chosen = device.resolve(choices.device)
        if chosen == "mps":
            device.check_torch(chosen)
    except CnnReportError as error:
        return Check("device", "fail", error.problem, error.remedy)
    if chosen == "cuda":
        return Check("device", "ok", _card())
    if chosen == "mps":
        return Check("device", "ok", chosen)
    cores = f"{hardware.cores()} CPU cores"
    if why := device.passed_over(choices.device):
        return Check("device", "warn", f"{cores}. {why}", "install a torch build that fits driver and card")
    if choices.device == "cpu":
        return Check("device", "ok", f"{cores}, as asked")
    return Check("device", "warn", f"no GPU: {cores}", "nothing: a build takes minutes")


def _card() -> str:
    """Say what the GPU is and by what it is driven."""
    found = device.gpu()
    assert found is not None  # resolve chose it
    card = found.card
    driver = hardware.nvidia_driver() or "of a version that is not told"
    size = f"{card.memory / (1 << 30):.1f} GiB, compute capability {card.capability}"
    return f"{card.name}, {size}; driver {driver}; CUDA {found.cuda}, cuDNN {found.cudnn}"


def _typesetting() -> Check:
    missing = [name for name, installed in versions(TYPESETTING).items() if installed == "absent"]
    if missing:
        finding, remedy = f"not installed: {', '.join(missing)}", "run make, or install these from PyPI"
        return Check("typesetting", "fail", finding, remedy)
    return Check("typesetting", "ok", "all packages for reports are there")


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
