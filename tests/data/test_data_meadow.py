"""Promises of the drawn data set."""

import numpy as np
import pytest

from cnnreport.data.drawn import meadow
from cnnreport.data.drawn.meadow import Kind


@pytest.fixture(scope="module")
def scenes() -> meadow.Scenes:
    """Sixty scenes."""
    return meadow.draw(60, seed=3)


def test_shapes_and_kinds(scenes: meadow.Scenes) -> None:
    """Pictures, masks and boxes have the promised shapes and types."""
    assert scenes.rgb.shape == (60, 3, 32, 32)
    assert scenes.rgb.dtype == np.uint8
    assert scenes.mask.shape == (60, 32, 32)
    assert scenes.mask.dtype == np.uint8
    assert len(scenes.boxes) == 60
    assert all(box.dtype == np.int32 and box.shape[1:] == (5,) for box in scenes.boxes)


def test_every_kind_appears(scenes: meadow.Scenes) -> None:
    """Sixty scenes show everything that a meadow can show."""
    assert set(np.unique(scenes.mask)) == set(Kind)


def test_a_scene_does_not_depend_on_the_others(scenes: meadow.Scenes) -> None:
    """Scene 17 is the same whether it is drawn alone or among sixty."""
    alone = meadow.draw(1, seed=3, first=17)
    assert np.array_equal(alone.rgb[0], scenes.rgb[17])
    assert np.array_equal(alone.mask[0], scenes.mask[17])
    assert np.array_equal(alone.boxes[0], scenes.boxes[17])


def test_seeds_differ(scenes: meadow.Scenes) -> None:
    """Another seed draws other scenes."""
    assert not np.array_equal(meadow.draw(1, seed=4).rgb[0], scenes.rgb[0])


def test_scenes_differ(scenes: meadow.Scenes) -> None:
    """No two scenes of a seed are alike."""
    assert len(np.unique(scenes.rgb.reshape(60, -1), axis=0)) == 60


def test_a_large_picture_reduces_to_the_small_one() -> None:
    """The same scene at four times the size, averaged, is the small picture but for its edges."""
    small = meadow.draw(12, seed=5).rgb.astype(float)
    large = meadow.draw(12, 128, 128, seed=5).rgb.astype(float)
    reduced = large.reshape(12, 3, 32, 4, 32, 4).mean(axis=(3, 5))
    assert np.abs(reduced - small).mean() < 4
    other = np.roll(reduced, 1, axis=0)
    assert np.abs(other - small).mean() > 30


def test_masks_agree_between_sizes() -> None:
    """A pixel of the small mask shows what the middle of its block shows in the large one."""
    small = meadow.draw(12, seed=5).mask
    large = meadow.draw(12, 96, 96, seed=5).mask[:, 1::3, 1::3]
    assert (small == large).mean() > 0.93


def test_wide_pictures() -> None:
    """Height and width are free and may differ."""
    scenes = meadow.draw(2, 24, 40)
    assert scenes.rgb.shape == (2, 3, 24, 40)
    assert scenes.mask.shape == (2, 24, 40)


@pytest.mark.parametrize("side", [32, 80])
def test_boxes_hold_all_flowers_and_horses(side: int) -> None:
    """Each pixel of a flower or horse is in a box of its kind, and each box is within the picture."""
    scenes = meadow.draw(20, side, side, seed=6)
    for mask, boxes in zip(scenes.mask, scenes.boxes, strict=True):
        for kind in (Kind.FLOWER, Kind.HORSE):
            inside = np.zeros(mask.shape, bool)
            for _, left, top, right, bottom in boxes[boxes[:, 0] == kind]:
                assert 0 <= left < right <= side
                assert 0 <= top < bottom <= side
                inside[top:bottom, left:right] = True
            assert inside[mask == kind].all()


def test_boxes_are_tight() -> None:
    """Every side of a box touches a pixel of its kind."""
    scenes = meadow.draw(20, 64, 64, seed=6)
    for mask, boxes in zip(scenes.mask, scenes.boxes, strict=True):
        for kind, left, top, right, bottom in boxes:
            own = mask[top:bottom, left:right] == kind
            assert own[0].any()
            assert own[-1].any()
            assert own[:, 0].any()
            assert own[:, -1].any()


def test_colour_is_more_than_grey_and_place() -> None:
    """Grey level and height in the picture explain part of the colour, not all of it."""
    rgb = meadow.draw(150, seed=7).rgb.astype(float)
    grey = rgb.mean(axis=1)
    warmth = rgb[:, 0] - rgb[:, 2]
    rows = np.broadcast_to(np.arange(32)[None, :, None], grey.shape)
    by_grey = _explained(warmth, (grey // 16).astype(int))
    by_both = _explained(warmth, (grey // 16).astype(int) * 32 + rows)
    assert by_grey + 0.1 < by_both < 0.75


def _explained(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of the variance that the means of groups explain."""
    _, index = np.unique(groups, return_inverse=True)
    index = index.ravel()
    means = np.bincount(index, values.ravel()) / np.bincount(index)
    return float(1 - (values.ravel() - means[index]).var() / values.var())


def test_scenes_without_flowers() -> None:
    """Without flowers a scene is the same everywhere else, and shows none."""
    whole, bare = meadow.draw(12, 48, 48, seed=8), meadow.draw(12, 48, 48, seed=8, flowers=False)
    assert not (bare.mask == Kind.FLOWER).any()
    for scene in range(12):
        boxes = whole.boxes[scene]
        assert np.array_equal(bare.boxes[scene][:, 0], boxes[boxes[:, 0] != Kind.FLOWER][:, 0])
        near = np.zeros((48, 48), bool)
        for _, left, top, right, bottom in boxes[boxes[:, 0] == Kind.FLOWER]:
            # A flower's stem reaches down from it, and its soft edge may reach over the box.
            near[max(top - 2, 0) : bottom + 8, max(left - 2, 0) : right + 2] = True
        same = (whole.rgb[scene] == bare.rgb[scene]).all(axis=0)
        assert same[~near].mean() > 0.97
    assert (whole.mask == Kind.FLOWER).any()


def test_scenes_stay_as_they_are() -> None:
    """What is drawn by default does not change unnoticed: finished runs were trained on it."""
    scenes = meadow.draw(3, seed=11)
    means = scenes.rgb.reshape(3, 3, 2, 16, 32).mean(axis=(3, 4))
    expected = [
        [[151.9, 108.7], [165.6, 123.9], [146.4, 58.1]],
        [[148.4, 142.9], [168.9, 123.6], [198.6, 67.8]],
        [[119.8, 68.6], [133.7, 107.8], [122.1, 44.1]],
    ]
    assert np.abs(means - expected).max() < 0.2
    assert [len(boxes) for boxes in scenes.boxes] == [1, 2, 4]
