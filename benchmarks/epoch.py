"""Time an epoch of the project's training beside one of a loop that does what the course's starter does.

Each variant lives in a process of its own and computes one epoch when it is its turn, so that all meet
the same weather; reported are the median of the ratios within a round, and the ratio of the fastest
epochs, which other work on the machine disturbs least. A last variant, the floor, does as many
multiplications as the convolutions of the project's epoch, in large float32 matrices and nothing else:
no training that computes these convolutions directly and in float32 can be much faster on this machine.
Run from the project's root:

    python benchmarks/epoch.py [--net NAME]... [--images N] [--rounds R] [--data-dir DIR] [--json FILE]
"""

import argparse
import importlib
import json
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from machines import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnnreport.training.specs.arithmetic import arithmetic
from cnnreport.training.specs.colourization import Colourization

MODULE = "cnnreport.nets.colourization"
NETS = ("PoolUpsampleNet", "ConvTransposeNet", "UNet")
EPOCHS_COMPARED = 3
TOLERANCE = 1e-3

Data = dict[str, Any]
Epoch = Callable[[], float]

SIDE = 2048
"""Of the matrices that the floor multiplies: large enough for the library's full speed."""


def main() -> None:
    """Measure, print and perhaps write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--net", action="append", choices=NETS, help="a net to train; may be repeated (default: each)"
    )
    parser.add_argument("--images", type=int, default=5000, help="training images (default: 5000)")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each variant (default: 5)")
    parser.add_argument("--data-dir", type=Path, help="folder with CIFAR-10; drawn images if left out")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    data = load(options.data_dir, options.images)
    nets = {name: measure(name, data, options.rounds) for name in options.net or NETS}
    report = {
        "machine": machine(),
        "train_images": len(data["train_label"]),
        "validation_images": len(data["validation_label"]),
        "data": "cifar10" if options.data_dir else "drawn",
        "fast_arithmetic": arithmetic("fast", "cpu"),
        "nets": nets,
    }
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    differing = [name for name, measured in nets.items() if measured["train_loss_difference"] > TOLERANCE]
    if differing:
        sys.exit(f"The training losses of {', '.join(differing)} differ by more than {TOLERANCE}.")


def measure(net: str, data: Data, rounds: int) -> dict[str, Any]:
    """Return all figures of a net, and tell on stderr that it is its turn."""
    print(f"measuring {net} ...", file=sys.stderr, flush=True)
    return {**compare(net, data, max(rounds, EPOCHS_COMPARED)), **throughput(net, data, rounds)}


def compare(net: str, data: Data, rounds: int) -> dict[str, Any]:
    """Let the reference, `exact`, `fast` and the floor take turns, each in a process of two threads."""
    variants = ["reference", "exact", "fast", "floor"]
    workers = [Worker(net, variant, data, threads=2) for variant in variants]
    seconds: dict[str, list[float]] = {variant: [] for variant in variants}
    losses: dict[str, list[float]] = {variant: [] for variant in variants}
    for _ in range(rounds):
        for worker in workers:
            loss, duration = worker.wait(worker.start())
            losses[worker.variant].append(loss)
            seconds[worker.variant].append(duration)
    for worker in workers:
        worker.end()
    # The first epoch pays for the first touch of all memory.
    timed = {variant: values[1:] if rounds > 1 else values for variant, values in seconds.items()}
    ratios = {v: [a / b for a, b in zip(timed["reference"], timed[v], strict=True)] for v in variants[1:]}
    trained = variants[:-1]
    first = {variant: values[:EPOCHS_COMPARED] for variant, values in losses.items()}
    return {
        "epoch_seconds": {variant: statistics.median(values) for variant, values in timed.items()},
        "ratio": {variant: statistics.median(values) for variant, values in ratios.items()},
        "ratio_of_fastest": {v: min(timed["reference"]) / min(timed[v]) for v in variants[1:]},
        "ratios": ratios,
        "images_per_second": {v: len(data["train_label"]) / statistics.median(timed[v]) for v in trained},
        "train_losses": {v: first[v] for v in trained},
        "convolution_gflop": losses["floor"][0],
        "train_loss_difference": max(
            abs(a - b) for a, b in zip(first["reference"], first["exact"], strict=True)
        ),
    }


def throughput(net: str, data: Data, rounds: int) -> dict[str, float]:
    """Let two processes of one thread each compute epochs at the same time."""
    workers = [Worker(net, "exact", data, threads=1) for _ in range(2)]
    rates = []
    for _ in range(rounds + 1):
        started = [worker.start() for worker in workers]
        durations = [worker.wait(moment)[1] for worker, moment in zip(workers, started, strict=True)]
        rates.append(2 * len(data["train_label"]) / max(durations))
    for worker in workers:
        worker.end()
    return {"images_per_second_of_two_single_thread_processes": statistics.median(rates[1:])}


class Worker:
    """A process that computes one epoch of a variant whenever it is asked to."""

    def __init__(self, net: str, variant: str, data: Data, threads: int) -> None:
        self.variant = variant
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        arguments = (net, variant, data, threads, other)
        self._process = context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        self._pipe.recv()

    def start(self) -> float:
        """Ask for an epoch; return the moment."""
        self._pipe.send(True)
        return time.perf_counter()

    def wait(self, started: float) -> tuple[float, float]:
        """Return the epoch's training loss and its seconds."""
        loss = self._pipe.recv()
        return loss, time.perf_counter() - started

    def end(self) -> None:
        """Let the process go."""
        self._pipe.send(False)
        self._process.join()


