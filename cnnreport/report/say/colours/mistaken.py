"""Which colours a net mistakes for which, over all validation images, in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say.colours.words import words
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    import numpy as np

    Counts = np.ndarray[Any, np.dtype[np.float64]]
    """Shape (W, W): of W words, the share of all pixels by the word of the right colour and of the given."""


@dataclass(frozen=True)
class Word:
    """All colours of a palette that have one word.

    Args:
        word: Such as ``brown``.
        true: The share of the pixels whose right colour has it.
        predicted: The share of the pixels that were given such a colour.
    """

    word: str
    true: Quantity
    predicted: Quantity


@dataclass(frozen=True)
class Mistaken:
    """What happens to colours.

    Args:
        gained: The word that is given too often by most.
        lost: The word that is given too seldom by most.
        true: The word of the right colour in the most frequent mistake between words.
        painted: The word that is given in its place.
        share: The share of all pixels of this mistake.
        of_true: Its share of the pixels whose right colour has the first word.
        kept: The share of all pixels that were given a colour of the right word.
    """

    gained: Word
    lost: Word
    true: str
    painted: str
    share: Quantity
    of_true: Quantity
    kept: Quantity


def mistaken(runs: Sequence[Run], like: Mistaken | None = None) -> Mistaken | None:
    """Say which colours are given too often, and which are mistaken for which.

    The words are chosen by all runs that did not diverge together; each number has a value for each run.

    Args:
        runs: The runs of one experiment.
        like: What another net mistakes, to ask of the same two words; the most frequent where left out.

    Returns:
        None where every run diverged, one left no counts of colours, or there is but one word.
    """
    import numpy as np

    kept = {run.seed: run.samples() for run in runs}
    finished = [kept[run.seed] for run in runs if not run.diverged]
    if not finished or any("confusion" not in arrays for arrays in finished):
        return None
    named = words(finished[0]["palette"])
    order = sorted(set(named))
    if len(order) < 2:
        return None
    together = sum((_shares(arrays, named, order) for arrays in finished), np.zeros((len(order),) * 2))
    surplus = together.sum(0) - together.sum(1)
    wrong = np.where(np.eye(len(order), dtype=bool), 0.0, together)
    row, column = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    if like is not None:
        row, column = order.index(like.true), order.index(like.painted)

    def read(field: str, meaning: str, choose: Callable[["Counts"], float]) -> Quantity:
        return reading.from_samples(
            runs, kept, f"confusion: {field}", meaning, "share",
            lambda arrays: choose(_shares(arrays, named, order)),
        )  # fmt: skip

    def word(place: int) -> Word:
        name = order[place]
        return Word(
            name,
            read(f"rows called {name}", f"share of {name}, true", lambda c: float(c[place].sum())),
            read(f"columns called {name}", f"share of {name}, predicted", lambda c: float(c[:, place].sum())),
        )

    pair = f"{order[row]} given as {order[column]}"
    return Mistaken(
        gained=word(int(surplus.argmax())),
        lost=word(int(surplus.argmin())),
        true=order[row],
        painted=order[column],
        share=read(pair, pair, lambda c: float(c[row, column])),
        of_true=read(f"{pair}, of {order[row]}", f"{pair}, of {order[row]}",
                     lambda c: float(c[row, column] / c[row].sum())),
        kept=read("right word", "pixels given a colour of the right word", lambda c: float(c.trace())),
    )  # fmt: skip


def _shares(arrays: Arrays, named: Sequence[str], order: Sequence[str]) -> "Counts":
    """Add up the colours (NC, NC) that have one word, as shares of all pixels."""
    import numpy as np

    belongs = np.array([[name == word for word in order] for name in named], float)
    counts = belongs.T @ arrays["confusion"].astype(float) @ belongs
    shares: Counts = counts / counts.sum()
    return shares
