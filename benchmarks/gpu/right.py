"""What this machine is, whether every path runs on it, and whether it computes the right thing twice."""

import math
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from setting import (
    CUDA,
    DEVICE,
    NETS,
    SMALL,
    TINY,
    Data,
    Figures,
    Told,
    attempt,
    clock,
    cut,
    digest,
    training,
)

from cnnreport.runs import device
from cnnreport.runs.device import float32
from cnnreport.system import hardware
from cnnreport.training.fast.cross_entropy import cross_entropy

LIBRARIES = (
    *("torch", "torchvision", "triton", "numpy", "safetensors", "scikit-learn", "scipy", "pillow"),
    *("pooch", "platformdirs", "click", "rich", "requests", "threadpoolctl", "sympy", "pytest"),
    *("jinja2", "weasyprint"),
)


def facts() -> Figures:
    """Return what the machine has, and the rates by which all else is judged."""
    told: Figures = {
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in LIBRARIES},
        "processor": hardware.processor(),
        "cores": hardware.cores(),
        "driver": hardware.nvidia_driver(),
        "gpu": device.gpu(),
    }
    return told | ({"rates": _rates()} if CUDA else {})


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _rates() -> Figures:
    """Return how many bytes are copied in a second, and how much is multiplied in three formats."""
    source, target = torch.randn(2, 1 << 28, device="cuda").unbind()
    target.copy_(source)
    _, copying = clock(lambda: [target.copy_(source) for _ in range(10)])
    rates = {"copy_TB_per_s": 10 * 2 * source.nbytes / copying / 1e12}
    formats = (("float32", torch.float32, "highest"), ("tf32", torch.float32, "high"))
    for name, dtype, precision in (*formats, ("bfloat16", torch.bfloat16, "highest")):
        torch.set_float32_matmul_precision(precision)
        a = torch.randn(8192, 8192, device="cuda", dtype=dtype)
        torch.mm(a, a)
        _, seconds = clock(lambda a=a: [torch.mm(a, a) for _ in range(5)])
        rates[f"{name}_TFLOP_per_s"] = 5 * 2 * 8192**3 / seconds / 1e12
    torch.set_float32_matmul_precision("highest")
    return rates


def paths() -> Figures:
    """Make a small task of every sort, and let it run, be taken apart and put together."""
    told = Told("paths")
    with float32(DEVICE):
        for name, make in {**_colourizations(), **_segmentations()}.items():
            told[name] = attempt(lambda make=make: _one_epoch(make))
    return told


def _colourizations() -> dict[str, Callable[[], Any]]:
    some = cut(200, 100)
    nets = (*NETS, "StridedUpsampleNet", "ResizeConvNet")
    cases: dict[str, Callable[[], Any]] = {
        f"{net} {precision}": lambda net=net, precision=precision: training(net, some, precision=precision)
        for net in nets
        for precision in ("exact", "fast")
    }
    cases["35 filters"] = lambda: training("ConvTransposeNet", some, num_filters=35)
    cases["a last batch of 8, cut short"] = lambda: training(
        "ConvTransposeNet", some, batch_size=32, updates=9
    )
    return cases


def _segmentations() -> dict[str, Callable[[], Any]]:
    import features as bench

    from cnnreport.training.segmentation.features import FeaturesTask
    from cnnreport.training.segmentation.fine_tuning import FineTuningTask
    from cnnreport.training.specs.segmentation import Features, FineTuning

    flowers = bench.images(SMALL, 16, 8)
    cached = {**flowers, **computed(flowers)}
    cases: dict[str, Callable[[], Any]] = {
        f"features {start}": lambda start=start: FeaturesTask(Features(start=start), 0, flowers, DEVICE)
        for start in ("pretrained", "random")
    }
    for mode in ("cached", "frozen", "moving"):
        for loss in ("cross-entropy", "iou"):
            one = FineTuning(loss=loss, features=mode, epochs=2, batch_size=8)
            images = cached if mode == "cached" else flowers
            cases[f"fine-tuning {mode} {loss}"] = lambda one=one, images=images: FineTuningTask(
                one, 0, images, DEVICE
            )
    return cases | {"pretraining": _pretraining()}


def _pretraining() -> Callable[[], Any]:
    from cnnreport.training.segmentation.pretraining import PretrainingTask
    from cnnreport.training.specs.segmentation import Pretraining

    generator = np.random.default_rng(0)
    drawn: dict[str, Any] = {"kinds": np.arange(9)}
    for part, count in (("train", 8), ("validation", 4)):
        drawn[f"{part}_rgb"] = generator.integers(0, 256, (count, 3, 224, 224), np.uint8)
        drawn[f"{part}_class"] = generator.integers(0, 9, (count, 224, 224), np.uint8)
    one = Pretraining(architecture=SMALL, scenes=8, validation_scenes=4, epochs=1, batch_size=4)
    return lambda: PretrainingTask(one, 0, drawn, DEVICE)


def computed(flowers: Data) -> Data:
    """Return the features of some images."""
    from cnnreport.training.segmentation.features import FeaturesTask
    from cnnreport.training.specs.segmentation import Features

    task = FeaturesTask(Features(), 0, flowers, DEVICE)
    for _ in range(task.epochs):
        task.run_epoch()
    return task.results().samples


