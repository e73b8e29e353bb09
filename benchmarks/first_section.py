"""Time until something of a report that is being computed can be looked at, and what that costs the training.

Builds a report into an empty folder, looks every second at what its page shows, and ends the build once the
section asked for is there. With --slowdown it trains the same net with and without pages beside it, in turn,
and compares the seconds of an epoch. Run from the project's root on an idle machine:

    python benchmarks/first_section.py REPORT --section ID [--json FILE] [OPTIONS OF BUILD ...]
    python benchmarks/first_section.py REPORT --slowdown NAME [--turns N] [--json FILE] [OPTIONS OF BUILD ...]
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from machines import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnnreport import project
from cnnreport.report.out import html
from cnnreport.report.page import outline as outlines
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

PATIENCE = 3600
"""Seconds after which the section is waited for no longer."""


def main() -> None:
    """Measure, print and perhaps write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", help="name of the report")
    parser.add_argument("--section", help="id of the section to wait for")
    parser.add_argument("--slowdown", metavar="NAME", help="the experiment to train with and without pages")
    parser.add_argument("--turns", type=int, default=2, help="how often each way (default: 2)")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options, build = parser.parse_known_args()
    if options.slowdown:
        told = slowdown(options.report, options.slowdown, build, options.turns)
    else:
        told = first_seen(options.report, options.section, build)
    told = {"machine": machine(), "report": options.report, "options": build, **told}
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def command(report: str, out: Path, options: Sequence[str]) -> list[str]:
    """Return the command that builds a report."""
    return [sys.executable, "-m", "cnnreport", "build", report, "--out", str(out), *options]


def first_seen(report: str, section: str, options: Sequence[str]) -> dict[str, Any]:
    """Return after how many seconds each section could be seen first, up to the one that is asked for."""
    outline = outlines.load(project.find(Path(__file__).parents[1]), report)
    ids = {each.id for each in outline.sections}
    seen: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        pages = html.WRITER.paths(outline, Path(folder)).values()
        begin = time.monotonic()
        process = subprocess.Popen(command(report, Path(folder), options))
        try:
            while section not in seen and process.poll() is None and time.monotonic() < begin + PATIENCE:
                time.sleep(1)
                now = time.monotonic() - begin
                for each in shown(pages) & ids:
                    seen.setdefault(each, round(now, 1))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    return {"section": section, "seconds_until_seen": seen}


def shown(pages: Sequence[Path]) -> set[str]:
    """Return the ids of the sections that pages show, those that still wait left out."""
    texts = [page.read_text() for page in pages if page.exists()]
    parts = [part for text in texts for part in re.split(r'(?=<h2 id=")', text)[1:]]
    return {part.split('"')[1] for part in parts if 'class="waiting"' not in part}


def slowdown(report: str, name: str, options: Sequence[str], turns: int) -> dict[str, Any]:
    """Return the mean seconds of an epoch of an experiment beside pages and without them, in turn."""
    took: dict[str, list[float]] = {"ipynb": [], "html": []}
    for _ in range(turns):
        for formats, epochs in took.items():
            epochs.append(epoch_seconds(report, name, [*options, "--only", name, "--formats", formats]))
    means = {formats: fmean(epochs) for formats, epochs in took.items()}
    return {
        "experiment": name,
        "epoch_seconds_without_pages": took["ipynb"],
        "epoch_seconds_beside_pages": took["html"],
        "slower_by": means["html"] / means["ipynb"] - 1,
    }


def epoch_seconds(report: str, name: str, options: Sequence[str]) -> float:
    """Build into an empty folder and return the mean seconds of an epoch of an experiment."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command(report, Path(folder), options), check=True)
        runs = artefact.load_all(Path(folder) / "runs")
        told = [run.circumstances for run in runs if isinstance(run, Run) and run.experiment == name]
    return fmean(seconds for each in told for seconds in each["epoch_seconds"])


if __name__ == "__main__":
    main()
