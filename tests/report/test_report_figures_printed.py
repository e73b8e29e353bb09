"""Every kind of figure in a PDF: WeasyPrint has nothing to say about any."""

import base64
import math

import numpy as np
import pytest

from cnnreport.report.draw import bars, figure, matrix, thumbnails
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.thumbnails import BoundingBox, Caption, Scene
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.out import pdf


@pytest.mark.slow  # a real PDF; pages are printed in test_report_pdf
def test_figures_of_every_kind_are_printed_without_a_complaint() -> None:
    """Also with one seed, one class, what is not finite and names that are long."""
    long = "a <name> as long & odd as this, $x^2$"
    images = np.random.default_rng(0).integers(0, 256, (3, 99, 99, 3), dtype=np.uint8)
    number = Quantity("a", "a", {0: 0.5, 1: math.nan}, "share", Source((), "", ""))
    boxes = [BoundingBox(long, 0, 0, 5, 5, 0.5), BoundingBox(long, math.nan, 0, 1, 1)]
    drawn = [
        figure.curves([Curve(f"{long} {n}", "contender", [[1.0, math.nan]]) for n in range(3)], "y", "a", ()),
        bars.bars({long: {long: number, "b": number}}, "b", ()),
        matrix.matrix(np.array([[math.nan]]), [long], "c", ()),
        matrix.matrix(np.eye(14), [long] * 14, "d", ()),
        thumbnails.captioned(images, [Caption(long, right=n > 0) for n in range(3)], "e", ()),
        thumbnails.captioned(images[:, :9, :9], [Caption(long)] * 3, "f", ()),
        thumbnails.boxed([Scene(images[0], boxes, long), Scene(images[1], [])], "g", ()),
    ]
    sources = [f"data:{each.media_type};base64,{base64.b64encode(each.content).decode()}" for each in drawn]
    shown = "".join(f'<img src="{source}" alt="a figure" style="width: 100%">' for source in sources)
    page = f'<html lang="en"><head><title>Figures</title></head><body>{shown}</body></html>'
    # `render` refuses a page that WeasyPrint warns of; an image that it cannot read is such a page.
    assert pdf.render(page).startswith(b"%PDF-")
