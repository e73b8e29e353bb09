"""How many values a net holds behind each of its modules, read from the run that counted them."""

from dataclasses import dataclass

from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.say.formulas.derived import Formula, Shape
from cnnreport.report.say.formulas.measures import Place, whole
from cnnreport.runs.artefact import Run


@dataclass(frozen=True)
class Held:
    """What a net holds in one place.

    Args:
        name: The module that gives it.
        shape: Its shape.
        count: How many values these are, as a formula.
        value: The same as a number.
    """

    name: str
    shape: Shape
    count: Formula
    value: Quantity


@dataclass(frozen=True)
class Around:
    """What goes around the narrowest place: how many values, as a formula and as a number."""

    count: Formula
    value: Quantity

    @property
    def any(self) -> bool:
        """Whether anything does."""
        return self.value.mean > 0


@dataclass(frozen=True)
class Capacity:
    """What a run counted of one net.

    Args:
        run: The name of the run's folder.
        net: The class.
        input: The image.
        modules: In the order in which they run.
        narrowest: The module that gives the fewest values.
        around: What reaches the modules behind it without going through it.
        points: In how many nets the values were counted.
        numbers: The letters of the formulas with their values.
    """

    run: str
    net: str
    input: Held
    modules: tuple[Held, ...]
    narrowest: Held
    around: Around
    points: Quantity
    numbers: tuple[tuple[str, Quantity], ...]

    @property
    def output(self) -> Held:
        """What the last module gives."""
        return self.modules[-1]

    @property
    def per_input(self) -> Quantity:
        """How many values the narrowest place holds for each value of the image."""
        return combine(
            f"{self.input.value.name}.narrowest",
            f"values of {self.narrowest.name} for each value of the input, {self.net}",
            "{} / {}",
            lambda narrowest, image: narrowest / image,
            self.narrowest.value,
            self.input.value,
            form="count",
        )

    @property
    def room(self) -> Decision:
        """Whether the narrowest place has room for as many values as the image has."""
        held, image = self.narrowest.value.mean, self.input.value.mean
        outcome = "more" if held > image else "as_many" if held == image else "fewer"
        return Decision("room of the narrowest place", outcome, ("more", "as_many", "fewer"))

    def used(self, *counts: Formula) -> tuple[tuple[str, Quantity], ...]:
        """Return the letters that stand in some formulas, with their values."""
        words = {word for count in counts for word in count.words.split()}
        return tuple((name, value) for name, value in self.numbers if name in words)


def capacity(run: Run) -> Capacity:
    """Read what a count of values left.

    Raises:
        UsageError: The run is none of capacity.
    """
    at = whole(run)
    net = at["net"].read(str)
    modules = {held.name: held for held in (_held(module, net) for module in at["modules"].entries)}
    narrowest = at["narrowest"].read(str)
    if narrowest not in modules:
        raise at.unfit(f"has no module {narrowest!r}, which is to be the narrowest")
    order = [name for name, _ in run.spec["numbers"]]  # measures are sorted by name
    return at.read(
        Capacity,
        run=run.folder.name,
        input=_held(at["input"], net),
        modules=tuple(modules.values()),
        narrowest=modules[narrowest],
        around=at["around"].read(Around, value=at["around"]["value"].number(f"values that skip, {net}")),
        points=at["points"].number(f"nets in which values were counted, {net}"),
        numbers=tuple((name, at["numbers"][name].number(f"{name} of the values, {net}")) for name in order),
    )


def _held(at: Place, net: str) -> Held:
    name = at["name"].read(str)
    return at.read(Held, value=at["value"].number(f"values of {name}, {net}"))
