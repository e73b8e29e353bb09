"""Whole figures on one sheet: rows of pictures, errors by colour, reliability; each said in one text."""

import base64
import io
import re
from itertools import pairwise

import numpy as np
import pytest
from fake_runs import MakeRun
from PIL import Image
from svg_reader import size, strokes

from cnnreport.errors import UsageError
from cnnreport.report.draw import paper, style, thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.sheets.colour_errors import colour_errors
from cnnreport.report.draw.sheets.reliability import reliability
from cnnreport.report.draw.sheets.rows import NAMES, stacked
from cnnreport.report.say import colourization

GENERATOR = np.random.default_rng(3)
ROW = thumbnails.strip(GENERATOR.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8), "what one sees.", ())


def images(picture: Picture) -> list[dict[str, float]]:
    """Where the pictures of a drawing lie, in millimetres."""
    found = re.findall(r"<image ([^>]*?) preserve", picture.content.decode())
    return [
        {name: float(value) * 25.4 / 72 for name, value in re.findall(r'(\w+)="([\d.]+)"', each)}
        for each in found
    ]


def test_rows_stand_under_each_other_and_beside_their_names() -> None:
    """All begin and end where the others do, none overlaps, and the files are those of the rows."""
    drawn = stacked([("input", ROW), ("truth", ROW), ("batches of 32", ROW)])
    places = images(drawn)
    assert {round(place["x"], 3) for place in places} == {NAMES}
    assert [place["x"] + place["width"] for place in places] == pytest.approx([paper.WIDE] * 3, abs=0.01)
    for above, below in pairwise(places):
        assert 0.5 < below["y"] - above["y"] - above["height"] < 3
    assert drawn.content.count(base64.b64encode(ROW.content)) == 3
    wide, high = Image.open(io.BytesIO(ROW.content)).size
    assert places[0]["width"] / places[0]["height"] == pytest.approx(wide / high, rel=1e-3)


def test_one_text_says_all_rows_by_their_names() -> None:
    """A screen reader hears one figure."""
    assert stacked([("input", ROW), ("truth", ROW)]).alt == (
        "Rows of pictures. input: what one sees; truth: what one sees."
    )


def test_a_row_is_no_higher_than_allowed() -> None:
    """A lower row keeps its shape and is narrower."""
    low = images(stacked([("input", ROW)], 10))[0]
    high = images(stacked([("input", ROW)]))[0]
    assert low["height"] == pytest.approx(10, abs=0.01)
    assert low["width"] / low["height"] == pytest.approx(high["width"] / high["height"], rel=1e-3)


def test_a_long_name_never_touches_the_pictures() -> None:
    """It is broken into lines, and a word that is too long is written smaller."""
    name = "ConvolutionalTransposeNetWithSkips and a widened bottleneck"
    content = stacked([(name, ROW)]).content.decode()
    # A letter is an outline in units of its size, placed by a matrix of its line and an offset in it.
    lines = re.findall(
        r'transform="translate\(([\d.]+) [\d.]+\) scale\(([\d.]+) -[\d.]+\)">(.*?)</g>', content, re.DOTALL
    )
    assert len(lines) >= 2
    for left, scale, letters in lines:
        offsets = [float(x) for x in re.findall(r"translate\(([\d.]+)", letters)]
        reach = (float(left) + float(scale) * (max(offsets, default=0) + 60)) * 25.4 / 72
        assert reach < NAMES


@pytest.mark.parametrize("rows", [[], [("drawing", Picture(b"<svg/>", "image/svg+xml", "alt"))]])
def test_only_rows_of_pixels_are_stacked(rows: list[tuple[str, Picture]]) -> None:
    """No row, or a drawing, is refused."""
    with pytest.raises(UsageError, match="only rows of pixels"):
        stacked(rows)


PALETTE = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.1], [0.2, 0.2, 0.9], [0.5, 0.5, 0.5]])
COUNTS = np.array([[10, 30, 0, 0], [5, 35, 0, 0], [0, 0, 0, 0], [1, 2, 7, 10]])


def test_each_colour_that_occurs_has_its_row() -> None:
    """Rows go from the most frequent colour on; a colour that never occurs has none of its own."""
    drawn = colour_errors(COUNTS, PALETTE, ["red", "green", "blue", "grey"], "alt", ())
    swatches = [s for s in strokes(drawn) if s.width == pytest.approx(0.3)]
    own = [s.fill for s in swatches if min(x for x, _ in s.points) == 0]
    assert own == ["#cc1a1a", "#1ab21a", "#808080"]
    taken = [s.fill for s in swatches if min(x for x, _ in s.points) > 0]
    assert taken == ["#1ab21a", "#cc1a1a", "#3333e6", "#1ab21a"]


