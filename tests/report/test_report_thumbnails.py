"""Small pictures: every pixel kept, captions and boxes where they belong, and said in words."""

import base64
import io
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from svg_reader import size, strokes

from cnnreport.errors import UsageError
from cnnreport.report.draw import paper, style, thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import BoundingBox, Caption, Scene


def test_groups_of_pictures_stand_apart() -> None:
    """Ten magnified pixels between groups, two within."""
    images = np.zeros((4, 2, 2, 3), np.uint8)
    made = np.asarray(Image.open(io.BytesIO(thumbnails.strip(images, "alt", (), scale=1, groups=2).content)))
    dark = np.flatnonzero(made[0, :, 0] == 0)
    np.testing.assert_array_equal(dark, [0, 1, 4, 5, 16, 17, 20, 21])


def test_a_strip_keeps_every_pixel() -> None:
    """Each pixel becomes a square of its own colour, images two magnified pixels apart."""
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    made = np.asarray(Image.open(io.BytesIO(thumbnails.strip(images, "alt", (), scale=5).content)))
    assert made.shape == (20, 3 * 20 + 2 * 10, 3)
    np.testing.assert_array_equal(made[::5, 30:50:5], images[1])


def test_labels_become_palette_colours() -> None:
    """A label is looked up in the palette; grey is the same in all channels."""
    palette = np.array([[0, 0, 0], [1, 0.5, 0]])
    assert thumbnails.from_labels(np.array([[[1]]]), palette).tolist() == [[[[255, 128, 0]]]]
    assert thumbnails.from_grey(np.array([[[0.2]]])).tolist() == [[[[51, 51, 51]]]]


def images_of(picture: Picture) -> list[tuple[np.ndarray, list[float]]]:
    """The images (H, W, 3) in an SVG, and where each lies: left, top, width, height in millimetres."""
    found = []
    for node in ElementTree.fromstring(picture.content).iter("{http://www.w3.org/2000/svg}image"):
        content = node.attrib["{http://www.w3.org/1999/xlink}href"].partition("base64,")[2]
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))
        place = [float(node.attrib[name]) * 25.4 / 72 for name in ("x", "y", "width", "height")]
        found.append((pixels, place))
    return found


def noise(count: int, height: int = 8, width: int = 8) -> thumbnails.Pixels:
    """Images (N, H, W, 3) of which no two are alike."""
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_captioned_pictures_keep_their_pixels_and_order() -> None:
    """Small images are kept as they are, row by row, none on another."""
    images = noise(5)
    drawn = thumbnails.captioned(images, [Caption(str(n)) for n in range(5)], "alt", (), columns=3)
    held = images_of(drawn)
    np.testing.assert_array_equal(np.stack([pixels for pixels, _ in held]), images)
    lefts, tops = zip(*((left, top) for _, (left, top, _, _) in held), strict=True)
    assert lefts[:3] == (*lefts[3:], lefts[2])
    assert tops[0] == tops[2] < tops[3] == tops[4]
    wide, high = size(drawn)
    assert all(left + w <= wide and top + h < high for _, (left, top, w, h) in held)


def test_a_caption_says_right_or_wrong_in_words_frame_and_dashes() -> None:
    """Colour is never alone: the frame of what is wrong is dashed, and the alternative text says it."""
    captions = [Caption("stop", right=True), Caption("yield, taken for stop", right=False), Caption("stop")]
    drawn = thumbnails.captioned(noise(3), captions, "Three signs.", ())
    assert drawn.alt == "Three signs. stop (right); yield, taken for stop (wrong); stop."
    frames = [stroke for stroke in strokes(drawn) if stroke.fill == "none"]
    assert [(frame.colour, bool(frame.dashes)) for frame in frames] == [
        (style.RIGHT, False),
        (style.WRONG, True),
    ]


def test_a_long_caption_makes_its_row_higher() -> None:
    """It is broken under its picture instead of running into the next."""
    short, long = (
        thumbnails.captioned(noise(2), [Caption("stop"), Caption(text)], "alt", (), width=paper.NARROW)
        for text in ("stop", "right of way at the next intersection, " * 2)
    )
    assert size(long)[0] == size(short)[0]
    assert size(long)[1] > size(short)[1]


