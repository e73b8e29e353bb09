"""Answers to Part A of CSC413 2020, programming assignment 2: the six-block CNN; A4 has a file of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say import training
from cnnreport.report.say.colourization import prediction_row, versus
from cnnreport.report.say.colours.good import coloured
from cnnreport.report.say.formulas.audits import audit
from cnnreport.report.say.formulas.network import network
from cnnreport.report.say.formulas.six_values import six_values
from cnnreport.runs.artefact import Run

from ..greys import say as grey_levels
from ..published import beside
from ..rates import rates as over_rates

CNN = "six-block-cnn"
PUBLISHED = "six-block-cnn-published"
RATE = "six-block-cnn-rate-"
BETWEEN = f"{RATE}0-03"
"""The rate between the two that every build tries."""

UNET = "six-block-unet"
GREYS = "six-block-greys"
SHEET = "six-block-sheet-"


def a1(runs: Runs) -> Answer:
    """Answer A1: the class that ran, and its architecture as another run traced it."""
    return network(runs[PUBLISHED], runs.get(f"{CNN}-formulas", ()))


def _rate(runs: Sequence[Run]) -> str:
    return f"a rate of {training.settings(runs)['learning_rate'].text}"


def _coloured(runs: Sequence[Run]) -> Answer:
    """Return what is said of a training, with claims that tell the two of one net apart."""
    shown = coloured(runs)
    claims = {
        name: replace(verdict, claim=f"{verdict.claim}, with {_rate(runs)}")
        for name, verdict in shown.verdicts.items()
    }
    return replace(shown, verdicts=claims)


def _with_comparison(shown: Answer, runs: Runs) -> Answer:
    """Return an answer with the numbers of the published rate against those of the smaller one."""
    names = _rate(runs[PUBLISHED]), _rate(runs[CNN])
    compared = versus(runs[PUBLISHED], runs[CNN], *names)
    return replace(
        shown,
        contrasts=compared.contrasts,
        verdicts={**shown.verdicts, **compared.verdicts},
        facts={
            **shown.facts,
            "left": names[0],
            "right": names[1],
            "compared": not compared.facts["all_lost"],
        },
    )


def a2(runs: Runs) -> Answer:
    """Answer A2: whether the results look good, with the published learning rate and with a smaller one.

    Returns:
        What `coloured` says of the published rate; ``contrasts``: its numbers against those of the smaller
        rate; ``parts``: ``smaller``, what `coloured` says of that; ``pictures``: ``smaller``, its row.
    """
    shown = _with_comparison(_coloured(runs[PUBLISHED]), runs)
    row = prediction_row(runs[CNN], f"the same net trained with {_rate(runs[CNN])}", runs[PUBLISHED])
    return replace(
        shown,
        parts={**shown.parts, "smaller": _coloured(runs[CNN])},
        pictures={**shown.pictures, "smaller": row},
    )


def a2more(runs: Runs) -> Answer:
    """Answer how well the net colours with the published rate, in full."""
    shown, theirs = _coloured(runs[PUBLISHED]), beside(runs[PUBLISHED], "cnn")
    return replace(shown, values={**shown.values, **theirs.values}, grids=theirs.grids)


def a2smaller(runs: Runs) -> Answer:
    """Answer how well the net colours with the smaller rate, and compare the two in all measures."""
    return _with_comparison(_coloured(runs[CNN]), runs)


def rates(runs: Runs) -> Answer:
    """Answer what the learning rate does, from a rate between the two."""
    return over_rates([made for name in (CNN, BETWEEN, PUBLISHED) if (made := runs.get(name))])


def ratesfull(runs: Runs) -> Answer:
    """Answer the same from all rates: of the full build."""
    return over_rates(
        [made for name, made in runs.items() if name in (CNN, PUBLISHED) or name.startswith(RATE)],
        "six-block-cnn.all-rates",
    )


def greys(runs: Runs) -> Answer:
    """Answer how much of its colour the grey of a pixel tells, and what keeps a net from telling as much."""
    unet = runs[UNET]
    nets = {
        **{f"{training.net_name(runs[name])}, {_rate(runs[name])}": runs[name] for name in (PUBLISHED, CNN)},
        training.net_name(unet): unet,
    }
    return grey_levels.greys(runs[GREYS], unet, nets)


def a3(runs: Runs) -> Answer:
    """Answer A3: weights, outputs and connections as formulas, for the input and for twice its size."""
    return six_values(runs[f"{CNN}-formulas"][0])


def sheets(runs: Runs) -> Answer:
    """Answer what is wrong with three answer sheets to A3 that were written with a slip each."""
    made = {
        name.removeprefix(SHEET): audit(run) for name, (run, *_) in runs.items() if name.startswith(SHEET)
    }
    return Answer(parts={"sheets": made})


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "a1": a1,
    "a2": a2,
    "a2more": a2more,
    "a2smaller": a2smaller,
    "rates": rates,
    "ratesfull": ratesfull,
    "greys": greys,
    "a3": a3,
    "a3more": a3,
    "sheets": sheets,
}
