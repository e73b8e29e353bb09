"""The Oxford-17 flowers as they are published: two archives and the file of lists."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from cnnreport.data import archive, download
from cnnreport.data.flowers import oxford17
from cnnreport.errors import DataError

URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/"
ARCHIVE, TRIMAPS_ARCHIVE = "17flowers.tgz", "trimaps.tgz"

MOST_FILES, MOST_BYTES = 10_000, 1 << 30
"""What an archive may hold and unpack to; the published ones are far from it."""

_REMEDY = "get the published file again, or use --data flowers=meadow"


@dataclass(frozen=True)
class Published:
    """What is known of a published file.

    Args:
        digest: Its hash, None where nobody has published one.
        limit: The most bytes that are accepted.
    """

    digest: str | None
    limit: int


PUBLISHED: Mapping[str, Published] = {
    oxford17.SPLITS: Published("md5:4828cddfd0d803c5abbdebcb1e148a1e", 1 << 20),
    # No hash of this one has been published: what arrives is judged by what it holds.
    TRIMAPS_ARCHIVE: Published(None, 1 << 27),
    ARCHIVE: Published("md5:b59a65d8d1a99cd66944d474e1289eab", 1 << 28),
}
"""The three files, in the order in which they are downloaded: the largest last."""


def find(folder: Path) -> Path | None:
    """Return the folder in which an archive of the set lies, or None where there is none."""
    for place in (folder / oxford17.FOLDER, folder):
        if any((place / name).is_file() for name in (ARCHIVE, TRIMAPS_ARCHIVE)):
            return place
    return None


def complete(place: Path) -> bool:
    """Say whether all three files are in a folder, with the published hashes."""
    return all(
        download.Digest.parse(published.digest).fits(place / name) for name, published in PUBLISHED.items()
    )


def unpack(place: Path, cache: Path) -> Path:
    """Unpack the published files into the cache, once.

    Only images and trimaps are taken from the archives, each by its content and the last part of its name, in
    bounded number and size. They are unpacked beside their place and moved there whole.

    Args:
        place: The folder in which the three files lie.
        cache: Where they are unpacked, to a folder named after their hashes.

    Returns:
        A folder as `oxford17.find` returns it.

    Raises:
        DataError: One of the files is missing, damaged or too large.
        EnvironmentFailure: The cache cannot be written.
    """
    missing = [name for name in PUBLISHED if not (place / name).is_file()]
    if missing:
        raise DataError(f"{' and '.join(missing)} must lie beside what is there of the flowers", _REMEDY)
    digests = "".join(digest_of(place / name) for name in PUBLISHED)
    target = cache / f"{oxford17.FOLDER}-{sha256(digests.encode()).hexdigest()[:16]}"
    if target.is_dir():
        return target
    with _beside(target) as folder:
        _extract(place / ARCHIVE, folder, oxford17.IMAGES, oxford17.IMAGE_NAME)
        _extract(place / TRIMAPS_ARCHIVE, folder, oxford17.TRIMAPS, oxford17.TRIMAP_NAME)
        shutil.copyfile(place / oxford17.SPLITS, folder / oxford17.SPLITS)
    return target


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 as 64 hexadecimal digits.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror}", "check its permissions") from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a new folder that takes the target's place when all went well, and else disappears."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as outer:
            folder = Path(outer) / target.name
            folder.mkdir()
            yield folder
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # else another process was quicker, with the same content
                    raise
    except OSError as error:
        raise download.unwritable(error) from error


def _extract(path: Path, folder: Path, part: str, wanted: re.Pattern[str]) -> None:
    extracted = 0
    with archive.opened(path, MOST_BYTES, _REMEDY) as members:
        for number, member in enumerate(members):
            if number >= MOST_FILES:
                raise DataError(f"{path.name} holds more than {MOST_FILES} files", _REMEDY)
            name = os.path.basename(member.name)
            if member.isfile() and wanted.fullmatch(name):
                _check_size(member.size, f"{name} in {path.name}")
                # Whatever folder it was packed in, it goes where it belongs. Not every Python 3.11
                # has tarfile's own filters.
                if content := members.extractfile(member):
                    (folder / part).mkdir(exist_ok=True)
                    (folder / part / name).write_bytes(content.read())
                    extracted += 1
    if not extracted:
        raise DataError(f"{path.name} holds none of the {part} of the flowers", _REMEDY)


def _check_size(size: int, what: str) -> None:
    if size > oxford17.LARGEST_FILE:
        limit = oxford17.LARGEST_FILE >> 20
        raise DataError(f"{what} has {size} bytes, more than the {limit} MiB that are accepted", _REMEDY)
