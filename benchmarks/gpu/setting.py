"""What the checks of a GPU share: the device, data, trainings, clocks and the file of all figures."""

import functools
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from cnnreport.training.colourization import ColourizationTraining
from cnnreport.training.fast import captured
from cnnreport.training.specs.colourization import Colourization

TINY = bool(os.environ.get("GPU_CHECK_TINY"))
"""A rehearsal on a CPU, with so little work that it takes minutes."""

DEVICE = "cpu" if TINY else "cuda"
CUDA = not TINY
NETS = ("PoolUpsampleNet", "ConvTransposeNet", "UNet")
SMALL = "mobilenet_v3_small_embedded"
IMAGES, VALIDATED = (100, 100) if TINY else (5000, 1000)
OUT = Path(os.environ.get("OUT", "build/gpu"))
REPORT = OUT / "report.json"

Data = Mapping[str, Any]
Figures = dict[str, Any]


def sync() -> None:
    """Wait for the device."""
    if CUDA:
        torch.cuda.synchronize()


def clock(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives, and its seconds."""
    sync()
    begin = time.perf_counter()
    result = call()
    sync()
    return result, time.perf_counter() - begin


def attempt(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or its traceback: one failure must not hide the next."""
    try:
        return call()
    except Exception:  # noqa: BLE001 - whatever it is, it is told
        return {"FAILED": traceback.format_exc()[-2500:]}


def found() -> Figures:
    """Return all figures so far."""
    figures: Figures = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    return figures


def keep(name: str, value: Any, *, quiet: bool = False) -> None:
    """Put figures on the disk, and print their beginning."""
    figures = found() | {name: value}
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=1, default=str))
    if not quiet:
        print(f"--- {name}\n{json.dumps(value, indent=1, default=str)[:1500]}", flush=True)


class Told(dict[str, Any]):
    """A part's figures, on the disk as soon as they are known: a part may be stopped."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        keep(self.part, self, quiet=True)


@functools.cache
def data() -> Data:
    """Return the horses of CIFAR-10 where there is a folder with it, else images of the same shape."""
    import epoch

    folder = os.environ.get("DATA_DIR")
    return _first(epoch.load(Path(folder) if folder else None, IMAGES), IMAGES, VALIDATED)


def cut(train: int, validation: int) -> Data:
    """Return the first of them."""
    return _first(data(), train, validation)


def _first(images: Data, train: int, validation: int) -> Data:
    return {
        name: array if name == "palette" else array[: train if name.startswith("train") else validation]
        for name, array in images.items()
    }


def training(
    net: str, images: Data | None = None, device: str = DEVICE, seed: int = 0, **changes: Any
) -> ColourizationTraining:
    """Return a training of a net as the report has it, but for some changes of its spec."""
    module = "ablation" if net in ("StridedUpsampleNet", "ResizeConvNet") else "colourization"
    spec = Colourization(net=f"cnnreport.nets.{module}:{net}", **changes)
    return ColourizationTraining(spec, seed, images or data(), device)


def recorder() -> captured.Recorder:
    """Return what records steps: CUDA graphs, or their twin in a rehearsal."""
    return captured.Graphs() if CUDA else captured.Eager()


def digest(task: Any) -> str:
    """Return the beginning of a hash of all that a training goes on from."""
    total = hashlib.sha256()
    for name, tensor in sorted(task.state().items()):
        total.update(name.encode() + tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]
