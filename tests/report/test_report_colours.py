"""Colours in words, and what a net did to the images of a figure, by their numbers."""

from typing import Any

import numpy as np
import pytest
from fake_runs import MakeRun
from hypothesis import given
from hypothesis import strategies as st
from thinned import thinned

from cnnreport.report.say.colours.errors import errors_by_colour
from cnnreport.report.say.colours.mistaken import mistaken
from cnnreport.report.say.colours.pictured import changed, pictured
from cnnreport.report.say.colours.words import word
from cnnreport.runs.artefact import Run

Arrays = dict[str, np.ndarray[Any, Any]]

GREEN, DARK_GREEN, BROWN, BLUE = (0.2, 0.6, 0.2), (0.15, 0.4, 0.1), (0.5, 0.35, 0.2), (0.3, 0.5, 0.8)
PALETTE = np.array([GREEN, DARK_GREEN, BROWN, BLUE], np.float32)


@pytest.mark.parametrize(
    ("colour", "name"),
    thinned([
        ("#000000", "black"), ("#ffffff", "white"), ("#808080", "grey"), ("#ff0000", "red"),
        ("#ffa500", "orange"),
        ("#ffff00", "yellow"), ("#008000", "green"), ("#0000ff", "blue"), ("#800080", "purple"),
        ("#ff1493", "pink"), ("#8b4513", "brown"), ("#808000", "olive"), ("#556b2f", "green"),
        ("#f5deb3", "beige"), ("#87ceeb", "blue"), ("#40e0d0", "turquoise"), ("#c71585", "pink"),
        ("#aaa36d", "olive"), ("#ff0010", "red"),
    ], 3),
)  # fmt: skip
def test_a_colour_has_the_word_that_people_use(colour: str, name: str) -> None:
    """The named colours of CSS, and some of a real palette, are called what anyone would call them."""
    assert word([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]) == name


@given(st.tuples(*(st.floats(0, 1) for _ in range(3))))
def test_every_colour_has_a_word(colour: tuple[float, float, float]) -> None:
    """No hue falls between two words, and what has no hue has a word of its own."""
    assert word(colour).isalpha()
    assert word((colour[0],) * 3) in ("black", "grey", "white")


def leaving(monkeypatch: pytest.MonkeyPatch, kept: dict[str, Arrays]) -> None:
    """Let the runs of experiments have left these arrays."""
    monkeypatch.setattr(Run, "samples", lambda run: kept[run.experiment])


def images(*pairs: tuple[list[list[int]], list[list[int]]]) -> Arrays:
    """Return what a run leaves of images, each given by its right and its predicted colours."""
    return {
        "truth_label": np.array([true for true, _ in pairs], np.uint8),
        "predicted_label": np.array([given for _, given in pairs], np.uint8),
        "palette": PALETTE,
    }


STRIPES = [[0, 2], [0, 2]]
IMAGES = images(
    ([[0, 0], [0, 0]], [[0, 0], [0, 1]]),  # one wrong shade: no other word
    (STRIPES, [[0, 0], [0, 0]]),  # brown painted green, all edges lost
    (STRIPES, [[3, 3], [3, 0]]),  # nothing right; half of it brown painted blue or green
    ([[2, 2], [2, 2]], [[2, 2], [2, 2]]),
    ([[0, 1], [0, 1]], [[2, 2], [0, 1]]),  # half of it green painted brown
)


