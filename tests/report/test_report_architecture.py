"""The architecture of a net: each layer has a place of its own, each tensor a way that crosses no text."""

import re
from itertools import chain, pairwise, product

import pytest
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.report.draw import architecture, paper, placement
from cnnreport.report.draw.architecture import Box
from cnnreport.report.draw.placement import Arrow, Layout, Rectangle

ENCODER = ("Conv2d", "BatchNorm2d", "ReLU")
KINDS = {"Conv2d": "convolution", "BatchNorm2d": "normalisation", "ReLU": "activation"}


def chained(net: list[Box], group: str, labels: tuple[str, ...], output: str, detail: str = "") -> None:
    """Append layers, each of which takes the output of the one before."""
    for label in labels:
        net.append(Box(label, KINDS.get(label, "other"), group, output, (len(net) - 1,), detail))


def unet() -> list[Box]:
    """Two modules down, one up, and two concatenations, one of them with the input."""
    net: list[Box] = []
    chained(net, "down1", ENCODER, "NF × 16 × 16", "k × k, stride 2")
    chained(net, "down2", ENCODER, "2NF × 8 × 8")
    chained(net, "up1", ENCODER, "NF × 16 × 16")
    net.append(Box("cat", "concatenation", "", "2NF × 16 × 16", (2, 8)))
    chained(net, "up2", ENCODER, "NC × 32 × 32")
    net.append(Box("cat", "concatenation", "", "(NIC + NC) × 32 × 32", (-1, 12)))
    chained(net, "", ("Conv2d",), "NC × 32 × 32")
    return net


def resnet(blocks: int) -> list[Box]:
    """Residual blocks; every other one has a layer in its shortcut."""
    net: list[Box] = []
    chained(net, "", ("Conv2d",), "64 × 56 × 56", "7 × 7, stride 2, padding 3")
    for number in range(blocks):
        start = end = len(net) - 1
        chained(net, f"layer{number}", (*ENCODER, *ENCODER[:2]), "128 × 28 × 28")
        main = len(net) - 1
        if number % 2:
            name = f"layer{number}.downsample"
            net.append(Box("Conv2d", "convolution", name, "128 × 28 × 28", (start,)))
            end = len(net) - 1
        net.append(Box("add", "arithmetic", f"layer{number}", "128 × 28 × 28", (end, main)))
        chained(net, f"layer{number}", ("ReLU",), "128 × 28 × 28")
    return net


def dense() -> list[Box]:
    """Each concatenation takes everything that came before it, also over several columns."""
    net: list[Box] = []
    made = [-1]
    for number in range(6):
        chained(
            net, f"layer{number}", ENCODER, "NF", "3 × 3, padding 1, dilation 2, without bias, in 4 groups"
        )
        made.append(len(net) - 1)
        net.append(Box("cat", "concatenation", "", f"{number}NF", tuple(made)))
    return net


NETS = {"unet": unet(), "resnet": resnet(9), "dense": dense(), "one": unet()[:1]}
HEIGHTS = (200.0, 90.0, 60.0, 10.0)


@pytest.fixture(params=thinned(zip(product(NETS, HEIGHTS)), 3), ids=str)
def arranged(request: pytest.FixtureRequest) -> tuple[list[Box], Layout]:
    """Each net in one column, in several, and in far too little height."""
    name, height = request.param
    return NETS[name], placement.arrange(NETS[name], "NIC × 32 × 32", height)


