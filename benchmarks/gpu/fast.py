"""How fast trainings are on this machine as they are written, and what would be faster."""

import statistics
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest import mock

import torch
from setting import (
    CUDA,
    DEVICE,
    NETS,
    OUT,
    SMALL,
    TINY,
    Figures,
    Told,
    attempt,
    clock,
    cut,
    digest,
    recorder,
    sync,
)
from setting import training as make_training

from cnnreport.runs.device import float32
from cnnreport.training import loop
from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.fast import convolution, rewrite
from cnnreport.training.fast.captured import Captured
from cnnreport.training.optimisers import make_optimiser

EPOCHS = 2 if TINY else 8
CUDNN = {"enabled": True, "benchmark": False, "deterministic": True, "allow_tf32": False}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, bool]]] = {
    "as written": ({}, {}),
    "kernels' gradients by cuDNN": ({"products": False}, {}),
    "no corners": ({"corners": False}, {}),
    "nchw": ({"corners": False, "nhwc": False}, {}),
    "any order": ({"products": False}, {"deterministic": False}),
    "tf32, to know": ({}, {"allow_tf32": True}),
    "fast": ({"precision": "fast"}, {}),
}
"""How the net is built, and flags of cuDNN in which the variant differs from the project."""


def speed() -> Figures:
    """Time whole epochs, with recorded steps and step by step."""
    told = Told("speed")
    with float32(DEVICE):
        for net in NETS:
            for precision in ("exact", "fast"):
                told[f"{net} {precision}"] = attempt(lambda n=net, p=precision: _timed(n, p))
            with mock.patch.object(loop, "recorder_for", return_value=None):
                told[f"{net} step by step"] = attempt(lambda n=net: _timed(n, "exact"))
                if CUDA:
                    told[f"{net} profile"] = attempt(lambda n=net: _profiled(n))
    return told


def _timed(net: str, precision: str) -> Figures:
    task, construct = clock(lambda: make_training(net, precision=precision))
    _, first = clock(task.run_epoch)
    epoch = statistics.median(clock(task.run_epoch)[1] for _ in range(EPOCHS))
    _, state = clock(task.state)
    _, results = clock(task.results)
    whole = construct + first + 24 * epoch + 25 * state + results
    return {
        "construct_s": construct,
        "first_epoch_s": first,
        "epoch_s": epoch,
        "state_s": state,
        "results_s": results,
        "training_of_25_epochs_s": whole,
    }


def _profiled(net: str) -> Figures:
    """Return how many kernels a step launches and how long they take."""
    from torch.profiler import ProfilerActivity, profile

    task = make_training(net, cut(1000, 100))
    task.run_epoch()
    task.model.train()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as watched:
        task.follow(task.learn())
        sync()
    kernels = [event for event in watched.events() or () if str(event.device_type).endswith("CUDA")]
    busy = sum(getattr(event, "self_device_time_total", 0) for event in kernels)
    table = watched.key_averages().table(sort_by="self_device_time_total", row_limit=30)
    with (OUT / "profile.txt").open("a") as file:
        file.write(f"{net}\n{table}\n\n")
    return {"kernels_per_step": len(kernels) / 10, "busy_ms_per_step": busy / 1e4}


def variant(
    net: str,
    *,
    corners: bool = True,
    nhwc: bool = True,
    seed: int = 0,
    **changes: Any,
) -> ColourizationTraining:
    """Return a training whose net is built in another way."""
    cut = mock.patch.object(rewrite, "_convolve_corners", return_value=False)
    with nullcontext() if corners else cut:
        task = make_training(net, seed=seed, **changes)
    if not nhwc:
        task.net.to(memory_format=torch.contiguous_format)
        spec, per_epoch = task._spec, task.updates_per_epoch
        task.optimiser = make_optimiser(
            task.net.parameters(), spec.optimiser, spec.schedule, spec.learning_rate, task.updates, per_epoch
        )
    return task


def epoch_of(task: ColourizationTraining) -> tuple[Captured, Callable[[], Any]]:
    """Return what records the steps of a training, and what makes all updates of an epoch by it."""
    steps = Captured(task.scores, task.loss, task.optimiser, task.moving, recorder())
    task.model.train()
    return steps, lambda: task.follow(steps.train(task.batches()))


def recorded() -> Figures:
    """Time recorded steps in variants, seeds side by side and sizes of batches; compare with plain steps."""
    told = Told("recorded")
    for net in NETS:
        told[net] = {name: attempt(lambda n=net, v=v: _replayed(n, *v)) for name, v in VARIANTS.items()}
    with float32(DEVICE):
        told["beside step by step"] = {net: attempt(lambda n=net: _beside_plain(n)) for net in NETS}
        told["several at once"] = attempt(_several)
    told["batch sizes"] = {
        size: attempt(lambda s=size: _replayed("ConvTransposeNet", {"batch_size": s}, {}))
        for size in ((32,) if TINY else (10, 32, 64, 128, 256, 512))
    }
    return told


