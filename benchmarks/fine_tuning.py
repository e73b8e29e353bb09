"""Time an epoch of fine-tuning beside one of a plain loop, and a colourization step beside an earlier one.

The plain loop upsamples both scores with PyTorch, takes PyTorch's losses and PyTorch's Adam, and is judged by
as many numbers after the epoch. Each variant is a process of one thread that computes an epoch when it is its
turn. With `--before DIR`, another checkout of the project takes its turns too, and colourization steps of
both are compared. Run from the project's root:

    python benchmarks/fine_tuning.py [--rounds R] [--train N] [--before DIR] [--json FILE]
"""

import argparse
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import turns

sys.path.insert(0, turns.root())

import epoch
import features
import numpy as np
from machines import machine

from cnnreport.training.specs.colourization import Colourization
from cnnreport.training.specs.segmentation import FineTuning

LOSSES = ("cross-entropy", "iou")
PROTOCOLS = ("clean", "handout")
VALIDATION, SIDE, CHANNELS, STEPS = 221, 14, 256, 2
EPOCHS_COMPARED = 3
TOLERANCE = 1e-3

Data = dict[str, Any]


def main() -> None:
    """Measure, print and perhaps write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each variant (default: 9)")
    parser.add_argument("--train", type=int, default=431, help="training images (default: 431)")
    parser.add_argument(
        "--protocol", action="append", choices=PROTOCOLS, help="may be repeated (default: each)"
    )
    parser.add_argument("--net", action="append", choices=epoch.NETS, help="may be repeated (default: each)")
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    count = max(options.rounds, EPOCHS_COMPARED)
    report: dict[str, Any] = {
        "machine": machine(),
        "train_images": options.train,
        "validation_images": VALIDATION,
        "rounds": count,
        "fine_tuning": {
            f"{loss} {protocol}": fine_tuning(loss, protocol, options.train, options.before, count)
            for loss in LOSSES
            for protocol in options.protocol or PROTOCOLS
        },
    }
    if options.before:
        report["colourization_step"] = {
            name: steps(name, options.before, count) for name in options.net or epoch.NETS
        }
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if any(each["train_loss_difference"] > TOLERANCE for each in report["fine_tuning"].values()):
        sys.exit(f"The training losses differ by more than {TOLERANCE}.")


def fine_tuning(loss: str, protocol: str, train: int, before: Path | None, count: int) -> dict[str, Any]:
    """Let the project, the plain loop and perhaps an earlier project take turns with epochs."""
    arguments = (loss, protocol, train)
    workers = {"project": turns.Worker(project, arguments), "plain": turns.Worker(plain, arguments)}
    if before:
        workers["before"] = turns.Worker(project, arguments, before, huge_pages=False)
    return _said(turns.rounds(workers, count))


def steps(net: str, before: Path, count: int) -> dict[str, Any]:
    """Let the project and an earlier one take turns with a few steps of a colourization net."""
    workers = {
        "project": turns.Worker(colourize, (net,)),
        "before": turns.Worker(colourize, (net,), before, huge_pages=False),
    }
    return _said(turns.rounds(workers, 5 * count))


def _said(taken: Any) -> dict[str, Any]:
    print(turns.ratios(taken, "project"), file=sys.stderr, flush=True)
    first = turns.losses(taken, EPOCHS_COMPARED)
    return {
        "seconds": turns.medians(taken),
        "times_as_fast_as": turns.ratios(taken, "project"),
        "train_losses": first,
        "train_loss_difference": turns.largest_difference(first),
    }


def project(loss: Any, protocol: Any, train: int) -> turns.Turn:
    """Return an epoch of the project's fine-tuning."""
    from cnnreport.training.segmentation.fine_tuning import FineTuningTask

    _prepare()
    task = FineTuningTask(FineTuning(loss, protocol=protocol, epochs=1000), 0, data(train), "cpu")
    return lambda: task.run_epoch()["train_loss"]


def plain(loss: str, protocol: str, train: int) -> turns.Turn:
    """Return an epoch of a loop that a reader would write, with the same layer, order and validation."""
    import torch
    import torch.nn.functional as F

    _prepare()
    arrays, spec = data(train), FineTuning("cross-entropy")
    maps = torch.from_numpy(arrays["features"].view(np.int16)).view(torch.bfloat16)
    masks = torch.from_numpy(arrays["masks" if protocol == "clean" else "handout_masks"])
    chosen, validation = (torch.from_numpy(arrays[name]) for name in (f"{protocol}_train", "validation"))
    size = spec.batch_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(CHANNELS, 2, 1)
    adam, epochs = torch.optim.Adam(layer.parameters(), lr=spec.learning_rate), itertools.count(1)

    def scores(part: Any) -> Any:
        small = layer(maps[part].float())
        return F.interpolate(small, size=masks.shape[1:], mode="bilinear", align_corners=False)

    def loss_of(outputs: Any, truth: Any) -> Any:
        if loss == "cross-entropy":
            return F.cross_entropy(outputs, truth.long(), ignore_index=255)
        x, y = outputs.softmax(1)[:, 1] * (truth != 255), (truth == 1).float()
        return 1 - (x * y).sum() / (x + y - x * y).sum()

    def overlap(outputs: Any, truth: Any) -> None:
        predicted = outputs.argmax(1)
        for label in (0, 1):
            torch.count_nonzero((predicted == label) & (truth == label), (1, 2)).tolist()

    def turn() -> float:
        torch.manual_seed(next(epochs))
        parts = torch.split(chosen[torch.randperm(len(chosen))], size)
        losses = []
        for part in parts[: len(chosen) // size] if protocol == "handout" else parts:
            outputs = scores(part)
            batch = loss_of(outputs, masks[part])
            adam.zero_grad()
            batch.backward()
            adam.step()
            losses.append(batch.item())
            overlap(outputs.detach(), masks[part])
        with torch.no_grad():
            outputs = torch.cat([scores(part) for part in torch.split(validation, 64)])
            loss_of(outputs, masks[validation]).item()
            overlap(outputs, masks[validation])
        return sum(losses) / len(losses)

    return turn


def colourize(net: str) -> turns.Turn:
    """Return a few steps of the project's training of a colourization net."""
    from cnnreport.training.colourization import ColourizationTraining

    _prepare()
    spec = replace(Colourization(f"{epoch.MODULE}:{net}"), epochs=10000)
    training = ColourizationTraining(spec, 0, epoch.load(None, STEPS * spec.batch_size), "cpu")

    def turn() -> float:
        training.model.train()
        return float(training.follow(training.learn())["train_loss"])

    return turn


def data(train: int) -> Data:
    """Return images with masks, and features that know something of the masks, all drawn by lot."""
    generator = np.random.default_rng(0)
    arrays = features.images("mobilenet_v3_small_embedded", train, VALIDATION)
    cells = arrays["masks"][:, 8::16, 8::16].astype(np.float32)
    maps = generator.normal(0, 0.5, (len(cells), CHANNELS, SIDE, SIDE)).astype(np.float32)
    maps += 0.3 * cells[:, None] * generator.normal(0, 1, (1, CHANNELS, 1, 1)).astype(np.float32)
    packed = (maps.clip(0).view(np.uint32) >> 16).astype(np.uint16)
    handout = np.concatenate([arrays["clean_train"]] * 3)
    return {
        **arrays,
        "features": packed,
        "calibration_images": np.array([0]),
        "handout_train": handout[: 3 * train - 9],
    }


def _prepare() -> None:
    """Set a process up as the project's own workers are."""
    from cnnreport.training.fast import memory

    memory.keep_freed_blocks()
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
