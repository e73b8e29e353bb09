"""The formulas of one answer sheet together: which hold, under which choice, and what explains the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cnnreport.formula.audit.attribute import Case, distance, explain, nearest, worded
from cnnreport.formula.audit.claims import SIZES, Size
from cnnreport.formula.audit.findings import Finding
from cnnreport.formula.audit.slips import Catalogue, Slip
from cnnreport.formula.convention import CHOICES, QUANTITIES, Choice
from cnnreport.formula.symbols import Count
from cnnreport.formula.tracing.derive import Derivation


@dataclass(frozen=True)
class _Option:
    """What explains all wrong formulas for one quantity: under which choice which slips, and under others."""

    choice: Choice
    slips: Sequence[Slip]
    distance: tuple[Any, ...]
    otherwise: Sequence[Slip] = ()


class Bench:
    """Formulas, and whether they hold under each choice.

    Args:
        derivations: The net by the size of its input.
        catalogues: The slips with each of them.
        formulas: What is claimed, by size and quantity.
    """

    def __init__(
        self,
        derivations: Mapping[Size, Derivation],
        catalogues: Mapping[Size, Catalogue],
        formulas: Mapping[tuple[Size, str], Count],
    ) -> None:
        self._derivations = derivations
        self._catalogues = catalogues
        self._formulas = formulas
        self._cases = {key: self._with_each_choice(*key) for key in formulas}
        self._right = {
            key: [case.choice for case in cases if not case.off] for key, cases in self._cases.items()
        }

    def judge(self, size: Size, quantity: str, text: str) -> Finding:
        """Judge one formula."""
        holding = self._right[size, quantity]
        case = self._decisive(size, quantity)
        option = None if holding else self._chosen.get(quantity)
        return Finding(
            quantity=quantity,
            size=size,
            claimed=text,
            holds=bool(holding),
            conventions=tuple(choice.name for choice in holding),
            convention=case.choice.name,
            sentence=case.choice.sentence,
            expected=case.expected,
            difference=case.difference,
            explanation="" if holding else explain(case, *_slips_of(option)),
        )

    def common(self) -> dict[str, str] | None:
        """Return, for each quantity, the simplest choice under which all its formulas hold."""
        choices = {}
        for quantity in QUANTITIES:
            shared = self._shared(quantity)
            if shared == []:
                return None
            if shared:
                choices[quantity] = shared[0].name
        return choices

    @property
    def one_slip(self) -> bool:
        """Whether one slip explains all wrong formulas."""
        return bool(self._common_slips)

    def slips(self) -> tuple[str, ...]:
        """Say what may have happened: one slip that explains all wrong formulas, or one for each."""
        sentences: dict[str, None] = {}
        if self.one_slip:
            one = next(iter(self._chosen.values()))  # they all name the same
            sentences[worded(one.slips, one.otherwise)] = None
        else:
            sentences |= dict.fromkeys(self._said(*key) for key in self._wrong)
        for quantity in QUANTITIES:
            if self._shared(quantity) == [] and all(self._right.get((s, quantity)) for s in SIZES):
                original, doubled = (self._right[size, quantity][0].name for size in SIZES)
                sentences[f"{quantity}: original as “{original}”, doubled as “{doubled}”"] = None
        return tuple(sentences)

    def _said(self, size: Size, quantity: str) -> str:
        if option := self._chosen.get(quantity):
            return f"{quantity}: {worded(option.slips, option.otherwise)}"
        happened = explain(self._decisive(size, quantity)).removesuffix(".").partition(", as if ")[2]
        return f"{size} {quantity}: {happened or 'no single slip'}"

    @property
    def _wrong(self) -> list[tuple[Size, str]]:
        return [key for key, choices in self._right.items() if not choices]

    def _shared(self, quantity: str) -> list[Choice] | None:
        """Return under which choices all formulas for a quantity hold, None if there are none of it."""
        given = [self._right[size, quantity] for size in SIZES if (size, quantity) in self._formulas]
        return [choice for choice in given[0] if choice in given[-1]] if given else None

    def _with_each_choice(self, size: Size, quantity: str) -> list[Case]:
        claimed, doubled = self._formulas[size, quantity], size == "doubled"
        derivation, other = self._derivations[size], self._derivations.get(_other(size))
        known = self._catalogues[size]
        return [Case(claimed, choice, derivation, other, doubled, known) for choice in CHOICES[quantity]]

    def _decisive(self, size: Size, quantity: str) -> Case:
        """Return the case by which a formula is judged.

        If it holds, one in which it does; else one in which a slip explains it, best together with all
        other wrong formulas; else the nearest. Those under which the same quantity holds for the other
        size come first: that is what the writer counted.
        """
        right, elsewhere = self._right[size, quantity], self._right.get((_other(size), quantity), [])
        cases = self._cases[size, quantity]
        cases = [case for case in cases if case.choice in right] or cases
        if not right and (option := self._chosen.get(quantity)):
            return next(case for case in cases if case.choice == option.choice)
        cases = [case for case in cases if case.choice in elsewhere] or cases
        return nearest(cases)

    # What explains the wrong formulas.

    @cached_property
    def _options(self) -> dict[str, list[_Option]]:
        """By quantity, each choice under which simple slips explain all its wrong formulas."""
        return {
            quantity: self._options_of(quantity, [size for size, other in self._wrong if other == quantity])
            for quantity in dict.fromkeys(quantity for _, quantity in self._wrong)
        }

    def _options_of(self, quantity: str, wrong: Sequence[Size]) -> list[_Option]:
        elsewhere = [c for size in SIZES for c in self._right.get((size, quantity), [])]
        options = []
        for cases in zip(*(self._cases[size, quantity] for size in wrong), strict=True):
            if elsewhere and cases[0].choice not in elsewhere:
                continue
            first, *others = (case.slips for case in cases)
            slips = [slip for slip in first if all(slip in other for other in others)]
            if slips:
                options.append(_Option(cases[0].choice, slips, _summed([distance(case) for case in cases])))
        return sorted(options, key=lambda option: option.distance)

    @cached_property
    def _common_slips(self) -> list[Slip]:
        """The slips each of which explains all wrong formulas, whatever choice that takes."""
        if not self._options:
            return []
        first, *others = self._options.values()
        candidates = dict.fromkeys(slip for option in first for slip in option.slips)
        return [slip for slip in candidates if all(any(slip in o.slips for o in other) for other in others)]

    @cached_property
    def _chosen(self) -> dict[str, _Option]:
        """By quantity, the nearest choice under which its wrong formulas are explained."""
        if not self._common_slips:
            return {
                quantity: _with_others(options[0], [slip for o in options for slip in o.slips])
                for quantity, options in self._options.items()
                if options
            }
        ways = [self._with_slip(slip) for slip in self._common_slips]
        best = min(ways, key=lambda way: _summed([option.distance for option in way.values()]))
        kept = [s for s in self._common_slips if all(s in option.slips for option in best.values())]
        return {
            quantity: _with_others(_Option(o.choice, kept, o.distance), self._common_slips)
            for quantity, o in best.items()
        }

    def _with_slip(self, slip: Slip) -> dict[str, _Option]:
        return {
            quantity: next(option for option in options if slip in option.slips)
            for quantity, options in self._options.items()
        }


def _with_others(option: _Option, slips: Sequence[Slip]) -> _Option:
    otherwise = dict.fromkeys(slip for slip in slips if slip not in option.slips)
    return replace(option, otherwise=tuple(otherwise))


def _slips_of(option: _Option | None) -> tuple[Sequence[Slip], Sequence[Slip]]:
    return (option.slips, option.otherwise) if option else ((), ())


def _summed(distances: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(sum(parts) for parts in zip(*distances, strict=True))


def _other(size: Size) -> Size:
    return "doubled" if size == "original" else "original"
