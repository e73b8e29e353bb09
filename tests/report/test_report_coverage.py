"""Drawn over and over, intervals hold the truth as often as they say, and tests are wrong as seldom.

The bounds are those within which a share of as many draws lies in all but one of ten thousand cases.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats
from thinned import thinned

from cnnreport.report.numbers.estimate import Estimate, difference_of_means
from cnnreport.report.numbers.family import holm
from cnnreport.report.numbers.images import over_images
from cnnreport.report.numbers.trend import line

Array = np.ndarray[Any, Any]

DRAWS = 4000


def near(share: float, draws: int = DRAWS) -> tuple[float, float]:
    """Return between what a share of some draws lies that is expected to be this."""
    low, high = stats.binom.interval(0.9999, draws, share)
    return float(low) / draws, float(high) / draws


def covered(estimates: Sequence[Estimate | None], truth: float) -> float:
    """Return how many of some intervals hold the truth."""
    held = [found.interval[0] <= truth <= found.interval[1] for found in estimates if found]
    assert len(held) == len(estimates)
    return sum(held) / len(held)


def alarms(ps: Sequence[float | None]) -> float:
    """Return how many of some p values are below 5 %."""
    assert all(p is not None for p in ps)
    return sum(p < 0.05 for p in ps if p is not None) / len(ps)


@pytest.mark.parametrize("spreads", thinned(zip([(1.0, 1.0), (1.0, 2.0), (1.0, 4.0)]), 3))
@pytest.mark.parametrize("seeds", [(3, 3), (3, 5)])
def test_the_interval_over_seeds_holds_the_truth(
    seeds: tuple[int, int], spreads: tuple[float, float]
) -> None:
    """With three seeds, whatever the spreads: hardly less often than 95 %, as Welch's test is known for."""
    generator = np.random.default_rng(1)
    sides = list(zip((2, 0), spreads, seeds, strict=True))
    drawn = [[generator.normal(*side) for side in sides] for _ in range(DRAWS)]
    share = covered([difference_of_means(left.tolist(), right.tolist()) for left, right in drawn], 2)
    assert near(0.94)[0] <= share <= near(0.97)[1]


def test_a_single_run_falls_where_it_is_predicted() -> None:
    """One more run of the same training lies outside the interval in 5 % of cases."""
    drawn = np.random.default_rng(2).normal(size=(DRAWS, 4))
    found = [difference_of_means(row[:1].tolist(), row[1:].tolist()) for row in drawn]
    low, high = near(0.05)
    assert low <= alarms([each.p for each in found if each]) <= high


@pytest.mark.slow
def test_no_measure_is_called_different_by_chance() -> None:
    """Of six secondary measures that go together and do not differ, any is called so in 5 % at most."""
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(DRAWS):
        common = generator.normal(size=(2, 1, 3))
        drawn = 0.6 * common + 0.8 * generator.normal(size=(2, 6, 3))
        found = [difference_of_means(a.tolist(), b.tolist()) for a, b in zip(*drawn, strict=True)]
        wrong += min(holm([each.p for each in found if each and each.p is not None])) < 0.05
    assert wrong / DRAWS <= near(0.05)[1]


@pytest.mark.slow
def test_a_slope_lies_in_its_interval_and_a_line_seldom_bends() -> None:
    """Five batch sizes with three seeds each: the interval holds in 95 %, a bend is seen by chance in 5 %."""
    generator = np.random.default_rng(4)
    sizes = (32, 64, 128, 256, 512)
    fits = []
    for _ in range(DRAWS):
        noise = generator.normal(size=(5, 3))
        fits.append(line({s: (0.7 * np.log2(s) + e).tolist() for s, e in zip(sizes, noise, strict=True)}))
    found = [fit for fit in fits if fit is not None]
    assert near(0.95)[0] <= covered([fit.slope for fit in found], 0.7) <= near(0.95)[1]
    assert near(0.05)[0] <= alarms([fit.bend for fit in found]) <= near(0.05)[1]


def turned(
    means: Sequence[float], *, spreads: Sequence[float] = (1,) * 6, seeds: Sequence[int] = (3,) * 6
) -> float:
    """Return how often means that rise on the whole are said to turn, by runs that spread around them."""
    generator, draws = np.random.default_rng(9), DRAWS // 4
    found = 0
    for _ in range(draws):
        groups = [generator.normal(*each).tolist() for each in zip(means, spreads, seeds, strict=True)]
        fit = line(dict(zip((32, 64, 100, 128, 256, 512), groups, strict=True)))
        assert fit is not None
        found += (-1 if fit.slope.value > 0 else 1) in fit.ways.values()
    return found / draws


