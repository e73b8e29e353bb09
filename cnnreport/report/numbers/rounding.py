"""What printing does to numbers: whether a difference is what a reader gets who subtracts."""

from decimal import Decimal, InvalidOperation

from cnnreport.kinds.digits import MINUS, NARROW
from cnnreport.report.numbers.quantity import Quantity


def adds_up(difference: Quantity, left: Quantity, right: Quantity) -> bool:
    """Say whether a printed difference, or its size, is that of the numbers printed beside it.

    A difference is taken of the numbers as they are and rounded after that: to round first would print a
    number that no run gives. So its last digit may be off by one from what a reader computes, which the text
    then has to say.

    Args:
        difference: The one number less the other, or the size of that.
        left: The one number.
        right: The other.

    Returns:
        True also where there is nothing to subtract: a number that is not finite, or has a unit of its own.
    """
    printed = [_printed(quantity) for quantity in (difference, left, right)]
    if None in printed:
        return True
    shown, one, other = (number or Decimal(0) for number in printed)
    return abs(shown) == abs(one - other)


def _printed(quantity: Quantity) -> Decimal | None:
    """Return a number as it is printed; None where that is no plain number."""
    text = quantity.show(quantity.mean).replace(MINUS, "-").replace(NARROW, "")
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
