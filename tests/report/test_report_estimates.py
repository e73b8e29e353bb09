"""Differences, trends and corrections as scipy and other ways of reckoning have them."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from thinned import thinned

from cnnreport.errors import UsageError
from cnnreport.report.numbers.contrast import contrast
from cnnreport.report.numbers.estimate import difference_of_means
from cnnreport.report.numbers.family import family, holm
from cnnreport.report.numbers.images import contrast_over_images, mean_iou, over_images
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.trend import line, trend, ways

Array = np.ndarray[Any, Any]

LEFT, RIGHT = [1.31, 1.28, 1.35, 1.30, 1.29], [1.37, 1.42, 1.36]
"""Losses of five seeds and of three."""


def quantity(*values: float, name: str = "") -> Quantity:
    """Return a number with a value for each seed."""
    return Quantity(name or f"n{values}", "loss", dict(enumerate(values)), "loss", Source(("r",), "f", "x"))


# Two samples


def test_several_seeds_are_compared_by_the_test_of_welch() -> None:
    """p and interval are those of scipy.stats, also where one side has five seeds and the other three."""
    mine, theirs = difference_of_means(LEFT, RIGHT), stats.ttest_ind(LEFT, RIGHT, equal_var=False)
    assert mine is not None
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert mine.interval == pytest.approx(theirs.confidence_interval(0.95), rel=1e-9)
    assert mine.degrees == pytest.approx(theirs.df, rel=1e-9)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e6])
def test_the_unit_makes_no_difference(factor: float) -> None:
    """A p value is the same for a loss in any unit, also where the variance is very small."""
    mine = difference_of_means([factor * x for x in LEFT], [factor * x for x in RIGHT])
    assert mine is not None
    assert mine.p == pytest.approx(stats.ttest_ind(LEFT, RIGHT, equal_var=False).pvalue, rel=1e-6)


def test_a_side_without_spread_leaves_the_degrees_of_the_other() -> None:
    """Where the seeds of one side agree, the test is the one-sample t test of the other against them."""
    mine, theirs = difference_of_means(RIGHT, [2.0, 2.0]), stats.ttest_1samp(RIGHT, 2.0)
    assert mine is not None
    assert (mine.degrees, mine.p) == pytest.approx((2, theirs.pvalue))


@pytest.mark.parametrize("single_left", [True, False])
def test_one_seed_is_judged_by_where_one_more_would_fall(single_left: bool) -> None:
    """The bounds of the textbook's prediction interval: mean ± t s √(1 + 1/n), whichever side is single."""
    low, high = (
        np.mean(LEFT) + sign * 2.7764 * np.std(LEFT, ddof=1) * math.sqrt(1 + 1 / 5) for sign in (-1, 1)
    )
    mine = difference_of_means([1.5], LEFT) if single_left else difference_of_means(LEFT, [1.5])
    assert mine is not None
    bounds = [1.5 - low, 1.5 - high] if single_left else [low - 1.5, high - 1.5]
    assert sorted(mine.interval) == pytest.approx(sorted(bounds), rel=1e-4)


def test_two_single_runs_allow_no_estimate() -> None:
    """Nothing is known of how much another seed would change."""
    assert difference_of_means([1.0], [2.0]) is None


# Contrasts


