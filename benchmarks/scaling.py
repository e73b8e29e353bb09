"""Time what this library itself costs where a sweep is computed on many machines, which here only sleep.

A project is made of sleeping runs; they are planned, sent to as many workers as asked for (threads that
sleep, report each epoch and leave a real artefact, as a worker on another machine does), brought home,
checked, and planned once more now that they stand. What a real worker adds, its start and the training
itself, is not in it; see docs/scaling.md. Run from the project's root:

    python benchmarks/scaling.py [--runs N] [--workers N] [--seconds S] [--folder DIR] [--json FILE]
"""

import argparse
import concurrent.futures
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnnreport.commands import console
from cnnreport.project import Project
from cnnreport.runs import artefact
from cnnreport.runs.executors import register
from cnnreport.runs.executors.elsewhere import executor as elsewhere
from cnnreport.runs.executors.elsewhere.errand import Answer, Errand, Made
from cnnreport.runs.executors.executor import Needs
from cnnreport.runs.executors.schedule import run_plan
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Progress
from cnnreport.system import durable, hardware
from cnnreport.task import Results

SEEDS = 5
EPOCHS = 4

SLEEPING = """
from dataclasses import dataclass
from typing import ClassVar

from cnnreport.kinds.kind import Kind, Recorded

KIND = Kind("sleeping", (Recorded("loss", "loss", "loss", "history", "train_loss", live="loss"),),
            samples=("value",))


@dataclass(frozen=True)
class Sleeping:
    task: ClassVar[str] = "sleeping:Task"
    kind: ClassVar[str] = "sleeping:KIND"
    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy")
    symbolic: ClassVar[bool] = False
    width: int = 1
    rate: float = 0.1

    def modules(self):
        return ("cnnreport.nets.colourization",)

    def arithmetic(self, device):
        return "float32"

    def data_parameters(self):
        return {}

    def effort(self):
        return 1.0


class Task:
    pass
"""

SWEEP = """
from cnnreport.runs.experiment import Experiment
from sleeping import Sleeping

EXPERIMENTS = tuple(
    Experiment(f"sleep-{{n}}", f"Sleeps {{n}}", Sleeping(width=n), seeds={seeds}, family="sweep")
    for n in range({count})
)
"""


class Sleepers(elsewhere.Elsewhere):
    """Many machines that share this one's folder and have nothing to do."""

    workers = 1
    seconds = 1.0

    @classmethod
    def takes(cls, needs: Needs) -> bool:
        """Take all."""
        return True

    def open(self) -> concurrent.futures.Executor:
        """Return a thread for each machine."""
        return concurrent.futures.ThreadPoolExecutor(self.workers)

    def deliver(self, errand: Errand) -> "concurrent.futures.Future[Answer]":
        """Let a machine sleep for a run."""
        return self.pool.submit(sleep, errand, self.seconds)


def sleep(errand: Errand, seconds: float) -> Answer:
    """Sleep for as long as a run takes, tell of each epoch, and leave what a run leaves."""
    begin = datetime.now(UTC)
    experiment, _, seed = errand.name.partition(" seed ")
    history = []
    for epoch in range(1, EPOCHS + 1):
        time.sleep(seconds / EPOCHS)
        history.append({"train_loss": 1.0 / epoch})
        errand.reporter.tell(Progress(experiment, int(seed), epoch, EPOCHS, history[-1], seconds / EPOCHS))
    made = Path(tempfile.mkdtemp(dir=errand.room, prefix="made"))
    results = Results(samples={"value": np.zeros((64, 64), np.float32)}, measures={})
    sources = {path: errand.project.source(path).read_bytes() for path in errand.key.what["sources"]}
    folder = made / artefact.folder_name(experiment, int(seed), errand.key)
    machine = {"system": "", "processor": "none", "cores": 0, "device": "none", "python": ""}
    circumstances = {"kind": "sleeping:KIND", "started": begin.isoformat(), "seconds": seconds,
                     "epoch_seconds": [seconds / EPOCHS] * EPOCHS, "machine": machine}  # fmt: skip
    artefact.save(folder, experiment, int(seed), errand.key, history, results, sources, circumstances)
    return Made(f"{made.name}/{folder.name}", None)


