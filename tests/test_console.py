"""What the live table guesses, from runs as a test imagines them."""

from types import SimpleNamespace

import pytest

from cnnreport.console import Watch
from cnnreport.runs.runner import Progress

LOSS = {"train_loss": 1.0}


def watch(**efforts: float) -> Watch:
    """Watch one run of each experiment, each with the effort given."""
    return Watch(
        [  # type: ignore[arg-type]
            SimpleNamespace(
                experiment=SimpleNamespace(name=name),
                seed=0,
                run=None,
                spec=SimpleNamespace(effort=lambda e=e: e),
            )
            for name, e in efforts.items()
        ]
    )


def ended(name: str, epoch: int, epochs: int, seconds: float) -> Progress:
    """An epoch has ended."""
    return Progress(name, 0, epoch, epochs, LOSS if epoch else {}, seconds)


def test_nothing_is_guessed_before_an_epoch_has_ended() -> None:
    """Without a single pace there is no time left to tell."""
    shown = watch(unet=10.0, pool=10.0)
    shown(ended("unet", 0, 10, 0.0))
    assert shown._time_left() == 0.0


def test_each_run_goes_on_at_its_own_pace() -> None:
    """Two workers share what is left, a slow run and a quick one."""
    shown = watch(unet=10.0, pool=10.0)
    shown(ended("unet", 5, 10, 4.0))
    shown(ended("pool", 5, 10, 2.0))
    assert shown._left(("unet", 0)) == 20.0
    assert shown._left(("pool", 0)) == 10.0
    assert shown._time_left() == 20.0  # though half of 30 s is less


def test_runs_that_wait_are_guessed_by_their_effort() -> None:
    """What has no pace yet takes the mean of the others, more where it is more work, none for a proof."""
    shown = watch(unet=10.0, pool=10.0, long=40.0, proof=0.0)
    shown(ended("unet", 10, 10, 4.0))
    shown(ended("pool", 5, 10, 2.0))
    shown(ended("long", 0, 40, 0.0))
    # 40 + 20 s for 20 units of effort, so 120 s for 40; with the 10 s left over two runs under way.
    assert shown._time_left() == pytest.approx((10 + 120) / 2)


def test_nothing_is_left_when_all_are_done() -> None:
    """The guess ends at zero."""
    shown = watch(unet=10.0)
    shown(ended("unet", 10, 10, 4.0))
    assert shown._time_left() == 0.0
