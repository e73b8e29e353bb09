"""Promises of the drawn signs: always the same, all of them different, and in tracks of near-duplicates."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Part = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def drawn() -> Any:
    """All drawn signs."""
    import importlib
    from pathlib import Path

    from cnnreport import modules

    modules.enter(Path(__file__).resolve().parents[2])
    return importlib.import_module("experiments.adl-2022.signs.drawn").read()


@pytest.mark.slow  # all of them are drawn
def test_they_are_a_whole_set(drawn: Any, part: Part) -> None:
    """There are training and test images of all classes, and several tracks of each."""
    assert part("signs.images").checked(drawn, "drawn") is drawn
    assert np.bincount(drawn.labels).tolist() == [12 * 14] * 43
    assert np.bincount(drawn.test_labels).tolist() == [30] * 43


def test_they_are_always_the_same(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing depends on nothing but its seed: twice the same bytes, whatever numpy's own generator drew."""
    module = part("signs.drawn")
    monkeypatch.setattr(module, "SETTING", {"tracks": 2, "frames": 2, "test_tracks": 1})
    first = module.read().fingerprint()
    np.random.seed(4)
    assert module.read().fingerprint() == first


def test_every_face_is_another(part: Part) -> None:
    """No two classes look alike: their faces differ by some thousandths of all light at least."""
    faces = np.stack(part("signs.faces").faces())[:, :3] / 255
    apart = np.abs(faces[:, None, :, ::4, ::4] - faces[None, :, :, ::4, ::4]).mean((2, 3, 4))
    np.fill_diagonal(apart, 1)
    assert apart.min() > 0.003


@pytest.mark.slow
def test_frames_of_a_track_are_near_duplicates(drawn: Any) -> None:
    """An image is far nearer to the next frame of its track than to a frame of another track of its class."""
    frames = drawn.train.reshape(43, 12, 14, -1).astype(float)
    within = np.abs(frames[:, :, 8] - frames[:, :, 9]).mean()
    between = np.abs(frames[:, :-1, 8] - frames[:, 1:, 8]).mean()
    assert within < between / 3
