"""What the runs about grey levels say: the rules beside the nets, and why a net may stay behind the table."""

from collections.abc import Mapping, Sequence

from cnnreport.report.answer import Answer, Grid
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine
from cnnreport.report.numbers.reading import datasets
from cnnreport.report.numbers.verdict import exceeds
from cnnreport.report.say import colourization, training
from cnnreport.runs.artefact import Run

RULES = {
    "table": "the table",
    "linear": "scores linear in the grey",
    "flat": "the same, no steeper than {}’s",
}
"""The rules, and what a reader calls them."""

COULD = ("more", "no_more", "unclear")
"""Whether linear scores have a lower loss than the net that could give them, so that it could, too."""

STEEP = ("too_steep", "in_reach")
"""Whether slopes as those of the best linear scores are farther apart than a training could bring them."""


def greys(runs: Sequence[Run], trained: Sequence[Run], nets: Mapping[str, Sequence[Run]]) -> Answer:
    """Return what a section prints about the grey level of a pixel.

    Args:
        runs: Those about grey levels.
        trained: The trainings whose nets they read.
        nets: Trainings that stand in the table, by what a reader calls them.

    Returns:
        ``values``: what the kind records; ``moved``, how far Adam may move a weight, and ``reach``, how far
        that brings two slopes apart; ``net_accuracy``, ``net_loss``; ``verdicts`` and ``decisions``:
        ``could``, whether linear scores have a lower loss than the trained net; ``steep``; ``grids``:
        ``rules``; ``facts``: ``net``.

    Raises:
        UsageError: A run lacks something.
    """
    values, theirs, net = training.numbers(runs), colourization.numbers(trained), training.net_name(trained)
    name = training.experiment_of(runs)
    values["moved"] = combine(
        f"{name}.moved",
        "learning rate times updates",
        "{} times {}",
        lambda rate, updates: rate * updates,
        theirs["learning_rate"],
        theirs["updates"],
        form="ratio",
    )
    values["reach"] = combine(
        f"{name}.reach",
        "how far apart a training may move the sums of two kernels",
        "2 times {} times {} squared",
        lambda moved, kernel: 2 * moved * kernel**2,
        values["moved"],
        theirs["kernel"],
        form="factor",
    )
    values |= {"net_loss": theirs["loss"], "net_accuracy": theirs["accuracy"]}
    # Dividing all scores by one number leaves the highest where it is: steepness bears on the loss alone.
    below = combine(
        f"{name}.below_net",
        f"loss of {net} above that of linear scores",
        "{} minus {}",
        lambda loss, linear: loss - linear,
        theirs["loss"],
        values["linear_loss"],
        form="loss",
    )
    better = exceeds(f"Scores linear in the grey have a lower loss than {net}", below)
    outcome = "more" if better.yes else "no_more" if better.no else "unclear"
    return Answer(
        values=values,
        verdicts={"could": better},
        decisions={
            "could": Decision("whether linear scores have a lower loss than the net", outcome, COULD),
            "steep": Decision(
                "whether the training can make the net’s scores as steep",
                "too_steep" if values["reach"].mean < values["linear_span"].mean else "in_reach",
                STEEP,
            ),
        },
        grids={"rules": Grid(("rule", "loss", "accuracy"), _rows(values, net, nets), datasets(runs))},
        facts={"net": net},
    )


def _rows(
    values: Mapping[str, Quantity], net: str, nets: Mapping[str, Sequence[Run]]
) -> tuple[tuple[str, Quantity, Quantity], ...]:
    rules = [
        (words.format(net), values[f"{rule}_loss"], values[f"{rule}_accuracy"])
        for rule, words in RULES.items()
    ]
    trained = ((words, colourization.numbers(runs)) for words, runs in nets.items())
    return (*rules, *((words, each["loss"], each["accuracy"]) for words, each in trained))
