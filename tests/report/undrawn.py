"""Curves and pictures left undrawn, and fake runs unwritten, for tests that read words alone.

Drawing and writing take most of their time.
"""

import base64

import pytest
from unwritten import unwritten

from cnnreport.report.draw import bars, figure, matrix, thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.sheets import colour_errors, reliability, rows
from cnnreport.report.numbers.reading import DataSet
from cnnreport.runs import artefact

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A picture of one black pixel."""


def leave_undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put blank pictures in the place of curves, rows of pictures, bars and matrices; write no run."""
    monkeypatch.setattr(artefact, "save", unwritten)

    def blank(drawn: object, y_label: str, alt: str, data: tuple[DataSet, ...], **options: object) -> Picture:
        return Picture(b"<svg/>", "image/svg+xml", alt, data)

    def empty(pixels: object, alt: str, data: tuple[DataSet, ...] = (), **options: object) -> Picture:
        return Picture(_PIXEL, "image/png", alt, data)

    for drawing in (bars, colour_errors, matrix, reliability, rows):
        monkeypatch.setattr(drawing, "_drawn", lambda *what: "<svg/>")
    monkeypatch.setattr(figure, "curves", blank)
    monkeypatch.setattr(thumbnails, "strip", empty)
