"""Which colours nets get right: their errors by the word of the right colour, over all validation images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnreport.report.answer import Grid
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.say.colours.words import words
from cnnreport.report.say.training import experiment_of, net_name
from cnnreport.runs.artefact import Run

if TYPE_CHECKING:
    from cnnreport.report.say.colours.mistaken import Counts

SHOWN = 6
"""How many words a table has: the most frequent ones of the truth."""


@dataclass(frozen=True)
class Kept:
    """A word of the truth, and how often two nets give its pixels a colour that has it too.

    Args:
        word: Such as ``brown``.
        share: The share of the pixels whose right colour has it.
        right: How many of these the net gives such a colour that the other is compared with.
        left: The same for the net that is compared.
        gain: How the two differ, corrected for the number of words.
    """

    word: str
    share: Quantity
    right: Quantity
    left: Quantity
    gain: Contrast


def by_colour(left: Sequence[Run], right: Sequence[Run]) -> tuple[Kept, ...]:
    """Compare two nets by the colours that they get right, whatever the shade.

    Args:
        left: The runs of the net that is compared.
        right: Those of the net that it is compared with.

    Returns:
        The most frequent words of the truth, at most `SHOWN`, the most frequent one first; none where a net
        has no run that came through, or one left no counts of colours.
    """
    arrays = [{run.seed: run.samples() for run in runs} for runs in (left, right)]
    finished = [[run for run in runs if not run.diverged] for runs in (left, right)]
    if not all(finished) or any("confusion" not in each for kept in arrays for each in kept.values()):
        return ()
    shown = arrays[0][finished[0][0].seed]
    named = words(shown["palette"])
    frequent = {word: _true(shown, named, word) for word in sorted(set(named))}
    chosen = [word for word in sorted(frequent, key=lambda word: -frequent[word])[:SHOWN] if frequent[word]]
    right_of = "{} pixels given a colour of that name"
    true = [_read(left, arrays[0], word, "pixels that are {}", _true) for word in chosen]
    theirs = [_read(right, arrays[1], word, right_of, _right) for word in chosen]
    mine = [_read(left, arrays[0], word, right_of, _right) for word in chosen]
    compared = f"{experiment_of(left)}.less.{experiment_of(right)}.kept"
    gains = family({
        word: contrast(f"{compared}.{word}", a, b, net_name(left), net_name(right))
        for word, a, b in zip(chosen, mine, theirs, strict=True)
    })  # fmt: skip
    return tuple(map(Kept, chosen, true, theirs, mine, gains.values()))


def table(kept: Sequence[Kept], left: Sequence[Run], right: Sequence[Run]) -> Grid:
    """Return them as a table, a row for each word; p, where there is one, is the corrected one."""
    columns = ["colour", "of the pixels", *(net_name(runs) for runs in (left, right)), "difference"]
    tested = any(each.gain.adjusted for each in kept)
    rows = tuple(
        (each.word, each.share, each.left, each.right, each.gain.difference,
         *((each.gain.adjusted or (),) if tested else ()))
        for each in kept
    )  # fmt: skip
    columns += ["p"] * tested
    return Grid(tuple(columns), rows, reading.datasets(left))


def _read(
    runs: Sequence[Run],
    samples: Mapping[int, Arrays],
    word: str,
    what: str,
    choose: Callable[[Arrays, Sequence[str], str], float],
) -> Quantity:
    meaning = f"{what.format(word)}, {experiment_of(runs)}"
    return reading.from_samples(
        runs,
        samples,
        f"confusion: {what.format(word)}",
        meaning,
        "share",
        lambda arrays: choose(arrays, words(arrays["palette"]), word),
    )


def _true(arrays: Arrays, named: Sequence[str], word: str) -> float:
    counts: Counts = arrays["confusion"].astype(float)
    return float(counts[[name == word for name in named]].sum() / counts.sum())


def _right(arrays: Arrays, named: Sequence[str], word: str) -> float:
    places = [name == word for name in named]
    rows: Counts = arrays["confusion"].astype(float)[places]
    return float(rows[:, places].sum() / rows.sum()) if rows.sum() else 0.0