def serve(net: str, variant: str, data: Data, threads: int, pipe: Connection) -> None:
    """Live in the worker process."""
    if variant != "reference":  # as the project's own workers do, and the starter does not
        from cnnreport.training.fast import memory

        memory.keep_freed_blocks()
    import torch

    torch.set_num_threads(threads)
    if variant == "reference":
        epoch = reference(net, data)
    else:
        epoch = floor(net, data) if variant == "floor" else engine(net, variant, data)
    pipe.send(None)
    while pipe.recv():
        pipe.send(epoch())


def engine(net: str, variant: Any, data: Data) -> Epoch:
    """Return an epoch of the project's training."""
    from cnnreport.training.colourization import ColourizationTraining

    spec = Colourization(f"{MODULE}:{net}", precision=variant)
    training = ColourizationTraining(spec, 0, data, "cpu")
    return lambda: training.run_epoch()["train_loss"]


def floor(net: str, data: Data) -> Epoch:
    """Return what does the multiplications of an `exact` epoch's convolutions; its value is their GFLOP."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    train = engine(net, "exact", data)
    with FlopCounterMode(display=False) as counter:
        train()
    work = counter.get_total_flops()
    left, right = torch.randn(2, SIDE, SIDE).unbind()
    product = torch.empty(SIDE, SIDE)

    products, rest = divmod(work, 2 * SIDE**3)
    rows = round(rest / (2 * SIDE**2))

    def multiply() -> float:
        for _ in range(products):
            torch.mm(left, right, out=product)
        torch.mm(left[:rows], right, out=product[:rows])
        return work / 1e9

    return multiply


def reference(name: str, data: Data) -> Epoch:
    """Return an epoch as the starter has it, from the same initial weights."""
    import torch
    import torch.nn.functional as F

    spec = Colourization(f"{MODULE}:{name}")
    kind = getattr(importlib.import_module(MODULE), name)
    torch.manual_seed(0)
    net = kind(spec.kernel, spec.num_filters, spec.num_colours, spec.num_in_channels)
    adam = torch.optim.Adam(net.parameters(), lr=spec.learning_rate)
    sets = {}
    for part in ("train", "validation"):
        grey = (data[f"{part}_rgb"] / 256.0).mean(axis=1, keepdims=True).astype(np.float32)
        sets[part] = (grey, data[f"{part}_label"][:, None].astype(np.int64))

    def batches(part: str) -> Iterator[tuple[Any, Any]]:
        images, labels = sets[part]
        for start in range(0, len(images), spec.batch_size):
            batch = slice(start, start + spec.batch_size)
            yield torch.from_numpy(images[batch]).float(), torch.from_numpy(labels[batch]).long()

    def loss_of(outputs: Any, labels: Any) -> Any:
        flat = outputs.transpose(1, 3).contiguous().view(-1, spec.num_colours)
        return F.cross_entropy(flat, labels.transpose(1, 3).contiguous().view(-1))

    def epoch() -> float:
        net.train()
        losses, sizes = [], []
        for images, labels in batches("train"):
            adam.zero_grad()
            loss = loss_of(net(images), labels)
            loss.backward()
            adam.step()
            losses.append(loss.item())
            sizes.append(len(images))
        net.eval()
        correct = 0.0
        for images, labels in batches("validation"):
            outputs = net(images)
            loss_of(outputs, labels).item()
            correct += (outputs.argmax(1, keepdim=True) == labels).sum().item()
        return math.fsum(a * b for a, b in zip(losses, sizes, strict=True)) / sum(sizes)

    return epoch


def load(folder: Path | None, images: int) -> Data:
    """Return real data, or drawn ones of the same shape."""
    if folder is not None:
        from cnnreport.data.data_set import Request
        from cnnreport.data.horses import horses, pixels

        source = horses.locate(Request("cifar10", folder))
        return dict(pixels.prepare(source, 24, train_images=images))
    rng = np.random.default_rng(0)
    palette = rng.random((24, 3), dtype=np.float32)
    rgb = rng.integers(0, 256, (images + 1000, 3, 4, 4)).repeat(8, axis=2).repeat(8, axis=3)
    rgb = np.clip(rgb + rng.normal(0, 12, rgb.shape), 0, 255).astype(np.uint8)
    label = np.empty((len(rgb), 32, 32), np.uint8)
    for part in np.array_split(np.arange(len(rgb)), math.ceil(len(rgb) / 100)):
        distance = rgb[part, None] / 256 - palette[None, :, :, None, None]
        label[part] = (distance**2).sum(axis=2).argmin(axis=1)
    return {
        "train_rgb": rgb[:images],
        "train_label": label[:images],
        "validation_rgb": rgb[images:],
        "validation_label": label[images:],
        "palette": palette,
    }


if __name__ == "__main__":
    main()
