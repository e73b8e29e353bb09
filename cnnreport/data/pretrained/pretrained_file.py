"""A located file of pre-trained weights, and its bytes as data of a run.

Apart from the module that finds the file, so that no run depends on the downloader: where the file
was found does not matter, its hash is part of the data's fingerprint.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnreport.data.source import Source
from cnnreport.errors import DataError
from cnnreport.system import durable

LARGEST_FILE = 1 << 30
"""Bytes that are accepted: the largest of torchvision's DeepLabV3s has a quarter of it."""


@dataclass(frozen=True, kw_only=True)
class Pretrained(Source):
    """A file of weights that has been found and hashed, but not opened.

    Its name is that of the architecture: ``resnet101``, ``resnet50``, ``mobilenet_v3_large`` or
    ``mobilenet_v3_small_embedded``; its content the SHA-256 of the file.

    Args:
        published: Where these very bytes are published, a phrase for the report. Part of a run,
            and so the same on every machine.
    """

    published: str

    def identity(self) -> dict[str, str]:
        """Return what the weights are, without where they were found."""
        return identity(self.name, self.title, self.published, self.content)


def identity(architecture: str, title: str, published: str, digest: str) -> dict[str, str]:
    """Return what makes weights what they are, as a run keeps it.

    Args:
        architecture: Of which net they are.
        title: What the report calls the net with these weights.
        published: Where these very bytes are published.
        digest: SHA-256 of the file.
    """
    return {"architecture": architecture, "title": title, "origin": published, "sha256": digest}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file of weights, 64 hexadecimal digits.

    Raises:
        DataError: It cannot be read or is larger than any file of weights.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise DataError(
                f"{path} has {size} bytes, expected weights of less than {LARGEST_FILE >> 20} MiB",
                "remove it and get it again, or use --data weights=embedded",
            )
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot read {path}: {reason}", "check its permissions") from error


def read(source: Pretrained) -> bytes:
    """Return the bytes of a located file.

    Raises:
        DataError: They are not those that were located.
    """
    assert source.place is not None, "weights are a file"
    content = durable.read(source.place, source.content)
    if content is None:
        raise DataError(f"{source.place.name} changed on the disk while it was in use", "start again")
    return content


def prepare(source: Pretrained) -> dict[str, NDArray[np.uint8]]:
    """Return a located file as the arrays that a run reads.

    Returns:
        ``weights``, uint8 (bytes of the file,), and ``about_weights``, uint8: an object of JSON in
        UTF-8 with the texts ``architecture``, ``title``, ``origin`` (where the weights are
        published) and ``sha256``.

    Raises:
        DataError: The file is not the one that was located.
    """
    about = json.dumps(source.identity(), sort_keys=True).encode()
    return {
        "weights": np.frombuffer(read(source), np.uint8),
        "about_weights": np.frombuffer(about, np.uint8),
    }
