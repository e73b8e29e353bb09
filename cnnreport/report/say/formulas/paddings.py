"""Which paddings keep the shapes of Figure 1b, read from the run that derived and tried them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.derived import Formula, formula, number, unreadable
from cnnreport.runs.artefact import Run


@dataclass(frozen=True)
class Equation:
    """How the size of an output comes about.

    Args:
        kind: The layer's class in torch.nn.
        size: The documentation's equation for the height and width of an output.
        solved: The same, solved for twice the padding.
    """

    kind: str
    size: Formula
    solved: Formula


@dataclass(frozen=True)
class Case:
    """The answer for all odd or for all even kernel sizes.

    Args:
        kernel: The kernel size in m.
        condition: What the padding has to meet.
        padding: The padding, in m; None where none keeps the shape.
        output_padding: The output padding that goes with it; None for a convolution.
        uneven: Where no padding does, zeros before and behind each axis that keep it.
    """

    kernel: Formula
    condition: Formula
    padding: Formula | None
    output_padding: Formula | None
    uneven: tuple[Formula, ...]


@dataclass(frozen=True)
class Setting:
    """The answer for one kernel size.

    Args:
        kernel: The kernel size.
        condition: What the padding has to meet.
        padding: The padding; None where none keeps the shape.
        output_padding: The output padding that goes with it; None for a convolution.
        uneven: Where no padding does, zeros before and behind each axis that keep it.
        nearest: Where none does, paddings next to it, each with the height and width that it gives.
    """

    kernel: Quantity
    condition: Formula
    padding: Quantity | None
    output_padding: Quantity | None
    uneven: tuple[Quantity, ...]
    nearest: tuple[tuple[Quantity, Quantity], ...]


@dataclass(frozen=True)
class Group:
    """Layers that have the same answer.

    Args:
        layers: Their names.
        kind: Their class in torch.nn.
        given: Their sizes, stride and dilation.
        condition: What the padding has to meet.
        padding: The padding in k; None where even kernel sizes have none.
        output_padding: The output padding in k; None for a convolution.
        odd: The answer for odd kernel sizes.
        even: The answer for even kernel sizes.
        settings: The answer for each kernel size asked for; the others are compared with the first.
    """

    layers: tuple[str, ...]
    kind: str
    given: Formula
    condition: Formula
    padding: Formula | None
    output_padding: Formula | None
    odd: Case
    even: Case
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Move:
    """What becomes of one parameter when the kernel size changes; None where no value keeps the shape."""

    before: Quantity | None
    after: Quantity | None

    @property
    def stays(self) -> bool:
        """Whether the value is kept."""
        return self.before is not None and self.after is not None and self.before.mean == self.after.mean


@dataclass(frozen=True)
class Change:
    """What has to be modified for another kernel size.

    Args:
        kernel: The kernel size.
        strided: The padding of the first two convolutions.
        upsampling: The padding of the transposed convolutions.
        output: The output padding of the transposed convolutions.
    """

    kernel: Quantity
    strided: Move
    upsampling: Move
    output: Move

    @property
    def together(self) -> bool:
        """Whether the paddings of both kinds change alike."""
        return _values(self.strided) == _values(self.upsampling)


@dataclass(frozen=True)
class Check:
    """What the real net did with one kernel size.

    Args:
        kernel: The kernel size.
        passed: What each module passes to its convolution.
        shapes: What each module gives: channels, height and width.
        kept: Whether these are the shapes of the figure.
        before: The loss before the training.
        after: The loss after it.
    """

    kernel: Quantity
    passed: tuple[str, ...]
    shapes: tuple[str, ...]
    kept: bool
    before: Quantity
    after: Quantity

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """For each module the shape that it gives, and what it passes."""
        return tuple(zip(self.shapes, self.passed, strict=True))

    @property
    def learned(self) -> bool:
        """Whether the loss became smaller."""
        return self.after.mean < self.before.mean


@dataclass(frozen=True)
class Paddings:
    """What a run found about paddings.

    Args:
        run: The name of the run's folder.
        net: The class of the live check.
        convolution: How the size of a convolution's output comes about.
        transposed: The same for a transposed convolution.
        strided: The answer for the first two convolutions.
        upsampling: The answer for the transposed convolutions.
        last: The answer for the last convolution, of which the question does not ask.
        points: How many modules were run, with fitting and with unfitting paddings.
        largest: Up to which kernel size.
        sizes: For pictures of which height and width.
        modules: Names of the net's modules, one for each layer.
        figure: The shapes that the figure has behind them.
        checks: The live check for each kernel size.
        settings: Numbers of the live check by their names in the spec.
    """

    run: str
    net: str
    convolution: Equation
    transposed: Equation
    strided: Group
    upsampling: Group
    last: Group
    points: Quantity
    largest: Quantity
    sizes: tuple[Quantity, ...]
    modules: tuple[str, ...]
    figure: tuple[str, ...]
    checks: tuple[Check, ...]
    settings: Mapping[str, Quantity]

    @property
    def groups(self) -> tuple[Group, ...]:
        """All layers, in the order of the figure."""
        return self.strided, self.upsampling, self.last

    @property
    def kernels(self) -> tuple[Quantity, ...]:
        """The kernel sizes asked for."""
        return tuple(setting.kernel for setting in self.strided.settings)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What has to be modified for each kernel size but the first."""
        old, before = self.strided.settings[0], self.upsampling.settings[0]
        pairs = zip(self.strided.settings[1:], self.upsampling.settings[1:], strict=True)
        return tuple(
            Change(
                new.kernel,
                Move(old.padding, new.padding),
                Move(before.padding, after.padding),
                Move(before.output_padding, after.output_padding),
            )
            for new, after in pairs
        )

    @property
    def kept(self) -> bool:
        """Whether the net gave the shapes of the figure with every kernel size."""
        return all(check.kept for check in self.checks)

    @property
    def learned(self) -> tuple[Check, ...]:
        """The checks in which the loss became smaller."""
        return tuple(check for check in self.checks if check.learned)

    @property
    def learning(self) -> Decision:
        """In how many of the checks the loss became smaller."""
        outcome = "sometimes" if self.learned else "never"
        if len(self.learned) == len(self.checks):
            outcome = "always"
        return Decision("how often the loss became smaller", outcome, ("always", "sometimes", "never"))


