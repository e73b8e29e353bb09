"""Answers to Part A of CSC413 2021, programming assignment 2: PoolUpsampleNet."""

from collections.abc import Callable, Mapping

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say.colours.good import coloured
from cnnreport.report.say.formulas.network import network
from cnnreport.report.say.formulas.six_values import six_values

POOL_UPSAMPLE = "pool-upsample"
POOL_UPSAMPLE_FORMULAS = "pool-upsample-formulas"


def a1(runs: Runs) -> Answer:
    """Answer A1: the class that ran, and its architecture as another run traced it."""
    return network(runs[POOL_UPSAMPLE], runs.get(POOL_UPSAMPLE_FORMULAS, ()))


def a2(runs: Runs) -> Answer:
    """Answer A2: how well the trained net colours, and why not better."""
    return coloured(runs[POOL_UPSAMPLE])


def a3(runs: Runs) -> Answer:
    """Answer A3: weights, outputs and connections as formulas, for the input and for twice its size."""
    return six_values(runs[POOL_UPSAMPLE_FORMULAS][0])


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"a1": a1, "a2": a2, "a2more": a2, "a3": a3, "a3more": a3}
