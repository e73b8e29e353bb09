"""Answers to Part C of CSC413 2020, programming assignment 2: a last layer fine-tuned, and what that costs."""

from collections.abc import Callable, Mapping

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say import fine_tuned

TUNED = "fine-tune-cross-entropy"
RANDOM = "fine-tune-random"
"""Declared by the report a2-writeup, whose question D.1 is the same: what it has run stands for this one."""


def c1(runs: Runs) -> Answer:
    """Answer C1: the code that picks the parameters to learn and trains them."""
    return fine_tuned.parameters(runs[TUNED])


def c2(runs: Runs) -> Answer:
    """Answer C2: the net frozen, its last layer replaced and trained."""
    return fine_tuned.trained(runs[TUNED])


def c2more(runs: Runs) -> Answer:
    """Answer what C2 rests on: data, weights, measures, baselines and a control."""
    return fine_tuned.basis(runs[TUNED], runs[RANDOM])


def c3(runs: Runs) -> Answer:
    """Answer C3: predictions for training and validation images, and what is wrong with them."""
    return fine_tuned.predictions(runs[TUNED])


def c3more(runs: Runs) -> Answer:
    """Answer which images the fine-tuned net predicts best and worst."""
    return fine_tuned.ranked(runs[TUNED])


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "c1": c1,
    "c2": c2,
    "c2more": c2more,
    "c3": c3,
    "c3more": c3more,
}
