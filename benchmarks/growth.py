"""How the cost of a training grows with images, their size, filters and the batch, on one core.

python benchmarks/growth.py --out benchmarks/results/growth-MACHINE.json

Each row is measured in a process of its own, whose seconds of CPU and highest memory are its own too; other
work on the machine makes seconds of CPU longer, but far less than those of the clock. Images are drawn.
"""

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

from machines import machine

BASE = {"images": 1000, "size": 32, "filters": 32, "batch": 100}
ROWS: tuple[dict[str, int], ...] = (
    BASE,
    *({**BASE, "images": images} for images in (5_000, 10_000, 50_000)),
    *({**BASE, "size": size} for size in (64, 128)),
    *({**BASE, "filters": filters} for filters in (8, 16, 64, 128)),
    *({**BASE, "batch": batch} for batch in (1, 10, 500, 1000)),
)
NET = "UNet"
VALIDATED = 1000


def measured(row: dict[str, int]) -> dict[str, Any]:
    """Train for two epochs; return what the second one takes, and the highest memory."""
    import numpy as np
    import torch

    from cnnreport.training.colourization import ColourizationTraining
    from cnnreport.training.fast import memory
    from cnnreport.training.specs.colourization import Colourization

    memory.keep_freed_blocks()
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    data: dict[str, Any] = {"palette": generator.random((24, 3), np.float32)}
    for part, count in (("train", row["images"]), ("validation", VALIDATED)):
        shape = (count, row["size"], row["size"])
        data[f"{part}_rgb"] = generator.integers(0, 256, (count, 3, *shape[1:]), np.uint8)
        data[f"{part}_label"] = generator.integers(0, 24, shape, np.uint8)
    spec = Colourization(
        net=f"cnnreport.nets.colourization:{NET}", num_filters=row["filters"], batch_size=row["batch"]
    )
    task = ColourizationTraining(spec, 0, data, "cpu")
    task.run_epoch()
    task.model.train()
    begin = time.process_time()
    task.follow(task.learn())
    learning = time.process_time() - begin
    return {
        **row,
        "updates": task.updates_per_epoch,
        "epoch_cpu_s": learning,
        "ms_an_image": 1e3 * learning / row["images"],
        "peak_GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def main() -> None:
    """Measure all rows, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    rows = []
    for row in ROWS:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            rows.append(alone.apply(measured, (row,)))
        print(json.dumps(rows[-1]), flush=True)
    told = {"machine": machine(), "net": NET, "rows": rows}
    if out:
        out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