@pytest.mark.parametrize(
    ("left", "right", "basis", "outcome", "phrase"),
    thinned(
        [
            ((1.0, 1.1), (2.0, 2.1), "welch", "lower", "lower"),
            ((2.0, 2.1, 2.05), (1.0, 1.1), "welch", "higher", "higher"),
            ((1.0, 2.0), (2.0, 1.0), "welch", "open", "no clear difference"),
            ((9.0,), (1.0, 1.1, 1.2), "predicted", "higher", "higher"),
            ((1.25,), (1.0, 1.1, 1.2), "predicted", "open", "no clear difference"),
            ((1.0, 1.0), (1.0, 1.0, 1.0), "exact", "open", "the same"),
            ((1.0, 1.0), (2.0, 2.0), "exact", "lower", "lower"),
            ((2.0,), (1.0, 1.0, 1.0), "sign", "higher", "higher (one seed)"),
            ((1.0,), (2.0,), "sign", "lower", "lower (one seed)"),
            ((2.0,), (2.0,), "sign", "open", "no clear difference (one seed)"),
            ((2.0,), (2.0000001,), "sign", "open", "no clear difference (one seed)"),
            ((math.nan, math.nan), (2.0, 1.0), "nothing", "unknown", "cannot be said"),
            ((1.0, math.nan, 1.1), (2.0, 2.1), "welch", "lower", "lower"),
        ],
        3,
    ),
)
def test_the_numbers_decide_which_is_higher(
    left: Sequence[float], right: Sequence[float], basis: str, outcome: str, phrase: str
) -> None:
    """By the seeds of both sides, however many; seeds that agree to the bit are not tested."""
    found = contrast("c", quantity(*left), quantity(*right), "A", "B")
    assert (found.basis, found.outcome, found.phrase) == (basis, outcome, phrase)
    assert (found.p is not None) == (basis in ("welch", "predicted"))


def test_what_no_seed_changes_is_compared_without_a_test() -> None:
    """A count of weights is what it is, with a single run too; a count that a training made is not."""
    left, right = (
        Quantity(f"n{value}", "weights", {0: value}, "count", Source(("r",), "f", "x"))
        for value in (3.0, 4.0)
    )
    found = contrast("c", left, right, "A", "B", of_data=True)
    assert (found.basis, found.phrase, found.p) == ("exact", "lower", None)
    assert contrast("c", left, right, "A", "B").phrase == "lower (one seed)"


def test_a_verdict_and_its_contrast_say_the_same() -> None:
    """In the table of verdicts stands what the text says, with the p value that decided it."""
    for right, outcome in ((RIGHT, "yes"), (LEFT[::-1], "open"), ([0.1, 0.11], "yes")):
        found = contrast("c", quantity(*LEFT), quantity(*right), "A", "B")
        assert (found.verdict.outcome, found.verdict.p) == (outcome, found.p)


def test_a_difference_prints_with_its_own_interval() -> None:
    """Welch's interval stands behind the difference of the means."""
    found = contrast("c", quantity(*LEFT), quantity(*RIGHT), "A", "B")
    low, high = stats.ttest_ind(LEFT, RIGHT, equal_var=False).confidence_interval(0.95)
    assert found.difference.text == f"−{-(low + high) / 2:.3f}\u00a0±\u00a0{(high - low) / 2:.3f}"
    assert found.apart.text == found.difference.text.removeprefix("−")


# Several comparisons


@given(st.lists(st.floats(0, 1), max_size=6))
def test_the_correction_is_the_closed_test_of_bonferroni(ps: list[float]) -> None:
    """Holm (1979) rejects what Bonferroni rejects in every set of hypotheses that it belongs to."""

    def closed(place: int) -> float:
        others = [p for number, p in enumerate(ps) if number != place]
        sets = (
            (ps[place], *chosen) for size in range(len(ps)) for chosen in itertools.combinations(others, size)
        )
        return max(min(1.0, len(each) * min(each)) for each in sets)

    assert holm(ps) == pytest.approx([closed(place) for place in range(len(ps))])


def test_a_secondary_measure_has_to_be_clear_after_correction() -> None:
    """The same p value decides of a primary measure and does not of one among four secondary ones."""
    made = {f"m{n}": contrast(f"c{n}", quantity(*LEFT), quantity(*RIGHT), "A", "B") for n in range(5)}
    judged = family(made, ["m0"])
    p = judged["m0"].p
    assert p is not None
    assert p.mean < 0.05 < 4 * p.mean, "the example has to lie between"
    assert (judged["m0"].role, judged["m0"].adjusted, judged["m0"].outcome) == ("primary", None, "lower")
    assert [judged[f"m{n}"].outcome for n in range(1, 5)] == ["open"] * 4
    assert judged["m1"].adjusted is not None
    assert judged["m1"].adjusted.mean == pytest.approx(4 * p.mean)


