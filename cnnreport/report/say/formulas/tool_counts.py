"""What other tools count of a net, and what explains it, read from the run that compared them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say.formulas.derived import number, unreadable
from cnnreport.runs.artefact import Run

_KEPT = ("tool", "version", "what", "quantity", "counts", "explanation", "exact")


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
    try:
        return _comparison(run)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(run, "comparison", error) from error


def _comparison(run: Run) -> Comparison:
    rows = run.measures["rows"]
    tools = len({row["tool"] for row in rows})
    rest = sum(not row["exact"] for row in rows)
    return Comparison(
        run=run.folder.name,
        net=run.measures["net"],
        letters=tuple(
            (
                name,
                number(run, f"numbers / {name}", f"{name}, for other tools", run.measures["numbers"][name]),
            )
            for name, _ in run.spec["numbers"]
        ),
        readings=tuple(_reading(run, place, row) for place, row in enumerate(rows)),
        tools=number(run, "rows / tool, counted", "other tools", tools),
        unexplained=number(run, "rows / not exact, counted", "numbers of other tools not explained", rest),
    )


def _reading(run: Run, place: int, row: Mapping[str, Any]) -> Reading:
    meaning = f"{row['tool']}, {row['what']}"
    return Reading(
        number=number(run, f"rows / {place} / number", meaning, row["number"]),
        **{name: row[name] for name in _KEPT},
    )
