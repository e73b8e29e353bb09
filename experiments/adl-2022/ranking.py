"""A ranking of several trainings that the trials support, and what single trials would have claimed.

Each training is compared with each other by Welch's test over the trials of both, and all comparisons are
corrected for their number. A training's rank is then only known between two bounds: it stands behind all that
are clearly better, and before all that are clearly worse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from math import prod

from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity, over_all

SUPPORTED = ("whole", "partly", "nothing", "single", "lost")
"""What of a ranking trials may support: every comparison, some or none of them; none, for there is one trial
of each; or none of all, for a training has no finite number."""


@dataclass(frozen=True)
class Pair:
    """Two trainings, the one with the higher mean first.

    Args:
        contrast: Their comparison, corrected for the number of all.
        reversed: How often two single trials, one of each, stand in the other order or are equal, over all
            choices of the two.
    """

    contrast: Contrast
    reversed: Quantity


@dataclass(frozen=True)
class Ranked:
    """A training in a ranking.

    Args:
        name: What it is called.
        number: What decides.
        best: The best rank that it may have.
        worst: The worst one.
    """

    name: str
    number: Quantity
    best: Quantity
    worst: Quantity


@dataclass(frozen=True)
class Ranking:
    """A ranking by a number of which more is better.

    Args:
        ranked: The trainings, the highest mean first.
        pairs: All comparisons, in the same order.
        supported: How much of it the trials support, see `SUPPORTED`.
        clear: How many comparisons are clear.
        count: How many there are.
        selections: In how many ways one trial of each can be chosen.
        otherwise: In which share of them single trials rank otherwise than the means do.
    """

    ranked: tuple[Ranked, ...]
    pairs: tuple[Pair, ...]
    supported: Decision
    clear: Quantity
    count: Quantity
    selections: Quantity
    otherwise: Quantity

    def against(self, left: str, right: str) -> Contrast:
        """Return the comparison of two trainings with the first on the left, as corrected as it is here."""
        numbers = {each.name: each.number for each in self.ranked}
        pair = next(each.contrast for each in self.pairs if {*each.contrast.names} == {left, right})
        name = f"{pair.difference.name.removesuffix('.difference')}.{left}"
        turned = contrast(name, numbers[left], numbers[right], left, right)
        return turned.judged(pair.role, pair.adjusted)


def ranking(name: str, numbers: Mapping[str, Quantity]) -> Ranking:
    """Rank trainings by a number of which more is better, such as an accuracy.

    Args:
        name: Unique in the report; names of the new quantities begin with it.
        numbers: That number of each training over its trials, by what the training is called; two or more.
    """
    order = sorted(numbers, key=lambda who: -numbers[who].mean if numbers[who].finite else float("inf"))
    compared = family(
        {
            f"{left} | {right}": contrast(
                f"{name}.{numbers[left].name}.less.{numbers[right].name}",
                numbers[left],
                numbers[right],
                left,
                right,
            )
            for left, right in combinations(order, 2)
        }
    )
    pairs = tuple(
        Pair(each, _reversed(f"{name}.{each.left.name}.{each.right.name}", each))
        for each in compared.values()
    )
    clear = [each for each in compared.values() if _clear(each)]
    parts = [numbers[who] for who in order]
    return Ranking(
        ranked=tuple(_ranked(name, who, numbers[who], [*compared.values()], len(order)) for who in order),
        pairs=pairs,
        supported=_supported([*compared.values()]),
        clear=over_all(
            f"{name}.clear",
            "clear comparisons",
            len(clear),
            "comparisons that are clear: {}",
            *parts,
            form="count",
        ),
        count=over_all(f"{name}.pairs", "comparisons", len(pairs), "pairs of {}", *parts, form="count"),
        selections=over_all(
            f"{name}.selections",
            "choices of one trial each",
            prod(len(part.finite) for part in parts),
            "ways to choose one trial each of {}",
            *parts,
            form="count",
        ),
        otherwise=over_all(
            f"{name}.otherwise",
            "choices of one trial each that rank otherwise than the means",
            _otherwise(parts),
            "share of all choices of one trial each whose order is not that of the means: {}",
            *parts,
            form="share",
        ),
    )


def room(name: str, made: Ranking) -> Quantity:
    """Return the largest difference that an interval of a ranking's comparisons leaves possible."""
    reached = [
        abs(difference.mean) + difference.half_width
        for difference in (pair.contrast.difference for pair in made.pairs)
        if difference.half_width is not None and difference.finite
    ]
    parts = [each.number for each in made.ranked]
    return over_all(
        f"{name}.room", "largest difference that is not excluded", max(reached, default=float("nan")),
        "farthest end of the 95 % intervals of all differences of {}", *parts, form=parts[0].form,
    )  # fmt: skip


def _supported(compared: list[Contrast]) -> Decision:
    clear = sum(map(_clear, compared))
    if any(each.unknown for each in compared):
        outcome = "lost"
    elif not any(each.sure for each in compared):
        outcome = "single"
    else:
        outcome = "whole" if clear == len(compared) else "partly" if clear else "nothing"
    return Decision("how much of the ranking the trials support", outcome, SUPPORTED)


def _clear(compared: Contrast) -> bool:
    """Say whether more than the sign of two single trials tells which is higher."""
    return compared.sure and (compared.higher or compared.lower)


def _ranked(name: str, who: str, number: Quantity, compared: list[Contrast], count: int) -> Ranked:
    clear = [c.names if c.higher else c.names[::-1] for c in compared if _clear(c)]
    above, below = (sum(names[place] == who for names in clear) for place in (1, 0))
    return Ranked(
        who,
        number,
        over_all(
            f"{name}.{number.name}.best", f"best rank of {who}", above + 1,
            "trainings clearly above {}, and one", number, form="count",
        ),
        over_all(
            f"{name}.{number.name}.worst", f"worst rank of {who}", count - below,
            "all trainings but those clearly below {}", number, form="count",
        ),
    )  # fmt: skip


def _reversed(name: str, pair: Contrast) -> Quantity:
    choices = [a > b for a, b in product(pair.left.finite, pair.right.finite)]
    return over_all(
        f"{name}.reversed",
        f"pairs of single trials in which {pair.names[0]} is not above {pair.names[1]}",
        choices.count(False) / len(choices) if choices else float("nan"),
        "share of all pairs of a trial of each in which the first is not higher: {} and {}",
        pair.left,
        pair.right,
        form="share",
    )


def _otherwise(numbers: list[Quantity]) -> float:
    """Return the share of all choices of one trial each whose order, ties included, is not the given one."""
    choices = list(product(*(number.finite for number in numbers)))
    if not choices:
        return float("nan")
    wrong = sum(any(a <= b for a, b in pairwise(each)) for each in choices)
    return wrong / len(choices)
