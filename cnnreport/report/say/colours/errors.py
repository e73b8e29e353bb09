"""What a net does to each colour of the palette, and how far its probabilities can be trusted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.sheets.colour_errors import colour_errors
from cnnreport.report.draw.sheets.reliability import reliability
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say.colours.words import words
from cnnreport.report.say.training import net_name
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Counts = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ErrorsByColour:
    """What a net gives in place of each colour.

    Args:
        picture: A row for each colour: how frequent it is, how often right, what it is taken for.
        true: The word of the right colour in the most frequent confusion of two colours.
        given: The word of the colour that is given in its place; both may have the same word.
        share: The share of all pixels of this confusion.
        of_true: Its share of the pixels whose right colour is the first.
        frequent: The share of pixels of the most frequent colour that are classified correctly.
        rare: The same, over all pixels of the rarer half of the colours that occur.
        never: How many of the colours that occur have no right pixel in any run.
        lost: The words of which no pixel was given any colour of the same word in any run.
    """

    picture: Picture
    true: str
    given: str
    share: Quantity
    of_true: Quantity
    frequent: Quantity
    rare: Quantity
    never: Quantity
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Calibration:
    """How sure a net is of its colours, and how often it is right.

    Args:
        picture: The reliability diagram.
        error: The expected calibration error.
        sure: The mean of the highest probability over all pixels.
        right: The share of pixels that are classified correctly.
    """

    picture: Picture
    error: Quantity
    sure: Quantity
    right: Quantity


def errors_by_colour(runs: Sequence[Run]) -> ErrorsByColour | None:
    """Show which colours a net mistakes for which, over all validation images and all runs together.

    Args:
        runs: The runs of one experiment; those that diverged are left out of the picture.

    Returns:
        None where every run diverged, one left no counts of colours, or no pixel is wrong.
    """
    import numpy as np

    kept = {run.seed: run.samples() for run in runs}
    if not (finished := _finished(runs, kept, "confusion")):
        return None
    counts = np.sum([arrays["confusion"].astype(float) for arrays in finished], axis=0)
    wrong = counts * (1 - np.eye(len(counts)))
    if not wrong.any():
        return None
    i, j = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    frequent = np.argsort(-counts.sum(axis=1), kind="stable")
    present = [int(k) for k in frequent if counts[k].sum() > 0]
    rarer = present[(len(present) + 1) // 2 :] or present
    named = words(finished[0]["palette"])
    pair = f"colour {i} ({named[i]}) given as {j} ({named[j]})"

    def read(field: str, choose: Callable[["Counts"], float]) -> Quantity:
        return reading.from_samples(
            runs, kept, f"confusion: {field}", field, "share",
            lambda arrays: choose(arrays["confusion"].astype(float)),
        )  # fmt: skip

    numbers = {
        "share": read(pair, lambda c: float(c[i, j] / c.sum())),
        "of_true": read(f"{pair}, of its pixels", lambda c: float(c[i, j] / c[i].sum())),
        "frequent": read(
            f"right of colour {present[0]} ({named[present[0]]}), the most frequent",
            lambda c: float(c[present[0], present[0]] / c[present[0]].sum()),
        ),
        "rare": read(
            "right of the rarer half of the colours",
            lambda c: float(c.diagonal()[rarer].sum() / c[rarer].sum()),
        ),
    }
    alt = _told(runs, named, (i, j, present[0]), numbers)
    picture = colour_errors(counts, finished[0]["palette"], named, alt, reading.datasets(runs))
    never = [k for k in present if not counts[k, k]]
    alike = np.array([[one == other for other in named] for one in named])
    kept_words = {named[k] for k in present if counts[k][alike[k]].any()}
    return ErrorsByColour(
        picture,
        named[i],
        named[j],
        never=over_all(
            f"{numbers['share'].name}.never", "colours of the truth without a right pixel in any run",
            len(never), "rows of confusion without a right pixel: {}", numbers["share"], form="count",
        ),
        lost=tuple(word for word in dict.fromkeys(named[k] for k in present) if word not in kept_words),
        **numbers,
    )  # fmt: skip


def calibration(runs: Sequence[Run]) -> Calibration | None:
    """Show how often a net is right where it gives its colour a certain probability (Guo et al., 2017).

    Args:
        runs: The runs of one experiment; those that diverged are left out of the picture.

    Returns:
        None where every run diverged, or one left no such counts.
    """
    import numpy as np

    kept = {run.seed: run.samples() for run in runs}
    if not (finished := _finished(runs, kept, "calibration")):
        return None

    def read(field: str, meaning: str, column: int) -> Quantity:
        return reading.from_samples(
            runs, kept, f"calibration: {field}", meaning, "share",
            lambda arrays: float(arrays["calibration"][:, column].sum() / arrays["calibration"][:, 0].sum()),
        )  # fmt: skip

    recorded = runs[0].kind["calibration_error"]
    error = reading.measure(runs, recorded.key, recorded.meaning, recorded.form)
    sure = read("mean probability", "mean of the highest probability", 1)
    right = read("share right", "pixels classified correctly, of those in bins of probability", 2)
    alt = (
        f"Reliability diagram of {net_name(runs)}: the share of right pixels against the probability that "
        f"the net gives its colour. On average it gives {_plain(sure)} and is right for {_plain(right)} of "
        f"the pixels; the expected calibration error is {_plain(error)}."
    )
    bins = np.sum([arrays["calibration"].astype(float) for arrays in finished], axis=0)
    return Calibration(reliability(bins, alt, reading.datasets(runs)), error, sure, right)


def _finished(runs: Sequence[Run], kept: Mapping[int, Arrays], name: str) -> list[Arrays]:
    """Return the samples of the runs that did not diverge; none where one of them lacks something."""
    finished = [kept[run.seed] for run in runs if not run.diverged]
    return finished if all(name in arrays for arrays in finished) else []


def _told(
    runs: Sequence[Run], named: Sequence[str], places: tuple[int, int, int], numbers: dict[str, Quantity]
) -> str:
    true, given, most = (named[place] for place in places)
    return (
        f"Errors of {net_name(runs)} by colour, a row for each of the colours that occur. Of the most "
        f"frequent, a {most}, {_plain(numbers['frequent'])} of the pixels are classified correctly, of the "
        f"rarer half of the colours {_plain(numbers['rare'])}. The most frequent confusion is of a {true} "
        f"with {'another' if true == given else 'a'} {given}: {_plain(numbers['of_true'])} of its pixels."
    )


def _plain(quantity: Quantity) -> str:
    return quantity.text.replace("\u00a0", " ")
