"""Answers to Part A of CSC413 2021, programming assignment 2: PoolUpsampleNet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colours.errors import calibration, errors_by_colour
from cnnreport.report.say.colours.mistaken import mistaken
from cnnreport.report.say.colours.pictured import pictured
from cnnreport.report.say.formulas import derived, doubling
from cnnreport.report.say.formulas.network import network
from cnnreport.runs.artefact import Run

POOL_UPSAMPLE = "pool-upsample"
POOL_UPSAMPLE_FORMULAS = "pool-upsample-formulas"

# The conventions that A3 compares; the kernels alone are what a hint of 2022 asks for.
CONVENTIONS = (
    ("weights", "kernels"),
    ("weights", "kernels and biases"),
    ("weights", "learnable"),
    ("outputs", "layers"),
    ("outputs", "with normalisation"),
    ("connections", "convolutions"),
    ("connections", "layers"),
    ("connections", "layers, with biases"),
    ("connections", "layers, without padding"),
    ("connections", "layers, normalisation all to all"),
)

# Conventions under which a normalisation has weights and nothing else.
WEIGHTS_ALONE = {"weights": "learnable", "outputs": "layers", "connections": "layers"}

# What A2 may answer, from the weakest rule that the net does not surely beat to nothing that it lacks.
GOOD = ("below_flat", "near_flat", "below_table", "near_table", "blurred", "not_blurred")


def a1(runs: Runs) -> Answer:
    """Answer A1: the class that ran, and its architecture as another run traced it."""
    return network(runs[POOL_UPSAMPLE], runs.get(POOL_UPSAMPLE_FORMULAS, ()))


def a2(runs: Runs) -> Answer:
    """Answer A2: how well the trained net colours, and why not better."""
    chosen = runs[POOL_UPSAMPLE]
    trained = colourization.training(chosen)
    values = {**trained.values, **_comparisons(chosen, trained.values)}
    verdicts = {**trained.verdicts, **_verdicts(values)}
    decisions = {**trained.decisions, "good": Decision("do the results look good", _good(verdicts), GOOD)}
    parts = {
        "pictured": pictured(chosen),
        "mistaken": mistaken(chosen),
        "errors": errors_by_colour(chosen),
        "calibration": calibration(chosen),
    }
    return replace(trained, values=values, verdicts=verdicts, decisions=decisions, parts=parts)


def a3(runs: Runs) -> Answer:
    """Answer A3: weights, outputs and connections as formulas, for the input and for twice its size."""
    derivation = derived.derivation(runs[POOL_UPSAMPLE_FORMULAS][0])
    others = tuple(derivation.total(quantity, name) for quantity, name in CONVENTIONS)
    return Answer(
        parts={"net": derivation, "others": others},
        decisions={**doubling.doubling(derivation.six), "loose": doubling.loose(others)},
        facts={
            "odd_kernel": any(letter.name == "k" and letter.odd for letter in derivation.proof.letters),
            "weights_alone": derivation.used == WEIGHTS_ALONE,
            "without_padding": any(doubling.WITHOUT_PADDING in total.name for total in others),
        },
    )


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


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"a1": a1, "a2": a2, "a2more": a2, "a3": a3, "a3more": a3}