def test_captions_are_one_for_each_picture() -> None:
    """A caption too few would stand under another picture."""
    with pytest.raises(UsageError, match="2 pictures have 1 captions; give one for each"):
        thumbnails.captioned(noise(2), [Caption("stop")], "alt", ())


def test_no_picture_is_refused() -> None:
    """An empty figure would be a blank without a word."""
    with pytest.raises(UsageError, match="no picture to draw"):
        thumbnails.boxed([], "alt", ())


def outlines(picture: Picture) -> list[tuple[float, ...]]:
    """Left, top, right and bottom of each box in millimetres, those of the key and second lines left out."""
    boxes = []
    for stroke in strokes(picture):
        if stroke.fill == "none" and stroke.width == 1.7:
            xs, ys = zip(*stroke.points, strict=True)
            boxes.append(tuple(round(v * 25.4 / 72, 3) for v in (min(xs), min(ys), max(xs), max(ys))))
    return boxes[:-2]


def test_boxes_lie_where_their_pixels_are() -> None:
    """A box of an image of 40 x 20 pixels that is drawn 44 mm wide, by hand; one beyond the edge is cut."""
    boxes = [BoundingBox("cat", 10, 5, 30, 15), BoundingBox("dog", -9, -9, 99, 99, 0.75)]
    drawn = thumbnails.boxed([Scene(noise(1, 20, 40)[0], boxes)], "alt", ())
    assert outlines(drawn) == [(11.0, 5.5, 33.0, 16.5), (0.0, 0.0, 44.0, 22.0)]


def test_ground_truth_is_dashed_and_a_prediction_solid() -> None:
    """They can be told apart in black and white; each is named in the alternative text."""
    boxes = [BoundingBox("cat", 1, 1, 5, 5), BoundingBox("dog", 2, 2, 6, 6, 0.754)]
    drawn = thumbnails.boxed([Scene(noise(1)[0], boxes), Scene(noise(1)[0], [])], "Found.", ())
    assert drawn.alt == (
        "Found. image 1: true cat, predicted dog 0.75; image 2: true nothing, predicted nothing."
    )
    upper = [stroke for stroke in strokes(drawn) if stroke.fill == "none" and stroke.width == 0.9]
    assert [bool(stroke.dashes) for stroke in upper] == [True, False, True, False]  # the key has both too


def test_a_box_without_finite_corners_is_left_out_and_told() -> None:
    """What a diverged detector gives is not drawn somewhere."""
    lost = BoundingBox("cat", math.nan, 0, math.inf, 5, 0.5)
    drawn = thumbnails.boxed([Scene(noise(1)[0], [lost])], "alt", ())
    assert outlines(drawn) == []
    assert drawn.alt.endswith("true nothing, predicted nothing, 1 without finite corners.")


def test_labels_of_boxes_do_not_hide_each_other() -> None:
    """Boxes that begin at one place have labels at places of their own, within the image."""
    boxes = [BoundingBox("cat", 1, 3, 5 + n / 4, 6, 0.5) for n in range(4)]
    drawn = thumbnails.boxed([Scene(noise(1)[0], boxes)], "alt", ())
    tags = [stroke.points for stroke in strokes(drawn) if stroke.fill == style.WRONG]
    tops = sorted(min(y for _, y in points) for points in tags)
    high = max(y for _, y in tags[0]) - min(y for _, y in tags[0])
    assert len(tops) == 4
    assert all(lower - upper > high - 1e-3 for upper, lower in pairwise(tops))


def test_a_photograph_is_kept_no_finer_than_it_prints() -> None:
    """An image of a camera does not make the report as large as itself."""
    scene = Scene(noise(1, 900, 1200)[0], [])
    drawn = thumbnails.boxed([scene], "alt", ())
    ((pixels, (_, _, wide, _)),) = images_of(drawn)
    assert pixels.shape[1] == pytest.approx(wide / 25.4 * 300, abs=1)
    assert re.search(rb'href="data:image/jpeg', drawn.content)


def test_captions_and_boxes_are_drawn_the_same_each_time() -> None:
    """No date and no random name."""
    scene = Scene(noise(1)[0], [BoundingBox("cat", 1, 1, 5, 5, 0.5)], "a cat")
    first, second = (thumbnails.boxed([scene], "alt", ()).content for _ in range(2))
    assert first == second
