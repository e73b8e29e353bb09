"""docs/speed.md and docs/speed.svg, written from the figures in benchmarks/results/.

python benchmarks/page.py
"""

import json
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure

from cnnreport.report.draw import style

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
NETS = {"pool-upsample": "PoolUpsampleNet", "conv-transpose": "ConvTransposeNet", "unet": "UNet"}
SETTINGS = {"images": "images", "size": "height and width", "filters": "NF", "batch": "batch size"}
TICKS = (1, 2, 5, 10, 20)
"""Milliseconds."""

Figures = dict[str, Any]


def main() -> None:
    """Write both files."""
    files = {"gpu": "gpu-nvidia-h200", "epoch": "epoch", "tuning": "fine-tuning", "growth": "growth"}
    told = {name: read(beginning) for name, beginning in files.items()}
    parity = told["gpu"]["now"]["parity"].values()
    furthest = max(max(each["difference"]["train_loss"]) for each in parity)
    template = jinja2.Template(
        (HERE / "page.md.j2").read_text(), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    told |= {
        name: read_any(file) for name, file in {"first": "first-section", "slowdown": "slowdown"}.items()
    }
    builds = [json.loads(file.read_text()) for file in sorted(RESULTS.glob("build-*.json"))]
    page = template.render(**told, builds=builds, nets=NETS, named=named, furthest=furthest)
    (DOCS / "speed.md").write_text(page + "\n")
    (DOCS / "speed.svg").write_text(plot(told["growth"]))


def read(beginning: str) -> Figures:
    """Return the figures of the one file whose name begins so."""
    (file,) = RESULTS.glob(f"{beginning}*.json")
    figures: Figures = json.loads(file.read_text())
    return figures


def read_any(beginning: str) -> Figures | None:
    """Return the figures of the file whose name begins so, None where there is none."""
    return read(beginning) if any(RESULTS.glob(f"{beginning}*.json")) else None


def named(told: Figures) -> str:
    """Name the machine of some figures."""
    return f"{told['machine']['processor']}, {told['machine']['cores']} cores"


def plot(told: Figures) -> str:
    """Draw milliseconds an image by each setting."""
    base, rows = told["rows"][0], told["rows"]
    with style.dressed():
        figure = Figure(figsize=(7.2, 2.0), layout="constrained")
        for axes, (name, meaning) in zip(figure.subplots(1, 4, sharey=True), SETTINGS.items(), strict=True):
            same = [setting for setting in SETTINGS if setting != name]
            varied = [row for row in rows if all(row[setting] == base[setting] for setting in same)]
            points = sorted((row[name], row["ms_an_image"]) for row in varied)
            axes.loglog(*zip(*points, strict=True), "o-", color=style.VALIDATION, markersize=3, linewidth=1)
            axes.set_xlabel(meaning)
            axes.set_xticks([x for x, _ in points], [f"{x:,}" for x, _ in points], rotation=45)
            axes.set_yticks(TICKS, [str(tick) for tick in TICKS])
            axes.minorticks_off()
        figure.axes[0].set_ylabel("ms an image, one core")
        return style.svg(figure)


if __name__ == "__main__":
    main()
