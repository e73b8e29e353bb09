"""What other tools count of a net, and what explains it, read from the run that compared them."""

from dataclasses import dataclass

from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.measures import Place, number, whole
from cnnreport.runs.artefact import Run


@dataclass(frozen=True)
class Reading:
    """A number of another tool.

    Args:
        tool: Its name.
        version: Its version.
        what: The call that gives the number.
        quantity: What it comes closest to: weights, outputs or connections.
        counts: What the tool counts, by its own source.
        number: The number.
        explanation: The convention and the terms that make it up.
        exact: Whether they make it up without a rest.
    """

    tool: str
    version: str
    what: str
    quantity: str
    counts: str
    number: Quantity
    explanation: str
    exact: bool


@dataclass(frozen=True)
class Comparison:
    """What a run found about the numbers of other tools.

    Args:
        run: The name of the run's folder.
        net: The class that they count.
        letters: The numbers for which they count it.
        readings: The tools' numbers.
        tools: How many tools there are.
        unexplained: How many numbers are not made up without a rest.
    """

    run: str
    net: str
    letters: tuple[tuple[str, Quantity], ...]
    readings: tuple[Reading, ...]
    tools: Quantity
    unexplained: Quantity


def comparison(run: Run) -> Comparison:
    """Read what a comparison left.

    Raises:
        UsageError: The run is none of a comparison.
    """
    at = whole(run)
    readings = tuple(map(_reading, at["rows"].entries))
    tools = len({reading.tool for reading in readings})
    rest = sum(not reading.exact for reading in readings)
    return at.read(
        Comparison,
        run=run.folder.name,
        letters=tuple(
            (name, at["numbers"][name].number(f"{name}, for other tools")) for name, _ in run.spec["numbers"]
        ),
        readings=readings,
        tools=number(run, "rows / tool, counted", "other tools", tools),
        unexplained=number(run, "rows / not exact, counted", "numbers of other tools not explained", rest),
    )


def _reading(at: Place) -> Reading:
    called = f"{at['tool'].read(str)}, {at['what'].read(str)}"
    return at.read(Reading, number=at["number"].number(called))