def test_what_has_no_test_does_not_count_among_the_comparisons() -> None:
    """A contrast of equal seeds is neither corrected nor makes the others' correction larger."""
    same = contrast("same", quantity(1.0, 1.0), quantity(2.0, 2.0), "A", "B")
    other = contrast("other", quantity(*LEFT), quantity(*RIGHT), "A", "B")
    judged = family({"same": same, "other": other})
    assert judged["same"].adjusted is None
    assert judged["same"].lower
    assert judged["other"].adjusted is not None
    assert judged["other"].adjusted.mean == pytest.approx(other.p.mean if other.p else math.nan)


# Trends

SIZES = (32, 64, 128, 256, 512)


def over_sizes(shape: Callable[[float], float], seeds: int = 3) -> dict[float, Quantity]:
    """Return losses that follow a curve over the base-2 logarithm of the size, with a little noise."""
    generator = np.random.default_rng(3)
    return {
        float(size): quantity(
            *(shape(math.log2(size)) + generator.normal(0, 0.01, seeds)), name=f"size {size}"
        )
        for size in SIZES
    }


def test_the_line_is_that_of_least_squares() -> None:
    """Slope, standard error and p value are those of scipy.stats.linregress, seeds that diverged left out."""
    numbers = over_sizes(lambda x: 1 + 0.02 * x)
    numbers[32.0] = quantity(1.1, math.nan, 1.12)
    found = trend("t", numbers, "batch size")
    points = [(math.log2(size), y) for size, each in numbers.items() for y in each.finite]
    theirs = stats.linregress(*zip(*points, strict=True))
    assert found.p is not None
    assert (found.slope.mean, found.p.mean) == pytest.approx((theirs.slope, theirs.pvalue))
    assert found.slope.half_width == pytest.approx(stats.t.ppf(0.975, len(points) - 2) * theirs.stderr)
    assert (found.runs.mean, found.sizes.mean) == (14, 5)


def test_the_bend_is_tested_against_the_seeds() -> None:
    """The F test of nested models, fitted by numpy: a line against a mean for each size."""
    numbers = over_sizes(lambda x: 0.02 * (x - 6) ** 2)
    values = {size: each.finite for size, each in numbers.items()}
    fit = line(values)
    x = np.repeat(np.log2(SIZES), 3)
    y = np.concatenate([values[size] for size in values])
    rough, fine = np.stack([np.ones(15), x], 1), (x[:, None] == np.log2(SIZES)).astype(float)
    left, pure = (np.linalg.lstsq(design, y, rcond=None)[1][0] for design in (rough, fine))
    assert fit is not None
    assert fit.bend == pytest.approx(stats.f.sf((left - pure) / 3 / (pure / 10), 3, 10))


@pytest.mark.parametrize(
    ("shape", "seeds", "outcome"),
    [
        (lambda x: 0.05 * x, 3, "upward"),
        (lambda x: -0.05 * x, 3, "downward"),
        (lambda x: 0.0, 3, "open"),
        (lambda x: 2**x / 200, 3, "upward_unevenly"),
        (lambda x: -(2**x) / 200, 3, "downward_unevenly"),
        (lambda x: (x - 7) ** 2, 3, "bends"),
        (lambda x: (x - 6.5) ** 2, 3, "bends"),
        (lambda x: 0.05 * x, 1, "upward"),
        (lambda x: 0.2 * x if x > 5 else 1.27, 1, "bends"),
        (lambda x: -0.2 * x if x > 5 else -1.27, 1, "bends"),
        (lambda x: 0.2 * x if x > 5 else 1.27, 3, "bends"),
        (lambda x: 0.2 * x if x > 5 else 1.205, 3, "upward_unevenly"),
        (lambda x: -0.2 * x if x > 5 else -1.205, 3, "downward_unevenly"),
        (lambda x: math.nan, 3, "unknown"),
    ],
)
def test_a_trend_is_not_claimed_where_the_means_turn(
    shape: Callable[[float], float], seeds: int, outcome: str
) -> None:
    """What turns bends, though a line through it is clearly steep; what goes one way unevenly is said to."""
    found = trend("t", over_sizes(shape, seeds), "batch size")
    assert found.outcome == outcome
    assert (found.bend is None) == (seeds == 1 or outcome == "unknown")
    assert (found.higher, found.lower) == (outcome.startswith("upward"), outcome.startswith("downward"))


