"""Small sets of signs, written as the published ones are: every pixel says of which image it is."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CLASSES, TRACKS, FRAMES, TESTS = 43, 3, 2, 2
TRAIN = CLASSES * TRACKS * FRAMES


def arrays() -> dict[str, np.ndarray]:
    """Return a whole set as an npz has it: an image has one grey level, its own number."""
    labels = np.repeat(np.arange(CLASSES), TRACKS * FRAMES)
    train = np.arange(TRAIN).astype(np.uint8)[:, None, None, None] * np.ones((1, 28, 28, 3), np.uint8)
    return {
        "train": train,
        "train_labels": labels.astype(np.uint8),
        "train_tracks": np.tile(np.repeat(np.arange(TRACKS), FRAMES), CLASSES).astype(np.uint16),
        "test": np.full((CLASSES * TESTS, 28, 28, 3), 7, np.uint8),
        "test_labels": np.repeat(np.arange(CLASSES), TESTS).astype(np.uint8),
    }


def write_npz(folder: Path, **changed: np.ndarray) -> Path:
    """Write a set as gtsrb28.npz, with some arrays in place of the usual ones."""
    path = folder / "gtsrb28.npz"
    np.savez(path, **{**arrays(), **changed})
    return path


def ppm(level: int, width: int = 40, height: int = 36) -> bytes:
    """Return an image of one grey level as the simplest PPM there is, written by hand."""
    return b"P6\n%d %d\n255\n" % (width, height) + bytes([level % 256]) * (3 * width * height)


def files() -> Iterator[tuple[str, str, bytes]]:
    """Go through the files of the published layout: of which archive each is, its name and its content."""
    number = 0
    for label in range(CLASSES):
        for track in range(TRACKS):
            for frame in range(FRAMES):
                name = f"GTSRB/Final_Training/Images/{label:05d}/{track:05d}_{frame:05d}.ppm"
                yield "GTSRB_Final_Training_Images.zip", name, ppm(number)
                number += 1
    rows = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
    for image in range(CLASSES * TESTS):
        yield "GTSRB_Final_Test_Images.zip", f"GTSRB/Final_Test/Images/{image:05d}.ppm", ppm(7)
        rows.append(f"{image:05d}.ppm;40;36;5;5;34;30;{image // TESTS}")
    yield "GTSRB_Final_Test_GT.zip", "GT-final_test.csv", "\r\n".join(rows).encode()


def unpacked(folder: Path) -> Path:
    """Write the published layout into a folder."""
    for _, name, content in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def packed(folder: Path) -> Path:
    """Write the three published archives into a folder."""
    folder.mkdir(exist_ok=True)
    buffers: dict[str, io.BytesIO] = {}
    archives: dict[str, zipfile.ZipFile] = {}
    for archive, name, content in files():
        if archive not in archives:
            buffers[archive] = io.BytesIO()
            archives[archive] = zipfile.ZipFile(buffers[archive], "w")
        archives[archive].writestr(name, content)
    for archive, opened in archives.items():
        opened.close()
        (folder / archive).write_bytes(buffers[archive].getvalue())
    return folder
