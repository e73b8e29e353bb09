"""The scenes that the embedded net learns from: no flowers, all kinds, always the same."""

import numpy as np
import pytest

from cnnreport.data.data_set import Request
from cnnreport.data.drawn import declaration, flower_bed, scenes
from cnnreport.data.drawn.meadow import Kind


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """Sixteen scenes, of which the last four judge."""
    return scenes.prepare(declaration.locate(Request()), scenes=12, validation_scenes=4)


def test_flowers_are_no_kind() -> None:
    """The classes are the kinds of a meadow but flowers, the backdrop of a close-up, and things."""
    assert set(scenes.KINDS) == {*Kind, scenes.BACKDROP, scenes.THING} - {Kind.FLOWER}


def test_every_pixel_has_a_class(drawn: dict[str, np.ndarray]) -> None:
    """Each pixel's class is one of those, and most of them occur in a few scenes."""
    found = np.unique(drawn["train_class"])
    assert found.max() < len(scenes.KINDS)
    assert len(found) >= len(scenes.KINDS) - 2


def test_scenes_are_numbered(drawn: dict[str, np.ndarray]) -> None:
    """The validation scenes are those after the training scenes, the same in every call."""
    again = scenes.prepare(declaration.locate(Request("drawn-scenes")), scenes=13, validation_scenes=1)
    np.testing.assert_array_equal(again["train_rgb"][12], drawn["validation_rgb"][0])
    np.testing.assert_array_equal(again["train_class"][12], drawn["validation_class"][0])


def test_a_thing_stands_out(drawn: dict[str, np.ndarray]) -> None:
    """A close-up has things and a backdrop alone."""
    thing, backdrop = (scenes.KINDS.index(kind) for kind in (scenes.THING, scenes.BACKDROP))
    assert set(np.unique(drawn["train_class"][1])) == {thing, backdrop}


def test_backdrops_are_not_those_of_the_flowers(drawn: dict[str, np.ndarray]) -> None:
    """What the net was trained on is not what lies behind the stand-in flowers of the same numbers."""
    flowers = flower_bed.draw(12, scenes.SIZE, scenes.SIZE).rgb
    same = (drawn["train_rgb"] == flowers).all(1).mean((1, 2))
    assert same.max() < 0.05