def test_images_are_spoken_of_by_what_was_measured(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best, the worst, the most blurred and the most repainted image are found, wherever they are."""
    leaving(monkeypatch, {"pool-upsample": IMAGES})
    shown = pictured([make_run()])
    assert shown is not None
    assert [image.accuracy.mean for image in shown.images] == [0.75, 0.5, 0.0, 1.0, 0.5]
    assert (shown.best.number, shown.worst.number, shown.blurred.number) == ("4", "3", "2")
    assert (shown.blurred.edges.mean, shown.blurred.edges_true.mean) == (0.0, 0.5)
    assert shown.images[0].repainted is None
    changed_most = shown.by_repainted[0]
    assert changed_most is not None
    assert changed_most.repainted is not None
    assert (changed_most.number, changed_most.repainted.true, changed_most.repainted.painted) in [
        ("2", "brown", "green"),
        ("3", "green", "blue"),
        ("5", "green", "brown"),
    ]
    assert changed_most.repainted.share.mean == 0.5


def test_the_best_kept_colour_is_no_grey(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two colours in an image the one kept better is named; greys, which the input shows, never are."""
    grey = {**images(([[0, 0], [0, 0]], [[0, 0], [0, 0]])), "palette": np.full((4, 3), 0.5)}
    mixed = images((STRIPES, [[0, 0], [3, 0]]), ([[2, 2], [2, 0]], [[2, 2], [0, 2]]))
    leaving(monkeypatch, {"pool-upsample": mixed, "unet": grey})
    shown, of_greys = pictured([make_run()]), pictured([make_run(experiment="unet")])
    assert shown is not None
    assert of_greys is not None
    found = [(image.kept.word, image.kept.share.mean) for image in shown.images if image.kept]
    assert found == [("green", 0.5), ("brown", 2 / 3)]
    assert (shown.kept and shown.kept.number, of_greys.kept) == ("2", None)


def test_only_what_the_figure_shows_is_spoken_of(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that the figure does not have is neither the best nor the worst."""
    leaving(monkeypatch, {"pool-upsample": IMAGES})
    shown = pictured([make_run()], count=2)
    assert shown is not None
    assert (len(shown.images), shown.best.number, shown.worst.number) == (2, "1", "2")


def test_nothing_is_pictured_of_runs_that_diverged(make_run: MakeRun) -> None:
    """A net that never learnt has no images to speak of."""
    assert pictured([make_run(diverged=True)]) is None
    assert mistaken([make_run(diverged=True)]) is None


def test_the_image_that_two_nets_colour_most_unlike(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found whichever of the nets is better on it."""
    others = images(*((true, true) for true in IMAGES["truth_label"].tolist()))
    leaving(monkeypatch, {"pool-upsample": IMAGES, "unet": others})
    mine, theirs = pictured([make_run(experiment="unet")]), pictured([make_run()])
    assert mine is not None
    assert theirs is not None
    for left, right, expected in ((mine, theirs, (1.0, 0.0)), (theirs, mine, (0.0, 1.0))):
        found = changed(left, right)
        assert (found.number, found.left.mean, found.right.mean) == ("3", *expected)


CONFUSION = np.array([[10, 20, 0, 0], [5, 15, 0, 0], [8, 7, 5, 0], [0, 12, 0, 18]])


def test_mistakes_are_between_words_not_shades(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A green taken for another green is no mistake; counts of shades add up, and each run has its value."""
    leaving(monkeypatch, {"pool-upsample": {"confusion": CONFUSION, "palette": PALETTE}})
    found = mistaken([make_run(0), make_run(1)])
    assert found is not None
    assert (found.true, found.painted) == ("brown", "green")
    assert (found.gained.word, found.lost.word) == ("green", "brown")
    assert [found.share.mean, found.of_true.mean, found.kept.mean] == pytest.approx([0.15, 0.75, 0.73])
    assert [found.gained.true.mean, found.gained.predicted.mean] == pytest.approx([0.5, 0.77])
    assert list(found.share.values) == [0, 1]


@pytest.mark.parametrize(
    ("right", "never", "lost"),
    [((0, 0, 5, 18), 2, ()), ((0, 15, 5, 18), 1, ()), ((0, 0, 0, 18), 3, ("brown",))],
)
def test_a_word_is_lost_where_no_pixel_is_given_any_colour_of_it(
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    right: tuple[int, ...],
    never: int,
    lost: tuple[str, ...],
) -> None:
    """Two greens that are taken for each other are never right, but green is not lost; brown is."""
    counts = CONFUSION.copy()
    np.fill_diagonal(counts, right)
    leaving(monkeypatch, {"pool-upsample": {"confusion": counts, "palette": PALETTE}})
    found = errors_by_colour([make_run(0), make_run(1)])
    assert found is not None
    assert (found.never.mean, sorted(found.lost)) == (never, sorted(lost))


def test_old_runs_say_nothing_of_mistaken_colours(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without counts of colours, and palettes of a single word, have no mistakes to tell."""
    leaving(monkeypatch, {"pool-upsample": {"palette": PALETTE}})
    assert mistaken([make_run()]) is None
    leaving(monkeypatch, {"pool-upsample": {"palette": PALETTE[:2], "confusion": CONFUSION[:2, :2]}})
    assert mistaken([make_run()]) is None
