"""How height and width of an image shrink from layer to layer, as a trace of the net has it."""

import re
from dataclasses import dataclass
from itertools import groupby

from cnnreport.report.numbers.quantity import Quantity, over_all
from cnnreport.report.say.formulas.derived import Derivation, Letter

_SIDE = re.compile(r"(?:(?P<times>\d*)(?P<letter>[A-Za-z]\w*))?(?:(?P<sign> [+−] )?(?P<rest>\d+))?")


@dataclass(frozen=True)
class Side:
    """A side of the maps between two layers.

    Args:
        text: As the trace has it, such as ``2h − 4``.
        value: The same for the letter's value; None where it is no multiple of the one letter and a number.
    """

    text: str
    value: Quantity | None


def sides(net: Derivation) -> tuple[Side, ...]:
    """Return the sides of a net's maps, from the input on, each once where it stays."""
    shapes = [net.input.text, *(layer.output.text for layer in net.layers)]
    texts = [shape.split(" × ")[-1].strip("()") for shape in shapes if shape.count(" × ") == 2]
    return tuple(Side(text, _value(text, net.proof.letters[0])) for text, _ in groupby(texts))


def _value(text: str, letter: Letter) -> Quantity | None:
    found = _SIDE.fullmatch(text)
    if found is None or letter.value is None or found["letter"] != letter.name:
        return None
    rest = int(found["rest"] or 0) * (-1 if "−" in (found["sign"] or "") else 1)
    value = int(found["times"] or 1) * letter.value.mean + rest
    origin = letter.value
    return over_all(
        f"{origin.name}.side.{text}", f"side {text}", value, f"{text} of {{}}", origin, form="count"
    )
