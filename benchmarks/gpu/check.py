"""The parts of `check.sh`, each of which prints its figures and keeps them in OUT/report.json.

python benchmarks/gpu/check.py PART[,PART]...       facts, paths, parity, repeats, speed, recorded, deeplab
python benchmarks/gpu/check.py product FOLDER NAME  what the manifests of finished runs say
python benchmarks/gpu/check.py whole FOLDER         all trainings of Parts A to C by the own executors
python benchmarks/gpu/check.py digest NET PRECISION
python benchmarks/gpu/check.py summary
"""

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fast
import right
from setting import DEVICE, NETS, TINY, Figures, attempt, found, keep

from cnnreport.commands.run import run_planned
from cnnreport.project import Project
from cnnreport.runs.device import float32
from cnnreport.runs.experiment import load_all, named
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan

PARTS_A_TO_C = ("pool-upsample", "conv-transpose", "unet", "batch-size")
"""Experiments and families of the first report."""

PARTS: dict[str, Callable[[], Figures]] = {
    **{part.__name__: part for part in (right.facts, right.paths, right.parity, right.repeats)},
    **{part.__name__: part for part in (fast.speed, fast.recorded, fast.deeplab)},
}


def main() -> None:
    """Do what the command line says."""
    part, *rest = sys.argv[1:]
    if part == "digest":
        with float32(DEVICE):
            print(right.trained(*rest))
    elif part == "product":
        keep(f"product {rest[1]}", product(Path(rest[0])))
    elif part == "whole":
        keep("whole", whole(Path(rest[0])))
    elif part == "summary":
        sys.exit(summary())
    else:
        for name in part.split(","):
            begin = time.perf_counter()
            result = attempt(PARTS[name])
            # What a part had found before it failed stands under its name.
            keep(f"{name}, as a whole" if "FAILED" in result else name, result)
            keep(f"{name}_wall_s", round(time.perf_counter() - begin, 1))


def whole(folder: Path) -> Figures:
    """Compute Parts A to C as a build does; return how long that took, the workers' start included."""
    given = os.environ.get("DATA_DIR")
    choices = Choices(
        data={"horses": "cifar10" if given else "drawn"},
        data_dir=Path(given) if given else None,
        device="cpu" if TINY else "cuda",
        smoke=TINY,
    )
    project = Project(Path.cwd(), folder)
    experiments = load_all(project)
    wanted = [each for name in PARTS_A_TO_C for each in named(experiments, name)]
    begin = time.perf_counter()
    plan = make_plan(project, wanted, choices)
    planned = time.perf_counter()
    runs = run_planned(project, plan, "check.py whole")
    done = time.perf_counter()
    computed = [run.manifest["circumstances"]["seconds"] for run in runs]
    return {
        "runs": len(runs),
        "plan_s": planned - begin,
        "compute_s": done - planned,
        "epochs_s": sum(computed),
        "longest_s": max(computed),
    }


def product(runs: Path) -> Figures:
    """Return what manifests say: seconds, the first epoch, the median of the others, memory, files."""
    told: Figures = {}
    for file in sorted(runs.glob("*/manifest.json")):
        manifest = json.loads(file.read_text())
        said, where = manifest["circumstances"], manifest["key"]["where"]
        seconds = said["epoch_seconds"]
        told[f"{manifest['experiment']} {manifest['seed']}"] = {
            "seconds": round(said["seconds"], 3),
            "first": round(seconds[0], 3),
            "median": round(statistics.median(seconds), 4),
            "where": {name: where.get(name) for name in ("device", "gpu", "arithmetic")},
            **{name: value for name, value in said.items() if name.startswith("peak_")},
            "data": (said["data_sha256"] or "")[:12],
            "files": hashlib.sha256(json.dumps(manifest["files"], sort_keys=True).encode()).hexdigest()[:12],
        }
    return told


def failures(value: Any, place: str = "") -> Iterator[str]:
    """Yield the last line of every traceback among the figures, and every check that did not hold."""
    if not isinstance(value, dict):
        if value is False and place.rpartition("/")[2] in HAVE_TO_HOLD:
            yield place
        return
    if "FAILED" in value:
        yield f"{place}: {value['FAILED'].strip().splitlines()[-1][:200]}"
    for name, part in value.items():
        yield from failures(part, f"{place}/{name}")


HAVE_TO_HOLD = (
    "passed",
    "same_process",
    "resumed",
    "other_process",
    "recorded",
    "features",
    "cross-entropy",
    "iou",
    "side by side changes no byte",
)
"""Figures that are true where all is well."""


def summary() -> int:
    """Print what matters, and return 1 where something failed."""
    figures = found()
    wrong = list(failures(figures))
    print("\n=== SUMMARY ===")
    for line in wrong:
        print("FAILED", line)
    for net in NETS:
        _of_net(figures, net)
    first, again = (figures.get(f"product {name}", {}).get("unet 0", {}) for name in ("a", "b"))
    same = bool(first) and first.get("files") == again.get("files")
    print("the project's run of unet, seed 0, has the same files twice:", same)
    print("Parts A to C", figures.get("whole"))
    print("several at once", figures.get("recorded", {}).get("several at once"))
    print("fine-tuning repeats", figures.get("repeats", {}).get("fine-tuning"))
    print("Part D", json.dumps(figures.get("deeplab", {}), default=str)[:1500])
    missing = [name for name in PARTS if name not in figures]
    if missing:
        print("not finished:", ", ".join(missing))
    return int(bool(wrong or missing or not same))


def _of_net(figures: Figures, net: str) -> None:
    right, again = (figures.get("parity", {}).get(net, {}), figures.get("repeats", {}).get(f"{net} exact"))
    errors = [right.get(f"gradient_error_{which}") for which in ("cpu", "exact", "fast")]
    print(net, "| parity", right.get("passed"), "| errors of gradients", errors, "| repeats", again)
    for how in ("exact", "fast", "step by step"):
        told = figures.get("speed", {}).get(f"{net} {how}", {})
        print("   ", how, "|", told.get("training_of_25_epochs_s"), "s for 25 epochs")
    for name, value in figures.get("recorded", {}).get(net, {}).items():
        print("      ", name, value.get("ms_per_step"), "ms a step,", value.get("failure"))


if __name__ == "__main__":
    main()