_SETTINGS = {
    "images": "pictures of the live check",
    "steps": "steps of the live check",
    "num_filters": "NF, in the live check",
    "num_colours": "NC, in the live check",
}


def paddings(run: Run) -> Paddings:
    """Read what a derivation of paddings left.

    Raises:
        UsageError: The run is none of paddings.
    """
    try:
        return _paddings(run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(run, "paddings", error) from error


def _paddings(run: Run) -> Paddings:
    told, tried = run.measures, run.measures["tried"]
    strided, upsampling, last = (_group(run, place, group) for place, group in enumerate(told["groups"]))
    return Paddings(
        run=run.folder.name,
        net=told["net"],
        convolution=_equation(told, strided.kind),
        transposed=_equation(told, upsampling.kind),
        strided=strided,
        upsampling=upsampling,
        last=last,
        points=number(run, "points", "modules on which the paddings were tried", told["points"]),
        largest=number(run, "tried / largest_kernel", "largest kernel tried", tried["largest_kernel"]),
        sizes=tuple(
            number(run, f"tried / sizes / {place}", "height and width of the pictures tried", size)
            for place, size in enumerate(tried["sizes"])
        ),
        modules=tuple(told["checks"][0]["modules"]),
        figure=tuple(told["figure"]),
        checks=tuple(_check(run, place, check) for place, check in enumerate(told["checks"])),
        settings={
            name: number(run, f"live / {name}", meaning, told["live"][name])
            for name, meaning in _SETTINGS.items()
        },
    )


def _values(move: Move) -> list[float | None]:
    return [None if value is None else value.mean for value in (move.before, move.after)]


def _equation(told: Mapping[str, Any], kind: str) -> Equation:
    found = told["equations"][kind]
    return Equation(kind, formula(found["size"]), formula(found["solved"]))


def _group(run: Run, place: int, told: Mapping[str, Any]) -> Group:
    layers = tuple(told["layers"])
    return Group(
        layers=layers,
        kind=told["kind"],
        given=formula(told["given"]),
        condition=formula(told["condition"]),
        padding=_optional(told["padding"]),
        output_padding=_optional(told["output_padding"]),
        odd=_case(told["odd"]),
        even=_case(told["even"]),
        settings=tuple(
            _setting(run, f"groups / {place} / settings / {n}", ", ".join(layers), setting)
            for n, setting in enumerate(told["settings"])
        ),
    )


def _case(told: Mapping[str, Any]) -> Case:
    return Case(
        kernel=formula(told["kernel"]),
        condition=formula(told["condition"]),
        padding=_optional(told["padding"]),
        output_padding=_optional(told["output_padding"]),
        uneven=tuple(map(formula, told["uneven"] or ())),
    )


def _optional(told: Mapping[str, Any] | None) -> Formula | None:
    return None if told is None else formula(told)


def _setting(run: Run, path: str, layers: str, told: Mapping[str, Any]) -> Setting:
    def read(field: str, meaning: str, value: float) -> Quantity:
        return number(run, f"{path} / {field}", f"{meaning}, {layers}, k = {told['kernel']}", value)

    def optional(field: str, meaning: str) -> Quantity | None:
        return None if told[field] is None else read(field, meaning, told[field])

    return Setting(
        kernel=number(run, f"{path} / kernel", f"kernel size, {layers}", told["kernel"]),
        condition=formula(told["condition"]),
        padding=optional("padding", "padding"),
        output_padding=optional("output_padding", "output padding"),
        uneven=tuple(
            read(f"uneven / {n}", f"zeros {side}", zeros)
            for n, (side, zeros) in enumerate(zip(("before", "behind"), told["uneven"] or (), strict=False))
        ),
        nearest=tuple(
            (
                read(f"nearest / {n} / 0", "padding that does not fit", padding),
                read(f"nearest / {n} / 1", f"size with a padding of {padding}", size),
            )
            for n, (padding, size) in enumerate(told["nearest"])
        ),
    )


def _check(run: Run, place: int, told: Mapping[str, Any]) -> Check:
    def loss(when: str) -> Quantity:
        field = f"loss_{when}"
        meaning = f"loss {when} the live check, k = {told['kernel']}"
        return replace(number(run, f"checks / {place} / {field}", meaning, told[field]), form="loss")

    shapes: Sequence[str] = told["shapes"]
    return Check(
        kernel=number(run, f"checks / {place} / kernel", "kernel size, live check", told["kernel"]),
        passed=tuple(told["passed"]),
        shapes=tuple(shapes),
        kept=list(shapes) == list(run.measures["figure"]),
        before=loss("before"),
        after=loss("after"),
    )
