"""Which paddings keep the shapes of Figure 1b, read from the run that derived and tried them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.derived import Formula
from cnnreport.report.say.formulas.measures import Place, whole
from cnnreport.runs.artefact import Run

GROUPS = ("strided", "upsampling", "last")
"""What the groups of layers are called, in their order."""


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
    at = whole(run)
    groups, checks = tuple(map(_group, at["groups"].entries)), at["checks"].entries
    if len(groups) != len(GROUPS) or not checks:
        raise at.unfit(f"has {len(groups)} groups of layers and {len(checks)} live checks")
    named = dict(zip(GROUPS, groups, strict=True))
    return at.read(
        Paddings,
        run=run.folder.name,
        **named,
        convolution=_equation(at, named["strided"].kind),
        transposed=_equation(at, named["upsampling"].kind),
        points=at["points"].number("modules on which the paddings were tried"),
        largest=at["tried"]["largest_kernel"].number("largest kernel tried"),
        sizes=tuple(
            size.number("height and width of the pictures tried") for size in at["tried"]["sizes"].entries
        ),
        modules=tuple(name.read(str) for name in checks[0]["modules"].entries),
        checks=tuple(_check(check, at["figure"].value) for check in checks),
        settings={name: at["live"][name].number(meaning) for name, meaning in _SETTINGS.items()},
    )


def _values(move: Move) -> list[float | None]:
    return [None if value is None else value.mean for value in (move.before, move.after)]


def _equation(at: Place, kind: str) -> Equation:
    return at["equations"][kind].read(Equation, kind=kind)


def _group(at: Place) -> Group:
    layers = ", ".join(name.read(str) for name in at["layers"].entries)
    return at.read(Group, settings=tuple(_setting(setting, layers) for setting in at["settings"].entries))


def _setting(at: Place, layers: str) -> Setting:
    where = f"{layers}, k = {at['kernel'].value}"
    around = zip(("before", "behind"), at["uneven"].entries, strict=False)
    return at.read(
        Setting,
        kernel=at["kernel"].number(f"kernel size, {layers}"),
        padding=at["padding"].perhaps(f"padding, {where}"),
        output_padding=at["output_padding"].perhaps(f"output padding, {where}"),
        uneven=tuple(zeros.number(f"zeros {side}, {where}") for side, zeros in around),
        nearest=tuple(_near(pair, where) for pair in at["nearest"].entries),
    )


def _near(pair: Place, where: str) -> tuple[Quantity, Quantity]:
    padding, size = pair.entries
    return (
        padding.number(f"padding that does not fit, {where}"),
        size.number(f"size with a padding of {padding.value}, {where}"),
    )


def _check(at: Place, figure: object) -> Check:
    where = f"the live check, k = {at['kernel'].value}"
    return at.read(
        Check,
        kernel=at["kernel"].number("kernel size, live check"),
        kept=at["shapes"].value == figure,
        before=at["loss_before"].number(f"loss before {where}", "loss"),
        after=at["loss_after"].number(f"loss after {where}", "loss"),
    )
