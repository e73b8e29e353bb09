"""The weights with which the segmentation net begins: which file is taken.

CSC413 2021, programming assignment 2, Part D: torchvision's DeepLabV3s, pre-trained on the images of
COCO that show one of the 20 classes of PASCAL VOC. Where they cannot be had, the small net that
this project pre-trained itself.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cnnreport.data import download
from cnnreport.data.data_set import Progress, Request
from cnnreport.data.obtain import Patience, Ways, obtain
from cnnreport.data.pretrained.declaration import WEIGHTS
from cnnreport.data.pretrained.pretrained_file import LARGEST_FILE, Pretrained, identity, sha256
from cnnreport.errors import DataError, EnvironmentFailure
from cnnreport.system import durable

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

_BUDGET = 60.0
"""Seconds that a download may take where the embedded weights will do."""

_PROMISED = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|safetensors)$")


def locate(asked: Request) -> Pretrained:
    """Decide with which weights the net begins: a folder's, a cache's, downloaded ones, the embedded ones.

    torchvision's files are looked for in the given folder, in its folder ``weights``, where torch.hub
    keeps them and in this library's cache, and then downloaded. Where the choice is left to the program, it
    is the ResNet-101 of the handout. CNNREPORT_WEIGHTS_URL is the address of a mirror.

    Raises:
        DataError: The folder does not exist, a file is not what its name promises, or weights were asked for
            by name and cannot be had.
        EnvironmentFailure: The embedded file is missing, or weights were asked for by name and the
            cache cannot be written.
    """
    architecture = asked.choice if asked.choice in COCO else "resnet101"
    file, backbone = COCO[architecture]
    ways = Ways[Pretrained](
        what=f"torchvision's weights of the {backbone}",
        plural=True,
        places="torch's cache or the user cache",
        holding=file,
        at_hand=lambda folder: _at_hand(architecture, folder),
        fetch=lambda patience: _coco(architecture, _fetch(file, patience, asked.progress), "downloaded"),
        stand_in=_embedded,
        budget=_BUDGET,
    )
    return obtain(WEIGHTS, asked, ways)


def _at_hand(architecture: str, folder: Path | None) -> Pretrained | None:
    file, _ = COCO[architecture]
    for place, origin in _folders(folder):
        if (place / file).is_file():
            return _coco(architecture, place / file, origin)
    return None


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


def _fetch(file: str, patience: Patience, progress: Progress | None) -> Path:
    base = os.environ.get("CNNREPORT_WEIGHTS_URL") or URL
    return download.fetch(
        f"{base.rstrip('/')}/{file}",
        f"sha256:{_promised(file)}",
        download.cache_folder(),
        first_byte_within=patience.first_byte_within,
        budget=patience.budget,
        limit=LARGEST_FILE,
        progress=progress,
    )


def _promised(file: str) -> str:
    """Return the digits with which the hash of a file must begin, as its name says."""
    match = _PROMISED.search(file)
    assert match is not None, f"{file} promises no hash"
    return match[1]


def _coco(architecture: str, path: Path, origin: str) -> Pretrained:
    return _pretrained(
        path,
        _checked(path, "remove it and get it again, or use --data weights=embedded"),
        architecture=architecture,
        title=f"torchvision's DeepLabV3 ({COCO[architecture][1]}), pre-trained on COCO with VOC's labels",
        published="published at download.pytorch.org",
        origin=origin,
    )


def _embedded(reason: str) -> Pretrained:
    if not EMBEDDED.is_file():
        raise EnvironmentFailure(
            f"the embedded weights {EMBEDDED.name} are missing",
            "install cnnreport again, or make them with `python -m cnnreport run pretrain`",
        )
    return _pretrained(
        EMBEDDED,
        _checked(EMBEDDED, "install cnnreport again"),
        architecture="mobilenet_v3_small_embedded",
        title="a small DeepLabV3 (MobileNetV3-Small) pre-trained by this project on drawn meadow scenes "
        "without flowers",
        published="brought by cnnreport",
        origin="brought by cnnreport",
        reason=reason,
        stand_in=True,
    )


def _pretrained(
    path: Path,
    digest: str,
    *,
    architecture: str,
    title: str,
    published: str,
    origin: str,
    reason: str = "",
    stand_in: bool = False,
) -> Pretrained:
    about = identity(architecture, title, published, digest)
    return Pretrained(
        name=architecture,
        title=title,
        origin=origin,
        fingerprint=durable.sha256(json.dumps(about, sort_keys=True).encode()),
        stand_in=stand_in,
        reason=reason,
        place=path,
        content=digest,
        published=published,
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