def _replayed(net: str, how: dict[str, Any], flags: dict[str, bool]) -> Figures:
    changes = dict(how)
    cudnn_alone = mock.patch.object(convolution, "by_product", return_value=False)
    with (
        torch.backends.cudnn.flags(**{**CUDNN, **flags}),
        nullcontext() if changes.pop("products", True) else cudnn_alone,
    ):
        task = variant(net, **changes)
        steps, epoch = epoch_of(task)
        _, first = clock(epoch)
        seconds = statistics.median(clock(epoch)[1] for _ in range(1 if TINY else 5))
    return {
        "first_s": round(first, 4),
        "ms_per_step": round(1e3 * seconds / task.updates_per_epoch, 4),
        "s_of_25_epochs": round(25 * seconds, 4),
        "failure": steps.failure,
    }


def _beside_plain(net: str) -> Figures:
    plain, other = variant(net), variant(net)
    plain.model.train()
    plain.follow(loop.train(plain.scores, plain.batches(), plain.loss, plain.optimiser))
    _, epoch = epoch_of(other)
    epoch()
    a, b = plain.state(), other.state()
    off = max(float((a[name].double() - b[name].double()).abs().max()) for name in a)
    return {"same_bytes": digest(plain) == digest(other), "largest_difference": off}


def _several() -> Figures:
    """Train seeds side by side on streams of their own, their steps in turn from one thread."""
    told: Figures = {}
    for count in (1, 2) if TINY else (1, 2, 3, 6):
        tasks = [variant("UNet", seed=seed) for seed in range(count)]
        steps = [epoch_of(task)[0] for task in tasks]
        streams = [torch.cuda.Stream() if CUDA else None for _ in tasks]

        def epoch(tasks: Any = tasks, steps: Any = steps, streams: Any = streams) -> None:
            updates = [each.train(task.batches()) for each, task in zip(steps, tasks, strict=True)]
            for _ in range(tasks[0].updates_per_epoch):
                for update, stream in zip(updates, streams, strict=True):
                    with torch.cuda.stream(stream) if CUDA else nullcontext():
                        next(update)

        epoch()
        seconds = statistics.median(clock(epoch)[1] for _ in range(1 if TINY else 5))
        told[str(count)] = {"epoch_s": seconds, "s_of_25_epochs_each": 25 * seconds / count}
        told[str(count)]["digest_of_seed_0"] = digest(tasks[0])
    told["side by side changes no byte"] = len({value["digest_of_seed_0"] for value in told.values()}) == 1
    return told


def deeplab() -> Figures:
    """Time Part D with random weights: features of all images, both heads, and an image in variants."""
    import features as bench

    from cnnreport.training.segmentation.features import FeaturesTask
    from cnnreport.training.segmentation.fine_tuning import FineTuningTask
    from cnnreport.training.specs.segmentation import Features, FineTuning

    train, check = (12, 4) if TINY else (430, 220)
    flowers = bench.images(SMALL if TINY else "resnet101", train, check)
    told = Told("deeplab")
    with float32(DEVICE):
        task, told["load_model_s"] = clock(lambda: FeaturesTask(Features(), 0, flowers, DEVICE))
        told["features_s"] = [clock(task.run_epoch)[1] for _ in range(task.epochs)]
        _, told["features_state_s"] = clock(task.state)
        cached = {**flowers, **task.results().samples}
        told["features_MB"] = cached["features"].nbytes / 1e6
        for loss in ("cross-entropy", "iou"):
            one = FineTuning(loss=loss)
            head, construct = clock(lambda one=one: FineTuningTask(one, 0, cached, DEVICE))
            epochs = [clock(head.run_epoch)[1] for _ in range(head.epochs)]
            _, results = clock(head.results)
            told[f"head {loss}"] = {"construct_s": construct, "epochs_s": sum(epochs), "results_s": results}
    for name, value in _images_together(flowers).items():
        told[name] = value
    if CUDA:
        told["memory_GiB"] = torch.cuda.max_memory_allocated() / 2**30
    return told


def _images_together(flowers: Any) -> Figures:
    """Time the features of an image, by how many pass the net together and in which format."""
    from cnnreport.training.segmentation.features import features, make_model
    from cnnreport.training.segmentation.images import normalise

    model = make_model("pretrained", 0, flowers, DEVICE)
    images = torch.from_numpy(flowers["images"][: 4 if TINY else 64]).to(DEVICE)
    told: Figures = {}
    variants = {
        "float32": {},
        "tf32": {"allow_tf32": True},
        "bfloat16": {},
    }
    for name, flags in variants.items():
        for size in (4,) if TINY else (4, 16, 32):

            def forward(size: int = size, name: str = name) -> list[torch.Tensor]:
                with torch.autocast(DEVICE, torch.bfloat16, enabled=name == "bfloat16"):
                    return [features(model, normalise(batch)) for batch in torch.split(images, size)]

            with torch.backends.cudnn.flags(**{**CUDNN, **flags}):
                told[f"an image, {name}, {size} together"] = attempt(lambda f=forward: _image(f, len(images)))
    return told


def _image(forward: Callable[[], list[torch.Tensor]], count: int) -> Figures:
    forward()
    first, seconds = clock(forward)
    same = all(torch.equal(a, b) for a, b in zip(first, forward(), strict=True))
    return {"ms": 1e3 * seconds / count, "repeats": same}
