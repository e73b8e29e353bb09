"""Optimisers by name: each is the formula of its paper, and each can be taken apart and put together."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_classes import small_classes
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.training.classification import ClassificationTraining
from cnnreport.training.fast.adam import Adam
from cnnreport.training.optimisers import ScheduledOptimiser, make_optimiser
from cnnreport.training.specs.classification import Classification
from cnnreport.training.specs.optimiser import OPTIMISERS, Optimiser
from cnnreport.training.specs.schedule import Schedule

RATE = 0.1

ALL = {
    "adam": Optimiser(),
    "adam with decay": Optimiser(weight_decay=0.1, betas=(0.8, 0.9), epsilon=1e-3),
    "adamw": Optimiser("adamw", weight_decay=0.1),
    "sgd": Optimiser("sgd"),
    "momentum": Optimiser("sgd", momentum=0.9, weight_decay=0.1),
    "nesterov": Optimiser("sgd", momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop": Optimiser("rmsprop", smoothing=0.8, weight_decay=0.1),
    "rmsprop with momentum": Optimiser("rmsprop", momentum=0.9),
    "rprop": Optimiser("rprop"),
}
SCHEDULES = {
    "constant": Schedule(),
    "warm-up": Schedule(warm_up=1.5),
    "step": Schedule("step", every=1),
    "cosine": Schedule("cosine"),
    "one-cycle": Schedule("one-cycle"),
}

Array = NDArray[np.float64]


def adam(x: Array, gradients: list[Array], chosen: Optimiser, *, decoupled: bool = False) -> Array:
    """Kingma and Ba (2015), Algorithm 1; decoupled: Loshchilov and Hutter (2019), Algorithm 2."""
    (b1, b2), epsilon, decay = (chosen.parameters()[k] for k in ("betas", "epsilon", "weight_decay"))
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, gradient in enumerate(gradients, 1):
        g = gradient if decoupled else gradient + decay * x
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        step = RATE * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + epsilon)
        x = x - step - (RATE * decay * x if decoupled else 0)
    return x


def sgd(x: Array, gradients: list[Array], chosen: Optimiser) -> Array:
    """Sutskever et al. (2013), equations 1 to 4, with the step size outside of the velocity."""
    taken = chosen.parameters()
    velocity = np.zeros_like(x)
    for gradient in gradients:
        g = gradient + taken["weight_decay"] * x
        velocity = taken["momentum"] * velocity + g
        x = x - RATE * (g + taken["momentum"] * velocity if taken["nesterov"] else velocity)
    return x


def rmsprop(x: Array, gradients: list[Array], chosen: Optimiser) -> Array:
    """Hinton (2012), lecture 6e: divide by the root of a running mean of squares."""
    taken = chosen.parameters()
    square, velocity = np.zeros_like(x), np.zeros_like(x)
    for gradient in gradients:
        g = gradient + taken["weight_decay"] * x
        square = taken["smoothing"] * square + (1 - taken["smoothing"]) * g**2
        velocity = taken["momentum"] * velocity + g / (np.sqrt(square) + taken["epsilon"])
        x = x - RATE * velocity
    return x


def rprop(x: Array, gradients: list[Array], chosen: Optimiser) -> Array:
    """Riedmiller and Braun (1993), without a step after a change of sign (Igel and Hüsken, 2000, iRprop-)."""
    (down, up), (least, most) = chosen.parameters()["factors"], chosen.parameters()["step_sizes"]
    size, before = np.full_like(x, RATE), np.zeros_like(x)
    for gradient in gradients:
        sign = np.sign(gradient * before)
        factor = np.where(sign > 0, up, np.where(sign < 0, down, 1.0))
        size = np.clip(size * factor, least, most)
        g = np.where(sign < 0, 0.0, gradient)
        x = x - np.sign(g) * size
        before = g
    return x


FORMULAS: dict[str, Any] = {"adam": adam, "sgd": sgd, "rmsprop": rmsprop, "rprop": rprop}


def optimiser(
    parameters: list[torch.nn.Parameter], chosen: Optimiser, schedule: Schedule = SCHEDULES["constant"]
) -> ScheduledOptimiser:
    """Ten updates at most, five in an epoch."""
    return make_optimiser(parameters, chosen, schedule, RATE, 10, 5)


@pytest.mark.parametrize("steps", thinned([1, 4], 3))
@pytest.mark.parametrize("name", ALL)
def test_steps_are_those_of_the_paper(name: str, steps: int) -> None:
    """From the same gradients, the first step and later ones are what the formula gives."""
    generator = np.random.default_rng(0)
    x, gradients = generator.normal(size=(5, 3)), list(generator.normal(size=(steps, 5, 3)))
    parameter = torch.nn.Parameter(torch.from_numpy(x.copy()))
    stepper = optimiser([parameter], ALL[name])
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient.copy())
        stepper.step()
    formula = FORMULAS.get(ALL[name].name)
    found = formula(x, gradients, ALL[name]) if formula else adam(x, gradients, ALL[name], decoupled=True)
    np.testing.assert_allclose(parameter.detach().numpy(), found, rtol=1e-6)


def spec(chosen: Optimiser, schedule: Schedule) -> Classification:
    """Three epochs of a net with dropout, so that random numbers matter too."""
    return Classification(
        "small_classes:SmallNet",
        "",
        3,
        epochs=3,
        batch_size=8,
        optimiser=chosen,
        schedule=schedule,
        learning_rate=0.01,
        augment="small_classes:mirror_some",
    )


PAIRS = [
    (name, schedule)
    for name, schedule in itertools.product(ALL, SCHEDULES)
    if name != "rprop" or schedule == "constant"
]


@pytest.mark.parametrize(("name", "schedule"), thinned(PAIRS, 4))
def test_interrupted_after_any_epoch_it_ends_with_the_same_bytes(name: str, schedule: str) -> None:
    """Whatever the optimiser and the schedule, restored trainings end as an undisturbed one."""
    chosen = spec(ALL[name], SCHEDULES[schedule])
    undisturbed = ClassificationTraining(chosen, 0, small_classes(), "cpu")
    states = [undisturbed.state()]
    rows = []
    for _ in range(undisturbed.epochs):
        rows.append(undisturbed.run_epoch())
        states.append(undisturbed.state())
    for done, state in enumerate(states[:-1]):
        resumed = ClassificationTraining(chosen, 1, small_classes(), "cpu")
        resumed.seed = 0  # its initial weights are other ones, which the state replaces
        resumed.restore({key: tensor.clone() for key, tensor in state.items()})
        assert [resumed.run_epoch() for _ in range(3 - done)] == rows[done:]
        ended = resumed.state()
        assert ended.keys() == states[-1].keys()
        assert all(torch.equal(tensor, states[-1][key]) for key, tensor in ended.items())


@pytest.mark.parametrize("name", ALL)
def test_what_is_restored_lies_in_memory_as_before(name: str) -> None:
    """With channels last too, so that the next step runs through the same instructions."""
    kernels = [
        torch.nn.Parameter(torch.ones(4, 3, 3, 3).to(memory_format=torch.channels_last)) for _ in range(2)
    ]
    first, second = (optimiser([kernel], ALL[name]) for kernel in kernels)
    for kernel in kernels:
        kernel.grad = torch.full_like(kernel, 0.5)
    first.step()
    second.restore({key: tensor.contiguous().clone() for key, tensor in first.state().items()})
    mine, theirs = first.state(), second.state()
    assert {key: (t.stride(), t.dtype) for key, t in mine.items()} == {
        key: (t.stride(), t.dtype) for key, t in theirs.items()
    }
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_the_schedule_acts_on_a_substitute_of_adam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyTorch lacks the private kernel, the rate follows the schedule all the same."""
    ends = []
    for lacking in (False, True):
        if lacking:
            monkeypatch.delattr(torch, "_fused_adam_")
        parameter = torch.nn.Parameter(torch.ones(3))
        stepper = optimiser([parameter], Optimiser(), Schedule("cosine"))
        for _ in range(10):
            parameter.grad = torch.tensor([1.0, -2.0, 3.0])
            stepper.step()
        ends.append(parameter.detach())
    torch.testing.assert_close(ends[1], ends[0])


