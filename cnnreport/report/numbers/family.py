"""The comparisons of one question: some are primary, the secondary ones are corrected for their number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, TypeVar

from cnnreport.report.numbers.quantity import Quantity, over_all

Role = Literal["", "primary", "secondary"]
"""What a comparison is in its question; empty where it is the only one."""


@dataclass(frozen=True)
class Adjusted(Quantity):
    """A p value after correction.

    Args:
        among: How many were corrected together.
    """

    among: Quantity | None = None


class Tested(Protocol):
    """What has a p value: a contrast, a trend."""

    @property
    def p(self) -> Quantity | None:
        """The p value; None where there is no test."""

    def judged(self, role: Role, adjusted: Quantity | None) -> Self:
        """Return the same with its role and its p value after correction."""


T = TypeVar("T", bound=Tested)


def family(tested: Mapping[str, T], primary: Collection[str] = ()) -> dict[str, T]:
    """Judge the comparisons of one question together.

    A primary one is tested at 5 % by itself: it was declared beforehand, as a measure that the question asks
    about. The others are secondary: their p values are corrected among themselves by `holm`, so that, if
    no measure differs, the chance that any of them is said to is 5 % at most. What has no test, such as a
    count, takes no part.

    Args:
        tested: The comparisons, by what the answer calls them.
        primary: The names of the primary ones; none where all are secondary.
    """
    ps = {name: each.p for name, each in tested.items() if name not in primary and each.p is not None}
    corrected = dict(zip(ps, holm([p.mean for p in ps.values()]), strict=True))
    judged = {}
    for name, each in tested.items():
        p = ps.get(name)
        adjusted = p and _adjusted(p, corrected[name], len(ps), primary)
        judged[name] = each.judged("primary" if name in primary else "secondary", adjusted)
    return judged


def holm(ps: Sequence[float]) -> list[float]:
    """Correct p values for their number by the procedure of Holm (1979).

    Args:
        ps: Probabilities of any dependence.

    Returns:
        The adjusted p values, in the same order: those below 5 % are the ones that the procedure rejects.
    """
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return adjusted


def _adjusted(p: Quantity, value: float, count: int, primary: Collection[str]) -> Adjusted:
    name = f"{p.name}.holm.{'+'.join(primary)}.{count}"
    adjusted = over_all(
        name,
        f"{p.meaning}, corrected for {count} secondary comparisons",
        value,
        f"{{}}, by Holm (1979) among {count}",
        p,
        form="probability",
    )
    meaning = f"secondary comparisons that are corrected together, one of them: {p.meaning}"
    among = over_all(f"{name}.among", meaning, count, "counted", p, form="count")
    return Adjusted(
        adjusted.name, adjusted.meaning, adjusted.values, "probability", adjusted.source, among=among
    )