def main() -> None:
    """Measure, print and perhaps write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the sweep (default: 10000)")
    parser.add_argument("--workers", type=int, default=200, help="machines (default: 200)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds that a run sleeps (default: 2)")
    parser.add_argument("--folder", type=Path, help="where to make the project (default: a temporary one)")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        report = measure(make_project(Path(folder), options.runs), options)
    for name, value in report.items():
        print(f"{name:32} {value if isinstance(value, str | int) else f'{value:.4g}'}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def make_project(root: Path, runs: int) -> Project:
    """Make a project with a sweep of sleeping runs."""
    (root / "templates").mkdir()
    (root / "experiments" / "sweep").mkdir(parents=True)
    (root / "sleeping.py").write_text(SLEEPING)
    sweep = SWEEP.format(seeds=SEEDS, count=max(1, runs // SEEDS))
    (root / "experiments" / "sweep" / "sweep.py").write_text(sweep)
    return Project(root, root / "build")


def measure(project: Project, options: argparse.Namespace) -> dict[str, Any]:
    """Plan, compute, plan again; return seconds and counts by what they are of."""
    report: dict[str, Any] = {
        "machine": f"{hardware.processor()}, {hardware.cores()} cores",
        "runs": options.runs,
        "workers": options.workers,
        "seconds of a run": options.seconds,
    }

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        begin, cpu = time.perf_counter(), time.process_time()
        yield
        report[f"{what}, s"] = time.perf_counter() - begin
        report[f"{what}, s of CPU"] = time.process_time() - cpu

    def planned() -> list[Planned]:
        return make_plan(project, load_all(project).values(), Choices(device="cpu"))

    with timed("planning anew"):
        plan = planned()
    compute(project, plan, options, timed)
    with timed("planning what stands"):
        again = planned()
    assert all(each.run for each in again), "what was computed stands"
    report["megabytes of runs"] = sum(f.stat().st_size for f in project.runs.rglob("*") if f.is_file()) / 1e6
    report.update(display(plan), **hashing())
    ideal = options.seconds * -(-len(plan) // options.workers)
    report["sweep without any cost, s"] = ideal
    report["cost of a run, ms"] = 1000 * (report["sweep, s"] - ideal) / len(plan)
    return report


def compute(
    project: Project, plan: list[Planned], options: argparse.Namespace, timed: Callable[[str], Any]
) -> None:
    """Compute a plan on sleepers."""
    Sleepers.workers, Sleepers.seconds = options.workers, options.seconds
    register.BUILT_IN = (Sleepers,)  # type: ignore[assignment]
    with timed("sweep"):
        run_plan(project, plan, "benchmark", lambda _: None)


def display(plan: list[Planned]) -> dict[str, float]:
    """Time the live table: what one epoch's news costs, and one drawing of it."""
    watch = console.Watch(plan)
    news = [Progress(p.experiment.name, p.seed, 1, EPOCHS, {"train_loss": 1.0}, 1.0) for p in plan[:200]]
    watch._live = object()  # there is a terminal, on which nothing is drawn yet
    begin = time.perf_counter()
    for progress in news:
        watch(progress)
    told = time.perf_counter()
    watch.__rich__()
    return {
        "news of an epoch, ms": 1000 * (told - begin) / len(news),
        "live table, s": time.perf_counter() - told,
    }


def hashing() -> dict[str, float]:
    """Time the hash over a file of data, which each run checks when it loads them."""
    content = bytes(100_000_000)
    begin = time.perf_counter()
    durable.sha256(content)
    return {"hashing 100 MB of data, s": time.perf_counter() - begin}


if __name__ == "__main__":
    main()
