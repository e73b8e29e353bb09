"""Learning rates that change: against PyTorch's own schedulers, and by hand."""

import math
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from cnnreport.errors import UsageError
from cnnreport.training.specs.schedule import Schedule

PER_EPOCH, EPOCHS = 7, 9
UPDATES = PER_EPOCH * EPOCHS


def shares(schedule: Schedule, updates: int = UPDATES) -> list[float]:
    """By what the rate of each update is multiplied."""
    return [schedule.share(update, updates, PER_EPOCH) for update in range(updates)]


def pytorchs(make: Any, per_epoch: bool = False) -> list[float]:
    """The same from a scheduler of PyTorch."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimiser)
    rates = []
    for update in range(UPDATES):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if update + 1 < UPDATES and (not per_epoch or (update + 1) % PER_EPOCH == 0):
            scheduler.step()
    return rates


@pytest.mark.parametrize("peak", [0.3, 0.5])
def test_one_cycle_is_pytorchs(peak: float) -> None:
    """Up and down along half a cosine each, between the same rates."""
    theirs = pytorchs(lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=UPDATES, pct_start=peak))
    assert shares(Schedule("one-cycle", peak=peak)) == pytest.approx(theirs, rel=1e-9)


def test_cosine_is_pytorchs() -> None:
    """Half a cosine over all updates (Loshchilov and Hutter, 2017, equation 5)."""
    theirs = pytorchs(lambda o: lr_scheduler.CosineAnnealingLR(o, UPDATES))
    assert shares(Schedule("cosine")) == pytest.approx(theirs, rel=1e-9)


def test_steps_are_pytorchs() -> None:
    """The rate falls with the epochs, not with the updates."""
    theirs = pytorchs(lambda o: lr_scheduler.StepLR(o, 4, 0.5), per_epoch=True)
    assert shares(Schedule("step", every=4, factor=0.5)) == pytest.approx(theirs)


def test_a_constant_rate_is_the_learning_rate() -> None:
    """Not a bit of it changes."""
    assert shares(Schedule()) == [1.0] * UPDATES


@pytest.mark.parametrize("name", ["constant", "step", "cosine"])
def test_the_rate_warms_up_linearly(name: str) -> None:
    """Over two epochs from a fourteenth to all of it; what comes then is as without."""
    warm = shares(Schedule(name, warm_up=2))
    assert warm[:14] == pytest.approx([n / 14 for n in range(1, 15)])
    if name == "cosine":
        assert warm[14:] == pytest.approx([(1 + math.cos(math.pi * n / 49)) / 2 for n in range(49)])
    else:
        assert warm[14:] == shares(Schedule(name))[14:]


@pytest.mark.parametrize("updates", [1, 2, 3, 5])
@pytest.mark.parametrize("schedule", [Schedule("one-cycle"), Schedule("cosine", warm_up=3)], ids=str)
def test_few_updates_are_enough(schedule: Schedule, updates: int) -> None:
    """However few there are, each has a rate between nothing and the learning rate."""
    assert all(0 < share <= 1 for share in shares(schedule, updates))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cosin"}, "no schedule 'cosin'; name one of constant, step, cosine, one-cycle"),
        (
            {"every": 3},
            "the schedule 'constant' has no parameter 'every'; leave it out; constant takes warm_up",
        ),
        ({"name": "one-cycle", "warm_up": 1}, "'one-cycle' has no parameter 'warm_up'"),
        ({"warm_up": -1}, "warm_up of the schedule constant is -1; set it to at least 0"),
        (
            {"name": "step", "every": 0},
            "every of the schedule step is 0; set it to a whole number, at least 1",
        ),
        ({"name": "step", "factor": 0}, "factor of the schedule step is 0; set it to more than 0"),
        ({"name": "one-cycle", "peak": 1.0}, "peak of the schedule one-cycle is 1.0"),
        ({"name": "one-cycle", "begin": 2.0}, "begin of the schedule one-cycle is 2.0; set it to a share of"),
        ({"name": "one-cycle", "end": -1.0}, "end of the schedule one-cycle is -1.0"),
    ],
)
def test_what_a_schedule_does_not_take_is_refused(arguments: dict[str, Any], message: str) -> None:
    """When it is declared, before anything runs; the message says what there is."""
    with pytest.raises(UsageError, match=message):
        Schedule(**arguments)
