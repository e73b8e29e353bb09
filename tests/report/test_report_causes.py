"""Causes by derivation as they are printed: true whatever the runs found, and each number with its origin."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from composed import body_of, prose_of
from fake_derivations import MakeDerivation, derived_measures
from fake_phases import CAPACITIES, PHASES, capacity_measures, phase_measures
from fake_runs import MakeRun
from sentences import outcomes

from cnnreport.errors import UsageError
from cnnreport.kinds import kind as kinds
from cnnreport.project import Project
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas import capacity, phases
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run

Weights = Mapping[str, "np.ndarray[Any, Any]"]


def keep(run: Run, weights: Weights) -> Run:
    """Put weights beside a fake run, as the runner does."""
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / artefact.WEIGHTS).write_bytes(safetensors.numpy.save(dict(weights)))
    return run


def some_weights(seed: int) -> Weights:
    """Weights of the layers that see upsampled images."""
    draw = np.random.default_rng(seed).normal
    return {
        "up2.0.weight": draw(size=(24, 32, 3, 3)).astype(np.float32),
        "logits.weight": draw(size=(24, 24, 3, 3)).astype(np.float32),
    }


@pytest.fixture
def told(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> Callable[..., tuple[Project, list[Run], str]]:
    """A function that returns what `composed` takes for the section of runs that found this or that."""

    def with_runs(
        found: dict[str, Any] | None = None, nets: dict[str, Any] | None = None, *, weights: bool = True
    ) -> tuple[Project, list[Run], str]:
        trained = [make_run(seed) for seed in (0, 1)]
        if weights:
            trained = [keep(run, some_weights(run.seed)) for run in trained]
        counted = [
            make_derivation(
                capacity_measures(net, **{"around": 9216 * (net == "UNet"), **(nets or {})}), experiment
            )
            for experiment, net in CAPACITIES.items()
        ]
        derived = make_derivation(phase_measures(**(found or {})), PHASES)
        return project, [*trained, *counted, derived], "phases"

    return with_runs


def test_fake_runs_leave_what_real_ones_do() -> None:
    """Their measures have the names that the kinds declare."""
    for measures, kind in ((phase_measures(), "PHASES"), (capacity_measures(), "CAPACITY")):
        assert {*measures} == {*kinds.load(f"cnnreport.kinds.derivation:{kind}").declared("measures")}


@pytest.mark.usefixtures("undrawn")
def test_the_causes_as_they_were_found(told: Callable[..., Any], golden: Callable[[str, str], None]) -> None:
    """What a block can be, the kernels, the trained weights and the values: all as it was found."""
    usual = prose_of(*told())
    golden("phases", usual)
    free = dict.fromkeys(("flat", "edge", "corner", "alone"), 4)
    bound = {**free, "flat": 1, "edge": 1}
    cases: dict[str, dict[str, Any]] = {
        "an edge is fixed": {"found": {"nearest": {"freedom": bound}}},
        "an edge is free": {"found": {"nearest": {"freedom": {**free, "flat": 1}}}},
        "a flat area is free": {
            "found": {"nearest": {"freedom": free, "same_totals": False, "ties": 0, "step": None}}
        },
        "both are tied": {
            "found": {"transposed": {"freedom": bound, "same_totals": True, "lone_pixel": False, "shared": 9}}
        },
        "the transposed one is limited": {"found": {"transposed": {"freedom": {**free, "flat": 2}}}},
        "other ties": {"found": {"nearest": {"sums_tie": False}}},
        "no simple example": {"found": {"nearest": {"example": None}}},
        "as much room as the image": {"nets": {"held": 1024}},
        "less room than the image": {"nets": {"held": 512}},
        "nothing goes around": {"nets": {"around": 0}},
        "no weights were kept": {"weights": False},
    }
    golden(
        "phases-outcomes", outcomes(usual, {what: prose_of(*told(**case)) for what, case in cases.items()})
    )


def test_a_narrow_place_is_not_called_wide_enough(told: Callable[..., Any]) -> None:
    """With fewer values than the image the net is not said to be free to keep all."""
    text = prose_of(*told(nets={"held": 512}))
    assert "fine detail may have to be given up" in text
    assert "does not force" not in text


def test_the_own_coarse_pixel_is_marked(told: Callable[..., Any], make_derivation: MakeDerivation) -> None:
    """Its entry alone is in a box, whichever corner of the matrix it stands in."""
    found = phases.phases(make_derivation(phase_measures(), PHASES))
    assert [phase.kernel.lines[0] for phase in found.transposed.phases] == [
        r"\begin{pmatrix} \boxed{w_{11}} \end{pmatrix}",
        r"\begin{pmatrix} \boxed{w_{12}} & w_{10} \end{pmatrix}",
        r"\begin{pmatrix} \boxed{w_{21}} \\ w_{01} \end{pmatrix}",
        r"\begin{pmatrix} \boxed{w_{22}} & w_{20} \\ w_{02} & w_{00} \end{pmatrix}",
    ]
    assert body_of(*told()).count("the matrix w22, w20; w02, w00") == 1


def nearest(make_derivation: MakeDerivation) -> phases.Way:
    """Nearest upsampling and convolution, as a run has it."""
    return phases.phases(make_derivation(phase_measures(), PHASES)).nearest


def test_the_part_that_differs_is_what_varies_inside_blocks_of_white_noise(
    make_derivation: MakeDerivation,
) -> None:
    """It is the variance inside the blocks of a convolved, upsampled noise image, over its mean square."""
    from scipy.signal import correlate2d  # type: ignore[import-untyped]  # a second to import

    draw = np.random.default_rng(1).normal
    weight, coarse = draw(size=(3, 3)), draw(size=(700, 700))
    fine = correlate2d(np.kron(coarse, np.ones((2, 2))), weight, mode="valid")[1:-1, 1:-1]
    blocks = fine[:1396, :1396].reshape(698, 2, 698, 2).swapaxes(1, 2).reshape(-1, 4)
    inside = np.square(blocks - blocks.mean(axis=1, keepdims=True)).sum() / np.square(blocks).sum()
    found = phases.unlike(nearest(make_derivation), weight[None, None])
    assert found == pytest.approx(inside, rel=0.02)


def test_a_kernel_of_one_pixel_draws_blocks(make_derivation: MakeDerivation) -> None:
    """With all but the middle weight zero nothing differs; with no weight at all nothing is known."""
    weight = np.zeros((2, 2, 3, 3))
    way = nearest(make_derivation)
    assert math.isnan(phases.unlike(way, weight))
    weight[..., 1, 1] = 3
    assert phases.unlike(way, weight) == 0


def test_independent_weights_differ_by_five_ninths(make_derivation: MakeDerivation) -> None:
    """Worked out by hand: along one axis the mean of the phases holds 2 of 3 parts, so 4 of 9 in both."""
    run = make_derivation(phase_measures(), PHASES)
    assert phases.chance(phases.phases(run), run).mean == pytest.approx(5 / 9)


def test_the_trained_weights_are_read_for_each_seed(
    make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """Each layer has a number with a value for each seed, from the weights; a run that diverged has none."""
    runs = [keep(make_run(0), some_weights(0)), keep(make_run(1, diverged=True), some_weights(1))]
    found = phases.phases(make_derivation(phase_measures(), PHASES))
    spreads = phases.spreads(found, runs)
    assert [*spreads] == ["up2.0", "logits"]
    for layer, spread in spreads.items():
        assert spread.values[0] == pytest.approx(5 / 9, abs=0.02)
        assert spread.lost == [1]
        assert spread.source.file == artefact.WEIGHTS
        assert f"{layer}.weight" in spread.source.field


def test_without_kept_weights_nothing_is_said_of_them(
    make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """A run of another net, or one whose weights were not kept, has no such number."""
    found = phases.phases(make_derivation(phase_measures(), PHASES))
    assert phases.spreads(found, []) == {}
    assert phases.spreads(found, [keep(make_run(0), some_weights(0)), make_run(1)]) == {}


def quantities(value: Any) -> Iterator[Quantity]:
    """Every quantity in plain data."""
    if isinstance(value, Quantity):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from quantities(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from quantities(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from quantities(each)


@pytest.mark.parametrize(
    ("measures", "read"), [(phase_measures(), phases.phases), (capacity_measures(), capacity.capacity)]
)
def test_each_number_stands_where_its_origin_says(
    make_derivation: MakeDerivation, measures: dict[str, Any], read: Callable[[Run], object]
) -> None:
    """The field of every quantity leads to its very value in the measures."""
    run = make_derivation(measures, PHASES)
    found = list(quantities(read(run)))
    assert found
    for quantity in found:
        place: Any = run.measures
        for step in quantity.source.field.split(" / "):
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert quantity.mean == place


def test_values_for_each_value_of_the_image(make_derivation: MakeDerivation) -> None:
    """The narrowest place is counted beside the image, and says of what it was computed."""
    found = capacity.capacity(make_derivation(capacity_measures(), "unet-capacity"))
    assert found.per_input.mean == 4
    assert found.per_input.source.field == "modules / 0 / value / input / value"
    assert [letter for letter, _ in found.used(found.narrowest.count, found.input.count)] == ["NIC", "NF"]


@pytest.mark.parametrize(
    ("measures", "read", "problem"),
    [
        (derived_measures(), phases.phases, "has no 'ways'"),
        ({**phase_measures(), "ways": []}, phases.phases, "has the ways of nobody"),
        (derived_measures(), capacity.capacity, "has no 'modules'|has no 'name'|is no"),
        (capacity_measures(narrowest="up9"), capacity.capacity, "has no module 'up9'"),
    ],
)
def test_foreign_measures_are_refused(
    make_derivation: MakeDerivation, measures: dict[str, Any], read: Callable[[Run], object], problem: str
) -> None:
    """A run of another kind, or of another version, is named with its folder and what to do."""
    run = make_derivation(measures, PHASES)
    with pytest.raises(
        UsageError, match=rf"{run.folder.name} does not fit this version: .*({problem}).*run the experiment"
    ):
        read(run)
