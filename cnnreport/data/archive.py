"""Reading a .tar.gz that may be damaged, or be made to unpack to more than a disk holds."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnreport.errors import DataError


@contextmanager
def opened(path: Path, limit: int, remedy: str) -> Iterator[tarfile.TarFile]:
    """Give the members of an archive, to be gone through once in their order.

    Args:
        path: The archive.
        limit: The most that it may unpack to, in bytes; no real archive goes beyond.
        remedy: What to do about one that is damaged or larger.

    Raises:
        DataError: It cannot be read, is damaged or cut off, or unpacks to more than the limit.
    """
    try:
        with gzip.open(path) as unzipped:
            bounded: Any = _Bounded(unzipped, path.name, limit, remedy)
            with tarfile.open(fileobj=bounded, mode="r|") as members:
                yield members
    except (gzip.BadGzipFile, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"{path.name} is damaged or half downloaded: {error}", remedy) from error


class _Bounded:
    """Reads an unpacked stream up to a limit."""

    def __init__(self, stream: gzip.GzipFile, name: str, limit: int, remedy: str) -> None:
        self._stream, self._name, self._limit, self._remedy = stream, name, limit, remedy
        self._left = limit

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{self._name} unpacks to more than {self._limit >> 20} MiB", self._remedy)
        return content
