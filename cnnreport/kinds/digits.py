"""How a number prints, by its form: in a report, on a terminal."""

import math
from collections.abc import Mapping, Sequence

from cnnreport.kinds.kind import Form

NARROW = "\u00a0"
MINUS = "\u2212"
LEAST_PROBABILITY = 0.001
"""Probabilities below it are not told apart in print."""

_PREFIXED: Mapping[Form, tuple[float, tuple[str, ...]]] = {
    "bytes": (2.0**10, ("B", "KiB", "MiB", "GiB", "TiB", "PiB")),
    "flops": (1e3, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP")),
}
"""Forms that print with a unit of their own: by what each next unit is larger, and the units."""

_UNITS: Mapping[Form, tuple[str, str]] = {
    "share": (f"{NARROW}%", f"{NARROW}%"),
    "points": (f"{NARROW}percentage points", f"{NARROW}pp"),
}


def units(form: Form) -> tuple[str, str]:
    """Return what follows the number in prose, and in a table."""
    return _UNITS.get(form, ("", ""))


def on_terminal(value: float, form: Form) -> str:
    """Print a number with its unit for a terminal, which may know no other signs than ASCII's."""
    if not math.isfinite(value):
        return digits(value, form)
    text = f"{digits(value, form)}{units(form)[1]}"
    return text.replace(f"{NARROW}%", "%").replace(NARROW, " ").replace(MINUS, "-")


def digits(value: float, form: Form) -> str:
    """Print a number in a form, without its unit."""
    if not math.isfinite(value):
        return "non-finite"  # of a run that diverged, or of nothing, such as a share of none
    if form in ("share", "points"):
        text = f"{100 * value:.1f}"
    elif form in ("loss", "score"):
        text = f"{value:.3f}"
    elif form in _PREFIXED:
        text = _prefixed(value, *_PREFIXED[form])
    elif form == "factor":
        text = f"{value:.2f}" if abs(value) < 10 else _three_figures(value)
    elif form == "ratio":
        text = f"{value:.2f}"
    elif form == "probability":
        # Two figures, as far as the least one is told: nobody decides by a third.
        text = f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"
        return text if value >= LEAST_PROBABILITY else f"<{NARROW}{LEAST_PROBABILITY:g}"
    elif form == "count":
        text = _thousands(f"{value:,.0f}") if value == int(value) else f"{value:,.1f}"
    else:
        text = f"{value:g}"
    negative = text.startswith("-")
    text = text.removeprefix("-")
    return f"{MINUS}{text}" if negative and text.strip("0.") else text


def common_unit(values: Sequence[float], form: Form) -> str:
    """Return the unit in which a table prints numbers of very different size: that of their geometric mean.

    Args:
        values: The numbers.
        form: ``bytes`` or ``flops``, whose numbers print with units of their own.
    """
    sizes = [math.log(abs(value)) for value in values if value and math.isfinite(value)]
    step, units = _PREFIXED[form]
    power = int(math.fsum(sizes) / len(sizes) / math.log(step)) if sizes else 0
    return units[min(max(power, 0), len(units) - 1)]


def in_unit(value: float, form: Form, unit: str) -> str:
    """Print a number in a unit of its form, with three figures and without the unit."""
    if not math.isfinite(value):
        return digits(value, form)
    step, units = _PREFIXED[form]
    return _three_figures(value / step ** units.index(unit))


def _three_figures(value: float) -> str:
    """Print a number with three figures and no exponent."""
    if value == 0:
        return "0"
    places = 2 - int(f"{value:.2e}".partition("e")[2])
    return _thousands(f"{round(value, places):,.{max(places, 0)}f}")


def _thousands(text: str) -> str:
    return text.replace(",", NARROW)


def _prefixed(value: float, step: float, units: Sequence[str]) -> str:
    power = 0
    # Compared as printed, so that no number is rounded up to a whole next unit.
    while round(abs(value) / step**power, 1) >= step and power < len(units) - 1:
        power += 1
    return f"{value / step**power:.{min(power, 1)}f}{NARROW}{units[power]}"