def test_bars_are_as_long_as_their_shares() -> None:
    """The share that is right fills its part of the track."""
    drawn = colour_errors(COUNTS, PALETTE, ["red", "green", "blue", "grey"], "alt", ())
    right = [s.span for s in strokes(drawn) if s.fill == style.RIGHT]
    tracks = [s.span for s in strokes(drawn) if s.fill == "#ececec"]
    assert [bar / tracks[0] for bar in right] == pytest.approx([10 / 40, 35 / 40, 10 / 20], abs=1e-3)


@pytest.mark.parametrize(
    ("counts", "names"), [(COUNTS[:3], list("abcd")), (COUNTS, list("abc")), (0 * COUNTS, list("abcd"))]
)
def test_counts_that_do_not_fit_are_refused(counts: np.ndarray, names: list[str]) -> None:
    """Another shape, too few names, or no pixel at all."""
    with pytest.raises(UsageError, match="errors by colour need counts for each of 4"):
        colour_errors(counts, PALETTE, names, "alt", ())


def test_a_point_of_the_reliability_diagram_is_the_share_that_is_right() -> None:
    """Above its mean probability; a bin without pixels has no point."""
    bins = np.array([[0, 0, 0], [100, 30, 30], [100, 80, 50]])
    drawn = reliability(bins, "alt", ())
    assert size(drawn)[0] == pytest.approx(paper.NARROW, abs=0.01)
    line = next(s for s in strokes(drawn) if s.colour == style.VALIDATION and s.width == pytest.approx(1.4))
    diagonal = next(s for s in strokes(drawn) if s.dashes)
    (x0, y0), (x1, y1) = diagonal.points
    shares = [((x - x0) / (x1 - x0), (y - y0) / (y1 - y0)) for x, y in line.points]
    assert np.array(shares) == pytest.approx(np.array([(0.3, 0.3), (0.8, 0.5)]), abs=1e-3)


@pytest.mark.parametrize("bins", [np.zeros((10, 3)), np.ones((10, 2))])
def test_no_pixels_have_no_reliability(bins: np.ndarray) -> None:
    """Neither empty bins nor another shape is drawn."""
    with pytest.raises(UsageError, match="needs pixels in bins"):
        reliability(bins, "alt", ())


def test_errors_by_colour_are_those_of_the_runs(make_run: MakeRun) -> None:
    """Each number is read from each run's own counts, and the text of the figure says them."""
    runs = [make_run(seed=seed) for seed in range(2)]
    found = colourization.errors_by_colour(runs)
    assert found is not None
    for run in runs:
        counts = run.samples()["confusion"]
        wrong = counts - np.diag(counts.diagonal())
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        assert found.of_true.values[run.seed] == pytest.approx(counts[i, j] / counts[i].sum())
        assert found.share.values[run.seed] == pytest.approx(counts[i, j] / counts.sum())
        assert found.frequent.values[run.seed] == pytest.approx(counts[0, 0] / counts[0].sum())
    assert found.of_true.text.replace("\u00a0", " ") in found.picture.alt
    assert found.picture.data == colourization.picture_rows(runs, "a net")["grey"].data


def test_calibration_is_that_of_the_runs(make_run: MakeRun) -> None:
    """Mean probability and share of right pixels are those of all bins; the error is the recorded one."""
    runs = [make_run(seed=seed) for seed in range(2)]
    found = colourization.calibration(runs)
    assert found is not None
    for run in runs:
        pixels, sums, right = run.samples()["calibration"].sum(axis=0)
        assert found.sure.values[run.seed] == pytest.approx(sums / pixels)
        assert found.right.values[run.seed] == pytest.approx(right / pixels)
        assert found.error.values[run.seed] == run.measures["calibration_error"]
    assert found.error.text.replace("\u00a0", " ") in found.picture.alt


def test_runs_that_diverged_have_neither(make_run: MakeRun) -> None:
    """Where no run finished there is nothing to say of colours."""
    runs = [make_run(diverged=True)]
    assert colourization.errors_by_colour(runs) is None
    assert colourization.calibration(runs) is None


def test_pictures_of_a_net_say_how_much_of_them_is_right(make_run: MakeRun) -> None:
    """The alternative text of predictions has the share of right pixels of each image."""
    run = make_run()
    arrays = run.samples()
    rows = colourization.picture_rows([run], "a net")
    right = (arrays["predicted_label"][:5] == arrays["truth_label"][:5]).mean(axis=(1, 2))
    assert ", ".join(f"{share:.0%}".replace("%", " %") for share in right) in rows["prediction"].alt
    assert rows["grey"].alt == "5 grey images"
