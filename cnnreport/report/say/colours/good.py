"""Whether the pictures of a trained net look good: beside simple rules, by their edges and specks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnreport.report.answer import Answer
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colours.errors import calibration, errors_by_colour
from cnnreport.report.say.colours.mistaken import mistaken
from cnnreport.report.say.colours.pictured import pictured
from cnnreport.report.say.colours.words import bounds
from cnnreport.runs.artefact import Run

GOOD = ("below_flat", "near_flat", "below_table", "near_table", "blurred", "not_blurred")
"""What may be answered, from the weakest rule that the net does not surely beat to nothing that it lacks."""


def coloured(runs: Sequence[Run]) -> Answer:
    """Return what a section prints that asks whether the results of a training look good.

    Args:
        runs: The runs of one experiment, sorted by seed (CSC413 2020 to 2022, programming assignment 2, A2).

    Returns:
        What `colourization.training` says; further ``values`` and ``verdicts`` beside guessing, one flat
        colour and a table from grey level to colour; ``decisions``: ``good``; ``parts``: ``pictured``,
        ``mistaken``, ``errors``, ``calibration``, and ``bounds`` of the words grey, black and white.
    """
    trained = colourization.training(runs)
    values = {**trained.values, **_comparisons(runs, trained.values)}
    verdicts = {**trained.verdicts, **_verdicts(values)}
    decisions = {**trained.decisions, "good": Decision("do the results look good", _good(verdicts), GOOD)}
    parts = {
        "pictured": pictured(runs),
        "mistaken": mistaken(runs),
        "errors": errors_by_colour(runs),
        "calibration": calibration(runs),
        "bounds": bounds(),
    }
    return replace(trained, values=values, verdicts=verdicts, decisions=decisions, parts=parts)


def _comparisons(runs: Sequence[Run], values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    experiment = training.experiment_of(runs)

    def less(name: str, meaning: str, left: str, right: str) -> Quantity:
        whole = values[left].form
        form = "points" if whole == "share" else whole
        return difference(f"{experiment}.{name}", meaning, values[left], values[right], form)

    return {
        "over_chance": less("over_chance", "accuracy above guessing", "accuracy", "chance"),
        "over_frequent": less(
            "over_frequent", "accuracy above the most frequent colour", "accuracy", "frequent"
        ),
        "edges_missing": less(
            "edges_missing", "edge share, true minus predicted", "edges_true", "edges_predicted"
        ),
        "specks_more": less(
            "specks_more", "isolated pixels, predicted minus true", "speck_share", "speck_share_truth"
        ),
    }


def _verdicts(values: Mapping[str, Quantity]) -> dict[str, Verdict]:
    return {
        "beats_chance": exceeds("The net is better than guessing", values["over_chance"]),
        "beats_frequent": exceeds(
            "The net is better than the most frequent colour everywhere", values["over_frequent"]
        ),
        "blurred": exceeds("The predictions have fewer edges than the truth", values["edges_missing"]),
        "speckled": exceeds(
            "The predictions have more isolated pixels than the truth", values["specks_more"]
        ),
    }


def _good(verdicts: Mapping[str, Verdict]) -> str:
    """Judge by the weakest rule that the net does not surely beat, then by the edges of its pictures."""
    for name, rule in (("beats_frequent", "flat"), ("beats_table", "table")):
        if not verdicts[name].yes:
            return f"near_{rule}" if verdicts[name].open else f"below_{rule}"
    return "blurred" if verdicts["blurred"].yes else "not_blurred"