@pytest.mark.parametrize(
    ("means", "shape", "lowest", "highest"),
    [
        ((3.0, 2.0, 1.0, 2.5, 4.0), "valley", 128, 512),
        ((2.0, 3.0, 4.0, 2.5, 1.0), "peak", 512, 128),
        ((2.0, 3.0, 1.0, 2.5, 2.6), "turns", 128, 64),
        ((1.0, 2.0, 3.0, 4.0, 5.0), "turns", 32, 512),
        ((2.0, 2.0, 1.0, 2.5, 4.0), "valley", 128, 512),
        ((2.0, 1.0, 2.0, 1.5, 4.0), "turns", 64, 512),
    ],
)
def test_where_a_mean_turns(means: Sequence[float], shape: str, lowest: int, highest: int) -> None:
    """A valley or a peak has one turn; the lowest and the highest mean are named with their setting.

    Runs that agree to the bit leave nothing to chance: means that are equal do not differ, all others do.
    """
    sizes = (32, 64, 128, 256, 512)
    numbers = {float(n): quantity(x, x, name=str(n)) for n, x in zip(sizes, means, strict=True)}
    turn = trend("t", numbers, "batch size").turn
    assert turn is not None
    assert (turn.shape, turn.lowest[0].mean, turn.highest[0].mean) == (shape, lowest, highest)
    assert (turn.lowest[1].mean, turn.highest[1].mean) == (min(means), max(means))


MEASURED = {
    32: (1.0974, 1.1003, 1.0953),
    64: (1.0908, 1.0998, 1.0966),
    100: (1.1175, 1.1143, 1.1103),
    128: (1.1877, 1.1878, 1.1769),
    256: (1.2877, 1.2696, 1.2753),
    512: (1.4589, 1.4541, 1.4477),
}
"""Losses of three seeds by batch size, of a real training; the means turn between 32 and 64, by chance."""


def measured(**changed: tuple[float, ...]) -> dict[float, Quantity]:
    """Return these losses, but for some sizes, named as in ``n32``."""
    return {
        float(size): quantity(*changed.get(f"n{size}", values), name=f"size {size}")
        for size, values in MEASURED.items()
    }


def test_which_settings_clearly_differ() -> None:
    """The t tests of all contrasts of a one-way analysis of variance, as numpy fits it, corrected by hand."""
    groups = list(MEASURED.values())
    design = np.kron(np.eye(6), np.ones((3, 1)))
    means, (left,), *_ = np.linalg.lstsq(design, np.concatenate(groups), rcond=None)[:2]
    pairs = list(itertools.combinations(range(6), 2))
    ts = [abs(means[j] - means[i]) / math.sqrt(left / 12 * 2 / 3) for i, j in pairs]
    ranked = sorted(zip(2 * stats.t.sf(ts, 12), pairs, strict=True))
    shown = [pair for rank, (p, pair) in enumerate(ranked) if p * (15 - rank) < 0.05]
    found = ways(groups)
    assert [pair for pair in pairs if found[pair]] == sorted(shown)
    assert {pair for pair in pairs if not found[pair]} == {(0, 1)}
    assert {found[pair] for pair in shown} == {1}


def test_two_settings_differ_by_the_test_of_student() -> None:
    """With two settings there is one pair, and nothing to correct: scipy.stats.ttest_ind decides."""
    generator = np.random.default_rng(8)
    for _ in range(200):
        left, right = generator.normal(0, 1, 3), generator.normal(2, 1, 4)
        clear = stats.ttest_ind(left, right).pvalue < 0.05
        assert ways([left.tolist(), right.tolist()]) == {
            (0, 1): int(np.sign(right.mean() - left.mean())) * clear
        }


