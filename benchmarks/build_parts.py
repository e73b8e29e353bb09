"""Say what a finished build took, part by part, from the records that it left: nothing is computed.

Counted are the runs that the report's page was made of, each in the first part that needs it. Run from the
project's root:

    python benchmarks/build_parts.py REPORT OUT [--note TEXT] [--json FILE]
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnnreport import project
from cnnreport.report.out.writer import record_of
from cnnreport.report.out.writers import WRITERS
from cnnreport.report.page import outline as outlines
from cnnreport.report.page.outline import Outline
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

Row = dict[str, Any]


def main() -> None:
    """Read the records, print the parts and perhaps write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", help="name of the report")
    parser.add_argument("out", type=Path, help="output folder of the build")
    parser.add_argument("--note", default="", help="what else is to be known of the build")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    outline = outlines.load(project.find(Path(__file__).parents[1]), options.report)
    told = {
        "report": outline.title,
        "course": outline.course,
        "note": options.note,
        **measured(outline, options.out),
    }
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def measured(outline: Outline, out: Path) -> dict[str, Any]:
    """Return what a build took: its parts, all of it, and its pages."""
    records = records_of(outline, out)
    page = records["html"]
    runs = [
        run
        for run in artefact.load_all(out / "runs")
        if isinstance(run, Run) and run.folder.name in page["runs"]
    ]
    by_part = defaultdict(list)
    for run in runs:
        by_part[part_of(outline, run.experiment)].append(run)
    order = [title for title, _ in groupby(section.part for section in outline.sections)]
    return {
        "machines": sorted({machine_of(run) for run in runs}),
        "command": page["context"]["command"],
        "parts": [{"part": part, **row(by_part[part])} for part in dict.fromkeys(order) if by_part[part]],
        "whole": row(runs),
        "pages": {name: record["seconds"] for name, record in records.items()},
    }


def records_of(outline: Outline, out: Path) -> dict[str, Any]:
    """Return the records beside the first file of each format."""
    files = {writer.format: next(iter(writer.paths(outline, out).values()), None) for writer in WRITERS}
    return {
        name: json.loads(record_of(file).read_text())
        for name, file in files.items()
        if file and file.exists()
    }


def part_of(outline: Outline, experiment: str) -> str:
    """Return the part of the first section that needs an experiment."""
    return next(section.part for section in outline.sections if experiment in section.experiments)


def machine_of(run: Run) -> str:
    """Name what a run was computed on."""
    machine = run.circumstances["machine"]
    processor = f"{machine['processor']}, {machine['cores']} cores"
    return processor if machine["device"] == machine["processor"] else f"{machine['device']} and {processor}"


def row(runs: Sequence[Run]) -> Row:
    """Return what some runs took: each by itself, and from the first beginning to the last end.

    Returns:
        ``runs``; ``in_runs_s``, the sum over them from beginning to end, ``in_epochs_s`` of that;
        ``cpu_s``, None where a run does not tell; ``wall_s``; ``peak_memory_bytes``, the highest of a worker.
    """
    times = [(began(run), ended(run)) for run in runs]
    cpu = [run.circumstances.get("cpu_seconds") for run in runs]
    return {
        "runs": len(runs),
        "in_runs_s": round(sum((end - begin).total_seconds() for begin, end in times), 1),
        "in_epochs_s": round(sum(float(run.circumstances["seconds"]) for run in runs), 1),
        "cpu_s": None if None in cpu else round(sum(map(float, cpu)), 1),
        "wall_s": (max(end for _, end in times) - min(begin for begin, _ in times)).total_seconds(),
        "peak_memory_bytes": max(run.circumstances.get("peak_memory_bytes") or 0 for run in runs),
    }


def began(run: Run) -> datetime:
    """Return when a run began."""
    return datetime.fromisoformat(run.circumstances["started"])


def ended(run: Run) -> datetime:
    """Return when it ended."""
    return datetime.fromisoformat(run.circumstances["finished"])


if __name__ == "__main__":
    main()
