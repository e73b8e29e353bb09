"""Two trainings compared: which numbers differ, what the seeds make of it, and the pictures of both."""

from collections.abc import Mapping, Sequence

from cnnreport.report import answer
from cnnreport.report.answer import Answer
from cnnreport.report.numbers.contrast import contrasts
from cnnreport.report.numbers.quantity import Quantity
from cnnreport.report.say import colourization
from cnnreport.runs.artefact import Run

COMPARED = ("loss", "train_loss", "accuracy", "top3", "rgb_distance", "lab_distance", "edges_predicted",
            "colour_share", "first_loss", "parameters")  # fmt: skip
"""The numbers compared, in the order of the table; ``first_loss`` is that after one epoch."""

TRUTH = ("edges_off", "colours_off")
"""How far the predictions are from the truth in numbers that should be neither low nor high."""


def versus(left: Sequence[Run], right: Sequence[Run], left_name: str = "", right_name: str = "") -> Answer:
    """Compare one training with another.

    Args:
        left: The runs of the training that is judged.
        right: Those of the training beside which it stands.
        left_name: What the text calls the first; the class of its net where it is left out.
        right_name: What the text calls the second.

    Returns:
        ``contrasts``: those of `COMPARED` and `TRUTH`; ``values``: what is told of the left runs;
        ``verdicts``: that of each contrast;
        ``facts``: ``left``, ``right``, ``several``, ``all_lost``, ``same_weights``.

    Raises:
        UsageError: The two have different seeds.
    """
    names = left_name or colourization.net_name(left), right_name or colourization.net_name(right)
    mine, theirs = told(left), told(right)
    found = contrasts((*COMPARED, *TRUTH), mine, theirs, *names)
    return Answer(
        values=mine,
        contrasts=found,
        verdicts={name: each.verdict for name, each in found.items()},
        facts={
            "left": names[0],
            "right": names[1],
            "several": found["loss"].verdict.sure,
            "all_lost": found["loss"].unknown,
            "same_weights": found["parameters"].difference.mean == 0,
        },
    )


def told(runs: Sequence[Run]) -> Mapping[str, Quantity]:
    """Return the numbers of a training that may be compared."""
    return {
        **colourization.numbers(runs),
        "first_loss": answer.from_history(
            runs,
            "validation_loss",
            "validation loss after one epoch",
            "loss",
            lambda losses: losses[0],
            "first epoch",
        ),
    }
