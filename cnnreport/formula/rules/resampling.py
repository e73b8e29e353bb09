"""Adaptive pooling and upsampling along one axis: how many outputs, and how many inputs they read.

Sources: the documentation of torch.nn.functional.adaptive_avg_pool2d and interpolate; for the rounding
of sizes and places, compute_output_size and area_pixel_compute_source_index in ATen's UpSample.h.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.rules.windows import quotient
from cnnreport.formula.symbols import Count, simple

ROUNDING = Fraction(1, 10**9)
"""A weight of no more than this comes of rounding a place that lies upon an input."""

LARGEST_DENOMINATOR = 64
"""Of a scale that goes with letters: a proof takes as many sizes at least."""

LARGEST_SIZE = 1_000_000
"""Sizes with letters up to which a scale is tried: no image is larger."""


def adaptive_taps(size: Count, wanted: Count) -> Count:
    """Count the inputs that adaptive pooling reads, over all outputs along one axis.

    Raises:
        UsageError: The number has no closed form in these symbols.
    """
    if isinstance(size, int) and isinstance(wanted, int):
        return sum(-(-(i + 1) * size // wanted) - i * size // wanted for i in range(wanted))
    if sympy.sympify(size / sympy.sympify(wanted)).is_integer:
        return size
    raise UsageError(f"{size} inputs do not divide into {wanted} windows", "give the input size as a number")


def linear_taps(size: Count, outputs: Count, factor: Any, corners: bool) -> Count:
    """Count the inputs with a weight above zero, over all outputs along one axis.

    Args:
        size: Inputs along the axis.
        outputs: Outputs along it.
        factor: The scale that was asked for, None where the outputs were.
        corners: Whether the outermost inputs and outputs coincide.

    Raises:
        UsageError: The number has no closed form in these symbols.
    """
    if isinstance(size, int) and isinstance(outputs, int):
        if size == outputs:
            return size  # ATen copies, whatever the scale
        step = Fraction(size, outputs) if factor is None else Fraction(1 / float(factor))
        if corners:
            step = Fraction(size - 1, outputs - 1) if outputs > 1 else Fraction(0)
        return sum(_linear_reads(size, place, step, corners) for place in range(outputs))
    scale = simple(sympy.simplify(outputs / sympy.sympify(size)))
    if (
        not isinstance(scale, int)
        or (factor is not None and float(factor) != scale)
        or (corners and scale != 2)
    ):
        raise UsageError(f"bilinear upsampling of {size} to {outputs} has no closed form", "give numbers")
    if corners:
        # Output i lies at i (n - 1) / (2n - 1), and n - 1 and 2n - 1 have no common divisor: only the first
        # and the last lie upon an input.
        return 2 * outputs - 2
    exact = scale % 2  # with an odd scale the middle one of the outputs of an input lies upon it
    return 2 * outputs - (scale - exact) - exact * size


def _linear_reads(size: int, place: int, step: Fraction, corners: bool) -> int:
    half = Fraction(0 if corners else 1, 2)
    where = max(Fraction(0), (place + half) * step - half)
    return 2 if abs(where - round(where)) > ROUNDING and where < size - 1 else 1


def scaled(size: Count, factor: Any) -> Count:
    """Return the outputs that a scale gives: PyTorch multiplies in double precision and cuts off.

    Raises:
        UsageError: With letters, the scale is no simple fraction, or what is cut off depends on how the
            product is rounded.
    """
    number = float(factor)
    if isinstance(size, int):
        return math.floor(float(size) * number)
    fraction = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    sizes = np.arange(1, LARGEST_SIZE)
    if not np.array_equal(np.floor(sizes * number), sizes * fraction.numerator // fraction.denominator):
        raise UsageError(
            f"a scale of {number} gives no closed form for {size} inputs: it is rounded differently for some",
            "give the input size as numbers",
        )
    return quotient(size * fraction.numerator, fraction.denominator)
