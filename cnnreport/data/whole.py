"""Images are read whole or not at all, whatever else this process has imported."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def whole_images() -> Iterator[None]:
    """Let Pillow raise where the end of an image is missing.

    It does so by itself, but importing WeasyPrint lets it fill such images with grey, in all of the process.
    """
    from PIL import ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
