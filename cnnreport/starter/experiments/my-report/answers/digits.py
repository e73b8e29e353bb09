"""How the runs become answers, one for each section of templates/my-report/report.toml."""

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say import classification, training
from cnnreport.report.say.formulas import network
from cnnreport.report.say.versus import versus

COMPARED = ("accuracy", "loss", "train_accuracy", "parameters")
"""The numbers by which the nets are compared, the one that decides first."""


def nets(runs: Runs) -> Answer:
    """Answer what the nets are: their classes, and their counts as formulas."""
    return network.networks(
        {"linear": (runs["linear"], runs["linear-formulas"]), "conv": (runs["conv"], runs["conv-formulas"])}
    )


def trainings(runs: Runs) -> Answer:
    """Answer how the trainings went: one curve for each net."""
    rivals = {training.net_name(runs[name]): runs[name] for name in ("linear", "conv")}
    return Answer(
        values=training.numbers(runs["conv"]),
        pictures={name: training.rival_curves(rivals, name) for name in ("loss", "accuracy")},
        grids={
            "final": training.side_by_side(
                rivals,
                {"accuracy": "accuracy", "train_accuracy": "training accuracy", "loss": "loss"},
                "net",
            )
        },
        facts=training.facts(runs["conv"]),
    )


def comparison(runs: Runs) -> Answer:
    """Answer which net reads digits better, over all seeds, and what the better one gets wrong."""
    compared = versus(runs["conv"], runs["linear"], COMPARED)
    conv = classification.classification(runs["conv"])
    return Answer(
        values=conv.values,
        contrasts=compared.contrasts,
        verdicts=compared.verdicts,
        pictures=conv.pictures,
        facts={**conv.facts, **compared.facts},
    )


ANSWERS = {"nets": nets, "training": trainings, "comparison": comparison}
