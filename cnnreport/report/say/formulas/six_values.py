"""The six values of question A3: weights, outputs and connections, for an input and for twice its size."""

from cnnreport.report.answer import Answer
from cnnreport.report.say.formulas import derived, doubling
from cnnreport.runs.artefact import Run

# The conventions that A3 compares; the kernels alone are what a hint of 2022 asks for.
_CONVENTIONS = (
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
_WEIGHTS_ALONE = {"weights": "learnable", "outputs": "layers", "connections": "layers"}


def six_values(run: Run) -> Answer:
    """Return what a section about the counts of a net prints.

    Args:
        run: The run that derived them (CSC413 2020 to 2022, programming assignment 2, question A3).

    Returns:
        ``parts``: ``net``, the derivation, and ``others``, its totals under other conventions;
        ``decisions``: what doubling the input does to each count, and ``loose``, why some totals have no
        fixed factor; ``facts``: ``odd_kernel``, ``weights_alone`` (normalisations have weights and nothing
        else), ``without_padding``.
    """
    derivation = derived.derivation(run)
    others = tuple(derivation.total(quantity, name) for quantity, name in _CONVENTIONS)
    return Answer(
        parts={"net": derivation, "others": others},
        decisions={**doubling.doubling(derivation.six), "loose": doubling.loose(others)},
        facts={
            "odd_kernel": any(letter.name == "k" and letter.odd for letter in derivation.proof.letters),
            "weights_alone": derivation.used == _WEIGHTS_ALONE,
            "without_padding": any(doubling.WITHOUT_PADDING in total.name for total in others),
        },
    )
