"""Confusion matrices: a cell for each pair of classes, right and wrong apart, what stands out in words."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from svg_reader import Stroke, size, strokes
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.report.draw import matrix, paper
from cnnreport.report.draw.picture import Picture

NAMES = ["cat", "dog", "ship"]
COUNTS = np.array([[8, 2, 0], [5, 5, 0], [0, 0, 1000]])


def draw(counts: Any, names: list[str] = NAMES, **settings: Any) -> Picture:
    """A matrix of images."""
    return matrix.matrix(np.array(counts), names, "Three classes.", (), **settings)


def cells(picture: Picture, classes: int = 3) -> list[Stroke]:
    """The cells that are shaded, in reading order; swatches of the legend and letters are no squares."""
    squares = [s for s in strokes(picture) if s.fill.startswith("#") and len(s.points) >= 4]
    high = [max(y for _, y in s.points) - min(y for _, y in s.points) for s in squares]
    return [s for s, h in zip(squares, high, strict=True) if h == pytest.approx(s.span, abs=1e-3)]


def blue(colour: str) -> bool:
    """Whether a colour has more blue than red."""
    red, _, blue = bytes.fromhex(colour[1:])
    return blue > red


def test_right_is_blue_wrong_is_orange_and_never_is_white() -> None:
    """A cell is drawn for each pair that occurred, those of the diagonal in a colour of their own."""
    assert [blue(cell.fill) for cell in cells(draw(COUNTS))] == [True, False, False, True, True]


def test_a_shade_is_the_share_of_the_true_class() -> None:
    """A class of many images is no darker than one of few; more is darker."""
    first, *_, last = cells(draw(COUNTS))
    assert sum(bytes.fromhex(first.fill[1:])) > sum(bytes.fromhex(last.fill[1:]))
    assert {cell.fill for cell in cells(draw([[3, 0, 0], [0, 30, 0], [0, 0, 300]]))} == {last.fill}


def test_what_stands_out_is_said() -> None:
    """All right, the worst class and the most frequent confusions, counted by hand."""
    assert draw(COUNTS).alt == (
        "Three classes. 1 013 of 1 020 images are on the diagonal, 99.3 %; least often right is dog, 50.0 %; "
        "most often confused: dog taken for cat (5), cat taken for dog (2)."
    )


def test_a_class_without_images_is_grey_and_named() -> None:
    """A share of nothing is no zero."""
    drawn = draw([[8, 2, 0], [0, 0, 0], [0, 0, 10]])
    assert drawn.alt.endswith("(2); without images: dog.")
    assert Counter(cell.fill for cell in cells(drawn))["#ececec"] == 3


@pytest.mark.parametrize("counts", [[[0] * 3] * 3, [[math.nan] * 3] * 3, [[math.inf] * 3] * 3])
def test_a_matrix_of_nothing_is_drawn_as_such(counts: list[list[float]]) -> None:
    """Neither zeros nor non-finite numbers are drawn as right or wrong."""
    drawn = draw(counts)
    assert {cell.fill for cell in cells(drawn)} == {"#ececec"}
    assert drawn.alt == "Three classes. There are no images."


def test_one_class_and_all_right() -> None:
    """There is no worst class and no confusion to speak of."""
    assert draw([[5]], ["cat"], things="boxes").alt == (
        "Three classes. 5 of 5 boxes are on the diagonal, 100.0 %."
    )


@pytest.mark.parametrize("classes", thinned([13, 2, 12, 43, 100], 5))
def test_a_matrix_fits_its_paper_whatever_the_number_of_classes(classes: int) -> None:
    """Names of any length stay on the paper, and as many squares are drawn as there are classes."""
    names = [f"right of way at the next intersection, number {n}, $x^2$" for n in range(classes)]
    for width in (paper.NARROW, paper.WIDE):
        drawn = draw(np.eye(classes), names, width=width)
        wide, high = size(drawn)
        assert wide == pytest.approx(width, abs=0.01)
        diagonal = cells(drawn)
        assert len(diagonal) == classes
        points = [point for cell in diagonal for point in cell.points]
        assert max(x for x, _ in points) <= wide * 72 / 25.4 + 0.01
        assert max(y for _, y in points) < high * 72 / 25.4


def test_shares_and_counts_print_differently() -> None:
    """The same shades, other numbers in the cells."""
    counts, shares = (draw(COUNTS, shares=shares) for shares in (False, True))
    assert [cell.fill for cell in cells(counts)] == [cell.fill for cell in cells(shares)]
    assert counts.content != shares.content


def test_counts_that_are_no_square_are_refused() -> None:
    """A name too few would shift all others."""
    with pytest.raises(UsageError, match=r"2 classes is \(2, 2\), not \(3, 3\)"):
        draw(COUNTS, ["cat", "dog"])


def test_a_negative_count_is_refused() -> None:
    """Nothing occurs less often than never."""
    with pytest.raises(UsageError, match="a negative count"):
        draw(-COUNTS)


def test_a_matrix_is_the_same_each_time() -> None:
    """The same counts, the same bytes."""
    assert draw(COUNTS).content == draw(COUNTS).content
