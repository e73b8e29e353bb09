"""The weights with which the segmentation net begins: which file is taken.

CSC413 2021, programming assignment 2, Part D: torchvision's DeepLabV3s, pre-trained on the images of
COCO that show one of the 20 classes of PASCAL VOC. Where they cannot be had, the small net that
this project pre-trained itself.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from cnnreport.data import download
from cnnreport.data.pretrained.pretrained_file import LARGEST_FILE, Pretrained, read, sha256
from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure

__all__ = ["Pretrained", "Weights", "locate", "read"]

Weights = Literal["auto", "resnet101", "resnet50", "mobilenet_v3_large", "embedded"]

URL = "https://download.pytorch.org/models"

COCO: Mapping[str, tuple[str, str]] = {
    "resnet101": ("deeplabv3_resnet101_coco-586e9e4e.pth", "ResNet-101"),
    "resnet50": ("deeplabv3_resnet50_coco-cd0a2569.pth", "ResNet-50"),
    "mobilenet_v3_large": ("deeplabv3_mobilenet_v3_large-fc3c493d.pth", "MobileNetV3-Large"),
}
"""torchvision's weights COCO_WITH_VOC_LABELS_V1: file, which ends with the first digits of its
SHA-256, and backbone."""

EMBEDDED = (
    Path(__file__).resolve().parents[2]
    / "weights"
    / "deeplabv3_mobilenet_v3_small_meadow-a7d26376.safetensors"
)

_FIRST_BYTE_WITHIN, _BUDGET = 2.0, 60.0
"""Seconds that a download may take where the choice is left to the program."""

_PATIENCE = 15.0
"""Seconds within which a server must begin to answer where weights were asked for by name."""

_PROMISED = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|safetensors)$")


def locate(
    weights: Weights,
    data_dir: Path | None,
    *,
    fetch: bool = True,
    progress: download.Progress | None = None,
) -> Pretrained:
    """Decide with which weights the net begins: a folder's, a cache's, a download, the embedded ones.

    torchvision's files are looked for in `data_dir`, in its folder ``weights``, where torch.hub
    keeps them and in this library's cache, and then downloaded.

    Args:
        weights: One of `Weights`. ``auto`` takes the ResNet-101 of the handout where it can be had
            in time, else the embedded net.
        data_dir: Folder given by the user, which exists.
        fetch: Whether a file may be downloaded; False only looks at what is here.
        progress: Told how far a download is.

    Raises:
        DataError: A file is not what its name promises, or weights were asked for by name and
            cannot be had. Damaged weights are never passed over.
        EnvironmentFailure: The embedded file is missing, or weights were asked for by name and the
            cache cannot be written.
    """
    if weights == "embedded":
        return _embedded("")
    architecture = "resnet101" if weights == "auto" else weights
    file, _ = COCO[architecture]
    for folder, origin in _folders(data_dir):
        if (folder / file).is_file():
            return _coco(architecture, folder / file, origin)
    try:
        if not fetch:
            raise DataError("only a build fetches them, and none with --data meadow")
        path = _fetch(file, by_name=weights != "auto", progress=progress)
    except CnnReportError as error:
        given = "" if data_dir is None else "--data-dir, "
        reason = (
            f"torchvision's weights of the {COCO[architecture][1]} are not in {given}"
            f"torch's cache or the user cache and were not fetched: {error.problem}"
        )
        if weights == "auto":
            return _embedded(reason)
        if isinstance(error, EnvironmentFailure):
            raise
        raise DataError(
            reason, f"pass a folder that holds {file} with --data-dir, or use --weights embedded"
        ) from error
    return _coco(architecture, path, "downloaded")


def _folders(data_dir: Path | None) -> Iterator[tuple[Path, str]]:
    if data_dir is not None:
        yield data_dir, "read from --data-dir"
        yield data_dir / "weights", "read from --data-dir"
    yield _hub_folder(), "from torch's cache"
    yield download.cache_folder(), "from the user cache"


def _hub_folder() -> Path:
    """Return where torch.hub keeps what it downloads, by its rules but without importing it."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(os.path.expanduser(home)) / "hub" / "checkpoints"


def _fetch(file: str, *, by_name: bool, progress: download.Progress | None) -> Path:
    base = os.environ.get("CNNREPORT_WEIGHTS_URL") or URL
    return download.fetch(
        f"{base.rstrip('/')}/{file}",
        f"sha256:{_promised(file)}",
        download.cache_folder(),
        first_byte_within=_PATIENCE if by_name else _FIRST_BYTE_WITHIN,
        budget=None if by_name else _BUDGET,
        limit=LARGEST_FILE,
        progress=progress,
    )


def _promised(file: str) -> str:
    """Return the digits with which the hash of a file must begin, as its name says."""
    match = _PROMISED.search(file)
    assert match is not None, f"{file} promises no hash"
    return match[1]


def _coco(architecture: str, path: Path, origin: str) -> Pretrained:
    digest = _checked(path, "remove it and get it again, or use --weights embedded")
    backbone = COCO[architecture][1]
    return Pretrained(
        architecture=architecture,
        title=f"torchvision's DeepLabV3 ({backbone}), pre-trained on COCO with VOC's labels",
        published="published at download.pytorch.org",
        origin=origin,
        reason="",
        sha256=digest,
        place=path,
    )


def _embedded(reason: str) -> Pretrained:
    if not EMBEDDED.is_file():
        raise EnvironmentFailure(
            f"the embedded weights {EMBEDDED.name} are missing",
            "install cnnreport again, or make them with `python -m cnnreport run pretrain`",
        )
    return Pretrained(
        architecture="mobilenet_v3_small_embedded",
        title="a small DeepLabV3 (MobileNetV3-Small) pre-trained by this project on drawn meadow scenes "
        "without flowers",
        published="brought by cnnreport",
        origin="brought by cnnreport",
        reason=reason,
        sha256=_checked(EMBEDDED, "install cnnreport again"),
        place=EMBEDDED,
    )


def _checked(path: Path, remedy: str) -> str:
    """Return the SHA-256 of a file, which is the one that its name promises, where it promises any."""
    digest, promised = sha256(path), _PROMISED.search(path.name)
    if promised and not digest.startswith(promised[1]):
        raise DataError(
            f"{path} is damaged: its SHA-256 begins with {digest[:8]}, but should with {promised[1][:8]}",
            remedy,
        )
    return digest