def test_a_turn_that_chance_can_make_is_none() -> None:
    """The loss rises though its lowest mean lies between, and it is said which sizes do not differ."""
    found = trend("t", measured(), "batch size")
    assert found.turn is not None
    assert (found.outcome, found.tested, found.turn.lowest[0].mean) == ("upward_unevenly", True, 64)
    assert [[size.mean for size in sizes] for sizes in found.alike] == [[32, 64]]
    falling = {size: quantity(*(-x for x in n.finite), name=n.name) for size, n in measured().items()}
    assert trend("t", falling, "batch size").outcome == "downward_unevenly"


def test_without_seeds_the_same_means_turn() -> None:
    """Nothing can be tested with one run each, so no trend is claimed."""
    single = {size: quantity(np.mean(n.finite), name=n.name) for size, n in measured().items()}
    found = trend("t", single, "batch size")
    assert (found.outcome, found.tested, found.alike) == ("bends", False, ())


def test_a_clear_valley_has_the_sizes_that_could_be_its_lowest() -> None:
    """A size that does not clearly differ from the lowest beside it is named with it."""
    found = trend("t", measured(n32=(1.2, 1.21, 1.205)), "batch size")
    assert (found.outcome, found.valley) == ("bends", True)
    assert found.turn is not None
    assert [size.mean for size in found.turn.lows] == [64]
    found = trend("t", measured(n32=(1.2, 1.21, 1.205), n64=(1.112, 1.118, 1.109)), "batch size")
    assert found.turn is not None
    assert (found.turn.shape, [size.mean for size in found.turn.lows]) == ("valley", [64, 100])


def test_a_step_back_between_sizes_apart_is_seen() -> None:
    """Small steps that add up turn a number, though no two neighbours clearly differ."""
    slow = {100: 1.112, 64: 1.124, 32: 1.136}
    found = trend(
        "t", measured(**{f"n{size}": (x - 0.005, x, x + 0.005) for size, x in slow.items()}), "batch size"
    )
    assert found.turn is not None
    assert (found.outcome, found.turn.shape) == ("bends", "valley")


def test_what_does_not_change_has_no_test() -> None:
    """Where all runs have the same number there is a slope of zero, no p value and no trend."""
    found = trend("t", {float(size): quantity(1.1, 1.1, name=str(size)) for size in SIZES}, "batch size")
    assert (found.slope.text, found.p, found.bend, found.outcome) == ("0.000", None, None, "open")


@pytest.mark.parametrize(
    "values", [{}, {32: [1.0, 2.0, 3.0]}, {32: [1.0], 64: [2.0]}, {32: [], 64: [1.0, 2, 3]}]
)
def test_too_few_runs_make_no_line(values: dict[float, list[float]]) -> None:
    """Two sizes and three runs are the least."""
    assert line(values) is None


# Seeds and images


def kept(seeds: int, images: int, *, seed: int = 0, seed_noise: float = 1.0) -> Array:
    """Return a number of each image for each seed: an image's own, a seed's own, and noise."""
    generator = np.random.default_rng(seed)
    own = np.random.default_rng(99).normal(0, 3, images)
    return generator.normal(0, seed_noise, (seeds, 1)) + own + generator.normal(0, 1, (seeds, images))


def test_with_one_seed_each_images_are_paired() -> None:
    """What is left is the paired t test over the images, as scipy.stats has it."""
    left, right = kept(1, 40, seed=1), kept(1, 40, seed=2)
    mine, theirs = over_images(left, right), stats.ttest_rel(left[0], right[0])
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert mine.interval == pytest.approx(theirs.confidence_interval(0.95), rel=1e-9)


