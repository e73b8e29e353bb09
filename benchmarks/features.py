"""Time fine-tuning on features that are computed once, the pass that computes them included, beside
fine-tuning that computes them in every epoch.

The same tasks as in the report, in eval mode, in one process; the weights are random, which changes no
time. Run from the project's root:

    python benchmarks/features.py [--net NAME]... [--train N] [--validation N] [--epochs E] [--threads T]
                                  [--json FILE]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machines import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnnreport.system import hardware
from cnnreport.training.specs.segmentation import Features, FineTuning

NETS = {"resnet101": (24, 8), "mobilenet_v3_large": (96, 32), "mobilenet_v3_small_embedded": (96, 32)}
"""How many images to train with and to validate with where nothing else is asked for: the quicker a net,
the more, so that what does not depend on their number does not count."""

SIZE = 224
LOSS_TOLERANCE = 0.02
"""By how much the first losses on features of 16 bits may differ from those on exact ones, relatively."""

Data = dict[str, Any]


def main() -> None:
    """Measure, print and perhaps write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--net", action="append", choices=NETS, help="may be repeated (default: each)")
    parser.add_argument("--train", type=int, help="training images (default: by the net)")
    parser.add_argument("--validation", type=int, help="validation images (default: by the net)")
    parser.add_argument("--epochs", type=int, default=10, help="epochs (default: 10)")
    parser.add_argument("--threads", type=int, default=hardware.cores(), help="threads (default: all cores)")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    nets = {}
    for name in options.net or NETS:
        train, validation = options.train or NETS[name][0], options.validation or NETS[name][1]
        counts = {"train_images": train, "validation_images": validation}
        nets[name] = {**counts, **measure(images(name, train, validation), options.epochs)}
    report = {
        "machine": machine(),
        "threads": options.threads,
        "epochs": options.epochs,
        "nets": nets,
    }
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if any(net["first_loss_difference"] > LOSS_TOLERANCE for net in nets.values()):
        sys.exit("The losses on cached features differ from those on recomputed ones.")


def measure(data: Data, epochs: int) -> dict[str, Any]:
    """Return seconds and ratios of one net."""
    from cnnreport.training.segmentation.features import FeaturesTask
    from cnnreport.training.segmentation.fine_tuning import FineTuningTask

    spec = FineTuning(loss="cross-entropy", features="frozen", epochs=epochs, batch_size=128)
    specs = {"cross-entropy": spec, "iou": replace(spec, loss="iou")}
    whole = {loss: timed(lambda s=one: FineTuningTask(s, 0, data, "cpu")) for loss, one in specs.items()}
    computed = timed(lambda: FeaturesTask(Features(), 0, data, "cpu"))
    cached = {**data, **computed["task"].results().samples}
    heads = {
        loss: timed(lambda s=one: FineTuningTask(replace(s, features="cached"), 0, cached, "cpu"))
        for loss, one in specs.items()
    }
    both = sum(each["seconds"] for each in whole.values())
    one = computed["seconds"] + heads["cross-entropy"]["seconds"]
    two = computed["seconds"] + sum(each["seconds"] for each in heads.values())
    exact, rounded = (each["cross-entropy"]["rows"][0]["validation_loss"] for each in (whole, heads))
    return {
        "seconds_recomputed": {loss: each["seconds"] for loss, each in whole.items()},
        "seconds_of_features": computed["seconds"],
        "seconds_cached": {loss: each["seconds"] for loss, each in heads.items()},
        "ratio_one_loss": whole["cross-entropy"]["seconds"] / one,
        "ratio_both_losses": both / two,
        "bytes_per_image": cached["features"][0].nbytes,
        "first_loss_difference": abs(exact - rounded) / abs(exact),
    }


def timed(make: Callable[[], Any]) -> dict[str, Any]:
    """Make a task, run its epochs, and return it with its rows and the seconds of both."""
    begun = time.perf_counter()
    task = make()
    rows = [task.run_epoch() for _ in range(task.epochs)]
    return {"task": task, "rows": rows, "seconds": time.perf_counter() - begun}


def images(architecture: str, train: int, validation: int) -> Data:
    """Return noise for images and masks, and a random net's weights, as Part D's tasks take them."""
    import safetensors.torch
    import torch

    from cnnreport.nets import deeplab

    generator = np.random.default_rng(0)
    count = train + validation
    torch.manual_seed(0)
    state = deeplab.build(architecture).state_dict()
    about = {"architecture": architecture, "title": "random", "origin": "", "sha256": ""}
    masks = generator.integers(0, 2, (count, 14, 14), np.uint8).repeat(SIZE // 14, 1).repeat(SIZE // 14, 2)
    return {
        "images": generator.integers(0, 256, (count, 3, SIZE, SIZE), np.uint8),
        "masks": masks,
        "handout_masks": masks,
        "numbers": np.arange(count),
        "clean_train": np.arange(train),
        "handout_train": np.arange(train),
        "validation": np.arange(train, count),
        "skipped": np.frombuffer(b"[]", np.uint8),
        "without_trimap": np.array([0]),
        "weights": np.frombuffer(safetensors.torch.save(dict(state)), np.uint8),
        "about_weights": np.frombuffer(json.dumps(about).encode(), np.uint8),
    }


if __name__ == "__main__":
    main()