def test_usual_adam_spares_the_imports_of_pytorchs() -> None:
    """Adam with its usual parameters, written out or not, is the one that starts three seconds earlier."""
    written = Optimiser("adam", betas=(0.9, 0.999), epsilon=1e-8, weight_decay=0.0)
    assert written.parameters() == Optimiser().parameters() == OPTIMISERS["adam"]
    states = []
    for make in (lambda of: optimiser(of, written), lambda of: Adam(of, RATE)):
        parameter = torch.nn.Parameter(torch.ones(3))
        parameter.grad = torch.tensor([1.0, -2.0, 3.0])
        make([parameter]).step()  # type: ignore[no-untyped-call]
        states.append(parameter.detach())
    assert torch.equal(*states)


@pytest.mark.parametrize(
    ("arguments", "message"),
    thinned(
        [
            ({"name": "adamm"}, "no optimiser 'adamm'; name one of adam, adamw, sgd, rmsprop, rprop"),
            (
                {"momentum": 0.9},
                "'adam' has no parameter 'momentum'; leave it out; adam takes betas, epsilon, we",
            ),
            ({"name": "rprop", "weight_decay": 0.1}, "'rprop' has no parameter 'weight_decay'"),
            (
                {"name": "sgd", "momentum": 1.0},
                "momentum of the optimiser sgd is 1.0; set it to a number from 0",
            ),
            ({"name": "sgd", "nesterov": True}, "momentum of Nesterov's sgd is 0.0; set it to more than 0"),
            ({"weight_decay": -1.0}, "weight_decay of the optimiser adam is -1.0; set it to at least 0"),
            ({"weight_decay": math.nan}, "weight_decay of the optimiser adam is nan; set it to at least 0"),
            ({"weight_decay": math.inf}, "weight_decay of the optimiser adam is inf; set it to at least 0"),
            (
                {"name": "sgd", "momentum": "0.9"},
                "momentum of the optimiser sgd is '0.9'; set it to a number",
            ),
            ({"betas": 0.9}, "betas of the optimiser adam is 0.9; set it to two numbers"),
            ({"epsilon": 0.0}, "epsilon of the optimiser adam is 0.0; set it to more than 0"),
            ({"betas": (0.9, 1.0)}, r"betas of the optimiser adam is \(0.9, 1.0\); set it to two numbers"),
            ({"name": "rprop", "factors": (1.2, 0.5)}, "factors of the optimiser rprop"),
            ({"name": "rprop", "step_sizes": (1.0, 0.1)}, "step_sizes of the optimiser rprop"),
            ({"name": "rmsprop", "smoothing": 2.0}, "smoothing of the optimiser rmsprop is 2.0"),
        ],
        3,
    ),
)
def test_what_an_optimiser_does_not_take_is_refused(arguments: dict[str, Any], message: str) -> None:
    """When it is declared, before anything runs; the message says what there is."""
    with pytest.raises(UsageError, match=message):
        Optimiser(**arguments)


def test_rprop_takes_no_schedule() -> None:
    """It finds its step sizes itself, so a schedule would do nothing, unnoticed."""
    with pytest.raises(UsageError, match="rprop finds its step sizes itself, but the schedule 'cosine'"):
        spec(Optimiser("rprop"), Schedule("cosine"))
