"""Answers to Part B of CSC413 2020, programming assignment 2: UNet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.numbers.family import family
from cnnreport.report.say import colourization, training
from cnnreport.report.say.colourization import sweep, versus
from cnnreport.report.say.colours import in_colour
from cnnreport.report.say.colours.skips import REPORTED, beats_table, cause, over_table, with_skips
from cnnreport.report.say.formulas.network import network
from cnnreport.runs.artefact import Run

from ..published import beside

CNN = "six-block-cnn"
UNET = "six-block-unet"
WIDENED = "six-block-cnn-widened"

BATCH = "six-block-unet-batch-"
UPDATES = "six-block-unet-updates-"
LONG = "six-block-unet-long-"

NOISE = "largest_rise"
"""The measure of the noise of the epochs' losses."""

COLUMNS = {
    "parameters": "weights",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "lab_distance": "CIELAB distance",
    "edges_predicted": "edge share",
}


def b1(runs: Runs) -> Answer:
    """Answer B1: the class that ran, its architecture and its counts."""
    return network(runs[UNET], runs.get(f"{UNET}-formulas", ()))


def b2(runs: Runs) -> Answer:
    """Answer B2: the training curves."""
    return colourization.training(runs[UNET])


def b3(runs: Runs) -> Answer:
    """Answer B3: whether skip connections help, and why; ``right_rate`` tells the CNN from that of A2."""
    compared = with_skips(runs[UNET], runs[CNN])
    return replace(
        compared,
        values={**compared.values, "right_rate": training.settings(runs[CNN])["learning_rate"]},
    )


def b3more(runs: Runs) -> Answer:
    """Answer what the two nets come to in all measures, seed by seed."""
    compared = versus(runs[UNET], runs[CNN], primary=REPORTED)
    over = {name: beats_table(runs[name]) for name in (UNET, CNN)}
    return replace(
        compared,
        decisions={"over_table": over_table(tuple(over.values()))},
        parts={"colouring": in_colour.colouring(runs[UNET], runs[CNN])},
        pictures={"losses": training.rival_curves(_named(runs, UNET, CNN), "loss")},
        grids={"nets": training.side_by_side(_named(runs, CNN, UNET), COLUMNS, "net", colourization.numbers)},
    )


def controls(runs: Runs) -> Answer:
    """Answer whether more weights alone would do as much as the skips."""
    net, unet, wide = runs[CNN], runs[UNET], "the widened net"
    compared = {
        # The question is whether the skips help a net of as many weights.
        "unet": versus(unet, runs[WIDENED], right_name=wide),
        "gain": versus(unet, net),
        "widened": versus(runs[WIDENED], net, left_name=wide),
    }
    losses = {name: each.contrasts["loss"] for name, each in compared.items()}
    # The gain is what B3 asks for, and is judged as it is there.
    judged = family(losses, ("unet", "gain"))
    contrasts = {**judged, "weights": compared["unet"].contrasts["parameters"]}
    rows = {training.net_name(net): net, wide: runs[WIDENED], training.net_name(unet): unet}
    return Answer(
        values={
            "filters": colourization.numbers(runs[WIDENED])["filters"],
            "filters_before": colourization.numbers(unet)["filters"],
        },
        contrasts=contrasts,
        verdicts={name: each.verdict for name, each in judged.items()},
        grids={"nets": training.side_by_side(rows, COLUMNS, "net", colourization.numbers)},
        decisions={"cause": cause(contrasts["gain"], contrasts["unet"], contrasts["weights"])},
        facts={"unet": training.net_name(unet), "net": training.net_name(net)},
    )


def b4(runs: Runs) -> Answer:
    """Answer B4: what the batch size changes in a fixed number of epochs."""
    groups = _of(runs, BATCH)
    swept = sweep(groups, (NOISE,))
    return replace(swept, facts={**swept.facts, "never_rose": all(map(_only_falls, chain(*groups)))})


def updates(runs: Runs) -> Answer:
    """Answer what the batch size changes in a fixed number of updates."""
    return sweep(_of(runs, UPDATES))


def b4long(runs: Runs) -> Answer:
    """Answer B4 once more, in as many epochs as B2 has."""
    swept, theirs = sweep([runs[UNET], *_of(runs, LONG)], (NOISE,)), beside(runs[f"{LONG}10"], "unet")
    return replace(swept, values={**swept.values, **theirs.values}, grids={**swept.grids, **theirs.grids})


def _only_falls(run: Run) -> bool:
    """Say whether the loss fell from each epoch to the next; one that is no number did not."""
    losses = [row[run.kind["loss"].key] for row in run.history]
    return all(after < before for before, after in pairwise(losses))


def _of(runs: Runs, prefix: str) -> list[Sequence[Run]]:
    """Return the runs of the experiments whose names begin so, one group for each."""
    return [group for name, group in runs.items() if name.startswith(prefix)]


def _named(runs: Runs, *names: str) -> Mapping[str, Sequence[Run]]:
    return {training.net_name(runs[name]): runs[name] for name in names}


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "b1": b1,
    "b1more": b1,
    "b2": b2,
    "b2more": b2,
    "b3": b3,
    "b3more": b3more,
    "controls": controls,
    "b4": b4,
    "updates": updates,
    "b4long": b4long,
}