def test_images_that_are_alike_leave_the_test_of_the_seeds() -> None:
    """Where every image has the seed's number, new ones bring nothing: the test is Welch's."""
    left, right = (np.repeat(np.array(each)[:, None], 20, 1) for each in (LEFT, RIGHT))
    mine, theirs = over_images(left, right), stats.ttest_ind(LEFT, RIGHT, equal_var=False)
    assert (mine.p, mine.degrees) == pytest.approx((theirs.pvalue, theirs.df))


def test_seeds_and_images_widen_the_interval() -> None:
    """Each brings its own variance, and the two add up."""
    left, right = kept(3, 40, seed=1, seed_noise=0.1), kept(5, 40, seed=2, seed_noise=0.1)
    seeds = difference_of_means(left.mean(1).tolist(), right.mean(1).tolist())
    images = over_images(left.mean(0, keepdims=True), right.mean(0, keepdims=True))
    both = over_images(left, right)
    assert seeds is not None
    assert both.error**2 == pytest.approx(seeds.error**2 + images.error**2)
    assert seeds.degrees < both.degrees


def test_a_wider_claim_has_no_narrower_interval() -> None:
    """Images that bring next to nothing do not lend their degrees of freedom to the seeds."""
    sides = ((LEFT, kept(1, 500, seed=1)), (RIGHT, kept(1, 500, seed=2)))
    left, right = (np.array(each)[:, None] + noise / 100 for each, noise in sides)
    seeds = difference_of_means(left.mean(1).tolist(), right.mean(1).tolist())
    both = over_images(left, right)
    assert seeds is not None
    assert both.half_width > seeds.half_width


def test_a_pooled_score_varies_as_its_bootstrap_over_images_says() -> None:
    """The mean IoU of all pixels is no mean over images; scipy's paired bootstrap has the same error."""
    generator = np.random.default_rng(5)
    left, right = (
        generator.multinomial(400, share, size=(1, 60)) + generator.integers(0, 200, (1, 60, 1))
        for share in ((0.5, 0.1, 0.1, 0.3), (0.45, 0.1, 0.15, 0.3))
    )

    def less(chosen: Array) -> float:
        scores = []
        for tn, fp, fn, tp in (each[0, chosen].sum(0) for each in (left, right)):
            scores.append((tn / (tn + fp + fn) + tp / (tp + fp + fn)) / 2)
        return float(scores[0] - scores[1])

    mine = over_images(left, right, mean_iou)
    draws = [less(generator.integers(0, 60, 60)) for _ in range(4000)]
    assert mine.value == pytest.approx(less(np.arange(60)))
    assert mine.error == pytest.approx(np.std(draws), rel=0.1)


def test_nothing_found_of_nothing_is_right() -> None:
    """A class that neither occurs nor is predicted has an IoU of one, as the runs have it."""
    assert mean_iou(np.array([9, 0, 0, 0])) == pytest.approx(1)


def test_a_claim_about_new_images_says_so() -> None:
    """It prints the numbers that were compared, and what is meant by them."""
    numbers, names = (quantity(1.0, 1.1), quantity(2.0, 2.1)), ("A", "B")
    found = contrast_over_images("c", numbers, names, (kept(2, 30, seed=1), kept(2, 30, seed=2) + 9))
    assert (found.basis, found.outcome, found.meaning) == ("images", "lower", "loss, for new images")
    single = contrast_over_images("c", numbers, names, (kept(1, 30, seed=1), kept(1, 30, seed=2) + 9))
    assert (single.basis, single.outcome) == ("images_alone", "lower")


@pytest.mark.parametrize(
    ("left", "right", "says"),
    [
        (kept(2, 30), kept(2, 31), "numbers of 30 and 31 images, which are not the same"),
        (kept(2, 1), kept(2, 1), "cannot be spoken of from fewer than two"),
        (kept(2, 3) * np.nan, kept(2, 3), "an image has a number that is not finite"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(left: Array, right: Array, says: str) -> None:
    """Other images, a single one, or one without a number are named, and what to do."""
    with pytest.raises(UsageError, match=says):
        over_images(left, right)
