"""Two trainings of a kind compared: which numbers differ, and what the seeds make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnreport.errors import UsageError
from cnnreport.report.answer import Answer
from cnnreport.report.numbers.contrast import contrasts, seed_margins
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say import training
from cnnreport.report.say.training import Numbers
from cnnreport.runs.artefact import Run


def versus(
    left: Sequence[Run],
    right: Sequence[Run],
    names: Sequence[str],
    left_name: str = "",
    right_name: str = "",
    read: Numbers = training.numbers,
) -> Answer:
    """Compare one training with another, seed by seed.

    Where the left one has fewer seeds, the right one is cut down to the same. If that leaves one seed, what
    two runs differ by that differ in their seed alone, as the right runs show it, decides.

    Args:
        left: The runs of the training that is compared.
        right: Those of the training that it is compared with.
        names: Which numbers to compare, the one that matters most first.
        left_name: What the text calls the first; the class of its net where it is left out.
        right_name: What the text calls the second.
        read: Reads the numbers.

    Returns:
        ``contrasts``: those of `names`; ``verdicts``: that of each; ``values``: ``margin``, for the first
        of `names`, where margins decide; ``facts``: ``left``, ``right``, ``several`` (whether an interval
        over seeds decides of the first), ``all_lost``.

    Raises:
        UsageError: The left runs have a seed that the right ones lack.
    """
    called = left_name or training.net_name(left), right_name or training.net_name(right)
    mine, theirs = read(left), _of_seeds(right, [run.seed for run in left], read)
    margins = seed_margins(names, read(right)) if len(left) < len(right) else {}
    compared = contrasts(names, mine, theirs, *called, margins)
    first = compared[names[0]]
    return Answer(
        values={} if first.margin is None else {"margin": first.margin},
        contrasts=compared,
        verdicts={name: each.verdict for name, each in compared.items()},
        facts={
            "left": called[0],
            "right": called[1],
            "several": first.verdict.sure,
            "all_lost": first.unknown,
        },
    )


def _of_seeds(runs: Sequence[Run], seeds: Sequence[int], read: Numbers) -> Mapping[str, Quantity]:
    """Return the numbers of the runs of some seeds, under names of their own if these are not all."""
    kept = [run for run in runs if run.seed in seeds]
    if len(kept) < len(seeds):
        raise UsageError(
            f"the runs of {training.experiment_of(runs)} lack a seed that they are compared by",
            "build again so that all have the same",
        )
    if len(kept) == len(runs):
        return read(runs)
    which = ", ".join(map(str, seeds))
    return {
        name: replace(number, name=f"{number.name} (seed {which})") for name, number in read(kept).items()
    }
