"""Long lists of cases, of which the default run tries some and the slow tests the rest."""

from collections.abc import Iterable
from typing import Any

import pytest


def thinned(cases: Iterable[Any], step: int) -> list[Any]:
    """Return all cases for a parametrisation, of which those between every step-th are marked slow.

    Args:
        cases: Each a value, or a tuple of values where several names are parametrised.
        step: At least 2.
    """
    return [
        case if number % step == 0 else pytest.param(*_values(case), marks=pytest.mark.slow)
        for number, case in enumerate(cases)
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