def meet(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles share more than an edge."""
    across = min(one.right, other.right) - max(one.left, other.left)
    return across > 0.01 and min(one.bottom, other.bottom) - max(one.top, other.top) > 0.01


def pieces(arrow: Arrow) -> list[Rectangle]:
    """The straight pieces of an arrow, as thick as they are drawn."""
    found = []
    for (x0, y0), (x1, y1) in pairwise(arrow.points):
        left, top = min(x0, x1) - 0.15, min(y0, y1) - 0.15
        found.append(Rectangle(left, top, abs(x1 - x0) + 0.3, abs(y1 - y0) + 0.3))
    return found


def written(svg: bytes) -> list[str]:
    """The texts of a picture whose letters are outlines."""
    return re.findall(r"<!-- (.*?) -->", svg.decode())


def named(svg: bytes, what: str) -> list[str]:
    """The names of the drawn things of one kind."""
    return re.findall(rf'id="({what}-[-\d]+)"', svg.decode())


def test_every_layer_is_drawn_with_its_label_its_detail_and_its_shape() -> None:
    """A box for each layer, its texts once each, and the shapes between the modules."""
    net = unet()
    svg = architecture.draw(net, "NIC × 32 × 32", "alt").content
    assert named(svg, "box") == [f"box-{number}" for number in range(len(net))]
    texts = written(svg)
    assert {label: texts.count(label) for label in ("Conv2d", "cat", "k × k, stride 2")} == {
        "Conv2d": 5,
        "cat": 2,
        "k × k, stride 2": 3,
    }
    assert {"NIC × 32 × 32", "NF × 16 × 16", "(NIC + NC) × 32 × 32", "down1", "input", "output"} <= set(texts)


def test_the_picture_is_the_same_each_time_and_needs_no_font() -> None:
    """No date and no random name; letters are outlines; the alternative text is kept."""
    first, second = (architecture.draw(unet(), "NIC × 32 × 32", "a net") for _ in range(2))
    assert first == second
    assert (first.media_type, first.alt) == ("image/svg+xml", "a net")
    assert b"<text" not in first.content
    assert b"<dc:date>" not in first.content


@pytest.mark.parametrize("height", HEIGHTS)
def test_each_output_from_further_up_has_an_arrow(height: float) -> None:
    """The concatenations of a UNet are two skips, however the net is folded."""
    svg = architecture.draw(unet(), "NIC × 32 × 32", "alt", height).content
    assert sorted(named(svg, "skip")) == ["skip--1-13", "skip-2-9"]


def test_each_source_arrives(arranged: tuple[list[Box], Layout]) -> None:
    """Every output that a box takes comes by a touching edge, a flow or a skip, and nothing else does."""
    net, layout = arranged
    arrows = {(arrow.source, arrow.target) for arrow in (*layout.flows, *layout.skips)}
    needed = {(source, number) for number, box in enumerate(net) for source in box.sources}
    touching = {
        (number - 1, number)
        for number in range(1, len(net))
        if abs(layout.boxes[number - 1].bottom - layout.boxes[number].top) < 1e-6
    }
    assert arrows | touching == needed | {(len(net) - 1, len(net))}
    assert not arrows & touching


def test_no_two_boxes_overlap(arranged: tuple[list[Box], Layout]) -> None:
    """Boxes share edges at most, and all lie on the paper."""
    _, layout = arranged
    places = [*layout.boxes, *layout.ends]
    assert not any(meet(one, other) for n, one in enumerate(places) for other in places[:n])
    assert all(place.left > 0 and place.right < layout.width for place in places)
    assert all(place.top > 0 and place.bottom < layout.height for place in places)


def test_no_arrow_crosses_a_text_or_a_box(arranged: tuple[list[Box], Layout]) -> None:
    """Lines run in white space, on the paper; they reach boxes only from outside."""
    _, layout = arranged
    drawn = list(chain.from_iterable(pieces(arrow) for arrow in (*layout.flows, *layout.skips)))
    assert not [text.text for text in layout.letterings for piece in drawn if meet(text.place, piece)]
    inner = [Rectangle(b.left + 0.2, b.top + 0.2, b.width - 0.4, b.height - 0.4) for b in layout.boxes]
    assert not any(meet(box, piece) for box in inner for piece in drawn)
    assert all(piece.left >= 0 and piece.right <= layout.width for piece in drawn)
    assert all(piece.top >= 0 and piece.bottom <= layout.height for piece in drawn)


def test_no_text_meets_another(arranged: tuple[list[Box], Layout]) -> None:
    """Long details are wrapped, long names cut."""
    _, layout = arranged
    places = [entry.place for entry in layout.letterings]
    assert not any(meet(one, other) for n, one in enumerate(places) for other in places[:n])


def test_the_vertical_pieces_of_different_outputs_keep_apart(arranged: tuple[list[Box], Layout]) -> None:
    """Two lines beside a column never lie on each other."""
    _, layout = arranged
    upright = [
        (arrow.source, piece)
        for arrow in (*layout.flows, *layout.skips)
        for piece in pieces(arrow)
        if piece.height > piece.width
    ]
    assert not any(
        meet(piece, other) and source != another
        for n, (source, piece) in enumerate(upright)
        for another, other in upright[:n]
    )


def test_layers_of_one_module_touch_and_others_stand_apart() -> None:
    """White space parts modules, and layers that the net itself holds."""
    layout = placement.arrange(unet(), "NIC × 32 × 32")
    gaps = [below.top - above.bottom for above, below in pairwise(layout.boxes)]
    apart = [number for number, gap in enumerate(gaps) if gap > 3]
    assert apart == [2, 5, 8, 9, 12, 13]
    assert max(abs(gap) for number, gap in enumerate(gaps) if number not in apart) < 1e-6


def test_layers_of_one_module_do_not_touch_without_a_flow() -> None:
    """A branch that begins in a module stands apart from the layer above, which it does not take."""
    net = [Box("Linear", "linear", "block", "8", (-1,)), Box("Linear", "linear", "block", "8", (-1,))]
    layout = placement.arrange(net, "8")
    assert layout.boxes[1].top > layout.boxes[0].bottom
    assert [(skip.source, skip.target) for skip in layout.skips] == [(-1, 1)]


def test_the_shape_above_a_branch_is_that_of_what_it_takes() -> None:
    """Not the shape of the layer that happens to stand above."""
    net = [Box("Linear", "linear", "", "9", (-1,)), Box("Linear", "linear", "", "9", (-1,))]
    texts = [entry.text for entry in placement.arrange(net, "8").letterings]
    assert (texts.count("8"), texts.count("9")) == (2, 1)


def test_a_net_is_half_as_wide_as_the_text_until_it_has_to_be_folded() -> None:
    """Two small nets stand side by side; a large one takes the page."""
    small, large = (placement.arrange(net, "3 × 224 × 224") for net in (unet(), resnet(8)))
    assert (small.width, large.width) == (paper.NARROW, paper.WIDE)
    assert max(small.height, large.height) <= placement.HEIGHT
    assert len({box.left for box in large.boxes}) > 1


def test_a_layer_of_unknown_kind_is_grey() -> None:
    """A kind without a colour is drawn all the same; signs of formulas in its label are only signs."""
    svg = architecture.draw([Box("$x$", "mystery", "", "8", (-1,))], "8", "alt").content
    assert architecture.NEUTRAL.encode() in svg
    assert "$x$" in written(svg)


@pytest.mark.parametrize("colour", thinned([*architecture.COLOURS.values(), architecture.NEUTRAL], 4))
def test_letters_stand_out_from_every_colour(colour: str) -> None:
    """The contrast that WCAG asks of small text."""

    def light(shade: str) -> float:
        channels = (int(shade[first : first + 2], 16) / 255 for first in (1, 3, 5))
        linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    assert (light(colour) + 0.05) / (light(architecture.LETTERS) + 0.05) >= 4.5
    assert (light("#ffffff") + 0.05) / (light(architecture.QUIET) + 0.05) >= 4.5


def test_a_net_without_layers_is_refused() -> None:
    """There is nothing to draw."""
    with pytest.raises(UsageError, match="without layers"):
        architecture.draw([], "8", "alt")


@pytest.mark.parametrize("source", [-2, 1, 2, 7])
def test_a_source_that_does_not_come_first_is_refused(source: int) -> None:
    """A box takes outputs of boxes before it, or the input."""
    net = [Box("Linear", "linear", "", "8", (-1,)), Box("Linear", "linear", "", "8", (source,))]
    with pytest.raises(UsageError, match=rf"box 1 \(Linear\) takes from box {source}"):
        architecture.draw(net, "8", "alt")
