"""A net as a section shows it: the class that ran, its settings, its drawing and its counts."""

from collections.abc import Mapping, Sequence

from cnnreport.report.answer import Answer
from cnnreport.report.draw import architecture
from cnnreport.report.numbers import reading
from cnnreport.report.say import training
from cnnreport.report.say.formulas import derived
from cnnreport.runs.artefact import Run

# Beyond this height, in millimetres, the drawing of a net is folded over columns.
DRAWING = 44.0


def networks(nets: Mapping[str, tuple[Sequence[Run], Sequence[Run]]]) -> Answer:
    """Return what a section about several nets prints.

    Args:
        nets: By a name of each, the runs that trained it and those that derived its counts.

    Returns:
        What `network` returns of each, under the name in place of ``net``; without ``values``.
    """
    answers = {name: network(*runs) for name, runs in nets.items()}
    return Answer(
        pictures={name: each.pictures["net"] for name, each in answers.items() if each.pictures},
        listings={name: each.listings["net"] for name, each in answers.items()},
        parts={name: each.parts["net"] for name, each in answers.items() if each.parts},
        facts={name: each.facts["net"] for name, each in answers.items()},
    )


def network(runs: Sequence[Run], derivations: Sequence[Run]) -> Answer:
    """Return what a section about a net prints.

    Args:
        runs: The runs that trained it; their listing is the class that ran.
        derivations: The run that derived its counts, where there is one: gives the drawing too.

    Returns:
        ``values``: the settings; ``listings``: ``net``; ``parts`` and ``pictures``: ``net``, where there
        is a derivation; ``facts``: ``net``, the class's name.
    """
    name = training.net_name(runs)
    parts = {"net": derived.derivation(derivations[0])} if derivations else {}
    return Answer(
        values=training.settings(runs),
        pictures={
            key: architecture.draw(net.boxes(), net.input.text, net.described(), DRAWING)
            for key, net in parts.items()
        },
        listings={"net": reading.listing(runs, name)},
        parts=parts,
        facts={"net": name},
    )