@pytest.mark.parametrize(
    "means",
    thinned(
        zip([(0, 0, 5, 10, 20, 40), (0, 0, 0, 0, 0, 10), (0, 0, 0, 3, 3, 3), (0, 1, 2, 3, 4, 5), (0,) * 6]), 3
    ),
)
def test_what_goes_one_way_seldom_turns(means: Sequence[float]) -> None:
    """Flat at one end, in steps, straight or flat throughout: a turn is seen in hardly more than 2.5 %."""
    assert turned(means) <= near(0.025, DRAWS // 4)[1]


def test_a_real_valley_turns() -> None:
    """One of three standard deviations in nine cases of ten, a deeper one always."""
    assert turned((3, 0, 5, 10, 20, 40)) == pytest.approx(0.89, abs=0.04)
    assert turned((6, 0, 5, 10, 20, 40)) > 0.99


@pytest.mark.slow
def test_where_seeds_spread_unlike_too_many_turn() -> None:
    """One setting that spreads four times as far costs most; but one run at most settings costs nothing."""
    start = (0, 0, 15, 30, 60, 120)
    assert turned(start, spreads=(4, 1, 1, 1, 1, 1)) == pytest.approx(0.12, abs=0.04)
    assert turned((0, 0, 5, 10, 20, 40), seeds=(1, 1, 3, 1, 1, 1)) <= near(0.025, DRAWS // 4)[1]


def crossed(generator: np.random.Generator, by_seed: float, by_image: float) -> Array:
    """Return a training's numbers for three seeds and 25 images, each with an effect of its own."""
    own = generator.normal(0, by_seed, (3, 1)) + generator.normal(0, by_image, 25)
    return own + generator.normal(0, 1, (3, 25))


@pytest.mark.parametrize(
    ("by_seed", "by_image"), thinned([(1.0, 1.0), (0.1, 1.0), (1.0, 0.1), (0.3, 2.0), (0.0, 3.0)], 4)
)
def test_the_interval_over_seeds_and_images_holds_the_truth(by_seed: float, by_image: float) -> None:
    """Whichever of the two matters more; where they act together it errs on the wide side."""
    generator, draws = np.random.default_rng(5), DRAWS // 4
    found = []
    for _ in range(draws):
        shared = generator.normal(0, 5, 25)
        left, right = (crossed(generator, by_seed, by_image) + shared for _ in range(2))
        found.append(over_images(left + 0.5, right))
    assert near(0.95, draws)[0] <= covered(found, 0.5)


def test_seeds_alone_say_too_little_about_new_images() -> None:
    """Where images matter, an interval over seeds alone misses far more often than it says."""
    generator, draws = np.random.default_rng(6), DRAWS // 4
    found = []
    for _ in range(draws):
        left, right = (crossed(generator, 0.1, 1.0).mean(1).tolist() for _ in range(2))
        found.append(difference_of_means(left, right))
    assert covered(found, 0.0) < 0.85


@pytest.mark.parametrize(
    ("spreads", "pair", "apart", "finds", "pooled_finds"),
    [
        ((1, 1, 1), (0, 1), 3, 0.68, 0.87),
        ((4, 1, 1), (0, 1), 0, 0.055, 0.134),
        ((1, 1, 4), (0, 1), 3, 0.67, 0.27),
    ],
)
def test_why_the_variance_is_not_pooled(
    spreads: tuple[int, ...], pair: tuple[int, int], apart: float, finds: float, pooled_finds: float
) -> None:
    """Pooled over three nets it finds more where they spread alike, and else what is not there, or less.

    Where nothing differs, what is found is wrong: 13 % with one net that spreads four times as far.
    """
    generator = np.random.default_rng(7)
    drawn = generator.normal(size=(DRAWS, 3, 3)) * np.array(spreads)[:, None]
    drawn[:, pair[0]] += apart
    welch = [difference_of_means(*(nets[each].tolist() for each in pair)) for nets in drawn]
    error = np.sqrt(drawn.var(2, ddof=1).mean(1) * 2 / 3)
    t = (drawn[:, pair[0]].mean(1) - drawn[:, pair[1]].mean(1)) / error
    assert alarms([each.p for each in welch if each]) == pytest.approx(finds, abs=0.03)
    assert np.mean(2 * stats.t.sf(abs(t), 6) < 0.05) == pytest.approx(pooled_finds, abs=0.03)
