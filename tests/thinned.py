"""Long lists of cases, of which the default run tries some and the slow tests the rest."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

ALL = 100
"""How many examples Hypothesis tries in a run that has the slow tests, too, where a test does not say."""


def thinned(cases: Iterable[Any], step: int) -> list[Any]:
    """Return all cases for a parametrisation, of which those between every step-th are marked slow.

    Args:
        cases: Each a value, or a tuple of values where several names are parametrised, or a `pytest.param`.
            Tuples that are one value each come in tuples of their own: ``zip(cases)``.
        step: At least 2.
    """
    return [_case(case, slow=number % step > 0) for number, case in enumerate(cases)]


def _case(case: Any, *, slow: bool) -> Any:
    marks = [pytest.mark.slow] if slow else []
    if isinstance(case, type(pytest.param())):
        return case._replace(marks=(*case.marks, *marks))
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=marks)


def examples(count: int) -> int:
    """Return how many examples Hypothesis is to try: all of them beside the slow tests, else a share.

    Args:
        count: All of them.
    """
    return max(1, count * settings().max_examples // ALL)