def _one_epoch(make: Callable[[], Any]) -> Figures:
    """Make, run, take apart, put together, finish; say where the contract of a task is broken."""
    task, construct = clock(make)
    row, seconds = clock(task.run_epoch)
    state = task.state()
    wrong = [name for name, t in state.items() if t.device.type != "cpu" or not t.is_contiguous()]
    make().restore({name: tensor.clone() for name, tensor in state.items()})
    results, finish = clock(task.results)
    where = sorted({str(tensor.device) for tensor in results.weights.values()})
    told = {"row": row, "construct_s": construct, "epoch_s": seconds, "results_s": finish}
    return told | {"state_not_plain": wrong, "weights_on": where}


def parity() -> Figures:
    """Compare losses of two epochs with the CPU's, and both machines' gradients with those of float64."""
    some, told = cut(2000, 500), Told("parity")
    with float32(DEVICE):
        for net in NETS:
            told[net] = attempt(lambda net=net: _compared(net, some))
    return told


def _compared(net: str, some: Data) -> Figures:
    here, there = training(net, some, "cpu"), training(net, some)
    rows = [(here.run_epoch(), there.run_epoch()) for _ in range(2)]
    fast = training(net, some, precision="fast")
    difference = {name: [abs(a[name] - b[name]) for a, b in rows] for name in rows[0][0]}
    first, second = difference["train_loss"]
    return {
        "difference": difference,
        "train_loss_cpu": [a["train_loss"] for a, _ in rows],
        "train_loss_device": [b["train_loss"] for _, b in rows],
        "train_loss_fast": [fast.run_epoch()["train_loss"] for _ in range(2)],
        "gradient_error_cpu": _gradient_error(net, "exact", "cpu"),
        "gradient_error_exact": _gradient_error(net, "exact"),
        "gradient_error_fast": _gradient_error(net, "fast"),
        "passed": first < 1e-3 and second < 5e-3,
    }


def _gradient_error(net: str, precision: str, where: str = DEVICE) -> float:
    """Return how far the gradients of a batch are from those of float64, relatively."""
    some = cut(100, 100)
    task = training(net, some, where, precision=precision)
    plain = type(task.net)(3, 32, 24, 1).double()
    plain.load_state_dict({name: tensor.cpu() for name, tensor in task.net.state_dict().items()})
    task.model.train()
    grey, labels = next(task.batches())
    cross_entropy(task.scores(grey), labels, some["train_label"].size).backward()
    exact = torch.from_numpy((some["train_rgb"] / 256).mean(1, keepdims=True))
    F.cross_entropy(plain.train()(exact), torch.from_numpy(some["train_label"]).long()).backward()
    off = total = 0.0
    for ours, theirs in zip(task.net.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        off += float((ours.grad.double().cpu() - theirs.grad).square().sum())
        total += float(theirs.grad.square().sum())
    return math.sqrt(off / total)


def repeats() -> Figures:
    """Say whether the same trainings give the same bytes: twice, resumed, and in another process."""
    told = Told("repeats")
    with float32(DEVICE):
        for net in NETS:
            told[f"{net} exact"] = attempt(lambda n=net: _repeated(n, "exact"))
        told["UNet fast"] = attempt(lambda: _repeated("UNet", "fast"))
        told["fine-tuning"] = attempt(_repeated_fine_tuning)
    return told


def trained(net: str, precision: str) -> str:
    """Return the digest of two epochs."""
    task = training(net, cut(1000, 200), precision=precision)
    for _ in range(2):
        task.run_epoch()
    return digest(task)


def _repeated(net: str, precision: str) -> Figures:
    once = trained(net, precision)
    whole, resumed = (training(net, cut(1000, 200), precision=precision, seed=s) for s in (0, 7))
    whole.run_epoch()
    resumed.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    resumed.seed = whole.seed
    same_row = whole.run_epoch() == resumed.run_epoch()
    program = Path(__file__).with_name("check.py")
    command = [sys.executable, str(program), "digest", net, precision]
    out = subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()
    return {
        "same_process": trained(net, precision) == once,
        "resumed": same_row and digest(whole) == digest(resumed) == once,
        "other_process": out[-1:] == [once],
        "recorded": "not on a CPU" if TINY else whole._captured is not None and not whole._captured.failure,
    }


def _repeated_fine_tuning() -> Figures:
    import features as bench

    from cnnreport.training.segmentation.fine_tuning import FineTuningTask
    from cnnreport.training.specs.segmentation import FineTuning

    flowers = bench.images(SMALL, 64, 16)
    first, second = computed(flowers), computed(flowers)

    def tuned(loss: str) -> str:
        one = FineTuning(loss=loss, epochs=3, batch_size=32)
        task = FineTuningTask(one, 0, {**flowers, **first}, DEVICE)
        for _ in range(3):
            task.run_epoch()
        return digest(task)

    return {
        "features": bool(np.array_equal(first["features"], second["features"])),
        **{loss: tuned(loss) == tuned(loss) for loss in ("cross-entropy", "iou")},
    }
