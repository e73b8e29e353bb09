"""Promises of a ranking: it claims what trials support, and counts what single trials would have claimed."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from cnnreport.report.numbers.quantity import Quantity, Source

Part = Callable[[str], ModuleType]

CLEAR = {"good": (0.90, 0.91, 0.92), "bad": (0.10, 0.12, 0.11), "middle": (0.50, 0.52, 0.51)}
CLOSE = {"first": (0.90, 0.80, 0.85), "second": (0.84, 0.89, 0.79), "last": (0.10, 0.12, 0.11)}


def ranked(part: Part, trials: Mapping[str, Sequence[float]]) -> Any:
    """Rank trainings by these accuracies of their trials."""
    numbers = {
        name: Quantity(
            f"{name}.accuracy", "accuracy", dict(enumerate(of)), "share", Source((name,), "m", "a")
        )
        for name, of in trials.items()
    }
    return part("ranking").ranking("tried", numbers)


def bounds(made: Any) -> dict[str, tuple[float, float]]:
    """The best and the worst rank of each training."""
    return {each.name: (each.best.mean, each.worst.mean) for each in made.ranked}


def test_clear_trials_leave_one_rank_each(part: Part) -> None:
    """Where every comparison is clear, the ranking is the order of the means, and wholly supported."""
    made = ranked(part, CLEAR)
    assert bounds(made) == {"good": (1, 1), "middle": (2, 2), "bad": (3, 3)}
    assert (made.supported.outcome, made.clear.mean, made.count.mean) == ("whole", 3, 3)


def test_close_trials_share_ranks(part: Part) -> None:
    """Two that cannot be told apart have the same bounds, both before the one that is clearly worse."""
    made = ranked(part, CLOSE)
    assert bounds(made) == {"first": (1, 2), "second": (1, 2), "last": (3, 3)}
    assert (made.supported.outcome, made.clear.mean) == ("partly", 2)


def test_all_alike_have_no_ranking(part: Part) -> None:
    """Trainings whose trials overlap may have any rank."""
    made = ranked(part, {"a": (0.5, 0.6, 0.7), "b": (0.51, 0.62, 0.69), "c": (0.49, 0.61, 0.72)})
    assert set(bounds(made).values()) == {(1, 3)}
    assert made.supported.outcome == "nothing"


def test_one_trial_each_supports_nothing(part: Part) -> None:
    """However far apart they are, single trials leave every rank open."""
    made = ranked(part, {"a": (0.9,), "b": (0.1,)})
    assert (made.supported.outcome, bounds(made)) == ("single", {"a": (1, 2), "b": (1, 2)})


def test_a_lost_training_is_last_and_unranked(part: Part) -> None:
    """One whose trials all diverged stands at the end, and no whole ranking is claimed."""
    made = ranked(part, {"lost": (math.nan, math.nan), **CLEAR})
    assert made.ranked[-1].name == "lost"
    assert made.supported.outcome == "lost"
    assert math.isnan(made.otherwise.mean)


@pytest.mark.parametrize("trials", [CLEAR, CLOSE])
def test_p_values_are_those_of_scipy(part: Part, trials: Mapping[str, Sequence[float]]) -> None:
    """Each pair is tested as scipy's test of Welch does it; the correction is Holm's, step by step."""
    made = ranked(part, trials)
    ps = {
        pair.contrast.names: ttest_ind(
            *(trials[name] for name in pair.contrast.names), equal_var=False
        ).pvalue
        for pair in made.pairs
    }
    running, expected = 0.0, {}
    for step, names in enumerate(sorted(ps, key=lambda names: ps[names])):
        running = max(running, min(1.0, ps[names] * (len(ps) - step)))
        expected[names] = running
    for pair in made.pairs:
        assert pair.contrast.p.mean == pytest.approx(ps[pair.contrast.names])
        assert pair.contrast.adjusted.mean == pytest.approx(expected[pair.contrast.names])


def test_turned_round_it_is_the_same_comparison(part: Part) -> None:
    """Either of two may stand on the left: the sign turns, the corrected p value stays."""
    made = ranked(part, CLOSE)
    one, other = made.against("last", "first"), made.against("first", "last")
    assert (one.outcome, other.outcome) == ("lower", "higher")
    assert one.difference.mean == -other.difference.mean
    assert one.adjusted.mean == other.adjusted.mean


def test_single_trials_are_drawn_by_chance(part: Part) -> None:
    """How often single trials rank otherwise is what drawing many of them at random comes near to."""
    made, generator = ranked(part, CLOSE), np.random.default_rng(0)
    drawn = np.array([generator.choice(of, 20_000) for of in CLOSE.values()])
    wrong = 1 - np.mean((drawn[0] > drawn[1]) & (drawn[1] > drawn[2]))
    assert made.otherwise.mean == pytest.approx(wrong, abs=0.02)
    assert made.selections.mean == 27
    reversed_ = next(pair.reversed.mean for pair in made.pairs if pair.contrast.names == ("first", "second"))
    assert reversed_ == pytest.approx(1 - np.mean(drawn[0] > drawn[1]), abs=0.02)
