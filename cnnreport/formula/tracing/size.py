"""A size that a net's own code may compute with, but not decide by: an expression behind Python's operators.

A sympy expression compares by its form, so that ``num_filters == 64`` would quietly be false and the
counts hold for a net that 64 filters would not give. This one answers only what is true for all values
of its letters, and refuses the rest.
"""

import contextlib
import inspect
import operator
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError

import sympy

from cnnreport.errors import CnnReportError, UsageError
from cnnreport.formula.rules.windows import quotient, same
from cnnreport.formula.symbols import Count, in_kernel_size, simple

_OWN = frozenset(str(Path(__file__).with_name(name)) for name in ("size.py", "trace.py", "patches.py"))

_REFUSING = re.compile(r"(\w+)\(\)(: argument|:? received an invalid combination| takes \d+ positional)")
"""How a function of torch that is written in C says that it does not take what it was given."""

REMEDY = "give the parameter as a number (--fix name=value)"

LONGEST_REASON = 300
"""Characters of what torch or a net's code says that are passed on."""


class LetterError(UsageError):
    """The net's code asks something that letters cannot answer; noted, since it may go on all the same."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        if (answers := _answers.get()) is not None:
            answers.unanswered.append(self)


@dataclass
class Answers:
    """Which letters the net's code was given an answer about, since they stand for positive integers.

    Args:
        truths: Letters that it asked whether they are true, that is, not zero.
        comparisons: Letters that it compared with something.
        unanswered: What it asked in vain.
    """

    truths: set[sympy.Symbol] = field(default_factory=set)
    comparisons: set[sympy.Symbol] = field(default_factory=set)
    unanswered: list[LetterError] = field(default_factory=list)


_answers: ContextVar[Answers | None] = ContextVar("answers", default=None)


@contextlib.contextmanager
def answered() -> Iterator[Answers]:
    """Note which letters answer a question, in this thread."""
    answers = Answers()
    before = _answers.set(answers)
    try:
        yield answers
    finally:
        _answers.reset(before)


class Size:
    """An expression in letters; results that are known numbers are ints.

    It passes for an int where a net asks ``isinstance(size, int)`` or for numbers.Integral.

    Args:
        count: The expression.
    """

    def __init__(self, count: sympy.Expr) -> None:
        self.count = count

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int

    def __repr__(self) -> str:
        return str(in_kernel_size(self.count))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self} is a letter here, which has no {name}")

    def __copy__(self) -> "Size":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Size":
        return self

    def __add__(self, other: Any) -> Any:
        return _apply(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _apply(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _apply(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _apply(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _apply(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _apply(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _apply(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _apply(operator.truediv, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _apply(quotient, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _apply(quotient, other, self)

    def __mod__(self, other: Any) -> Any:
        return _apply(_remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _apply(_remainder, other, self)

    def __pow__(self, other: Any) -> Any:
        return _apply(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _apply(operator.pow, other, self)

    def __neg__(self) -> Any:
        return _apply(operator.sub, 0, self)

    def __pos__(self) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool | str):
            raise self._no_number(other)
        if not isinstance(other, int | float | Size | sympy.Expr):
            return False
        _note(self.count, other, truth=False)
        try:
            return same(self.count, unwrap(other))
        except UsageError as error:
            raise _undecided(f"{self} is {other}") from error

    def __lt__(self, other: Any) -> bool:
        return _decide(sympy.Lt, "<", self, other)

    def __le__(self, other: Any) -> bool:
        return _decide(sympy.Le, "<=", self, other)

    def __gt__(self, other: Any) -> bool:
        return _decide(sympy.Gt, ">", self, other)

    def __ge__(self, other: Any) -> bool:
        return _decide(sympy.Ge, ">=", self, other)

    def __bool__(self) -> bool:
        _note(self.count, truth=True)
        return self != 0

    def __hash__(self) -> int:
        raise LetterError(f"{self} is looked up in a table, which knows only numbers", REMEDY)

    def __index__(self) -> int:
        self._refuse_number()

    def __int__(self) -> int:
        self._refuse_number()

    def __float__(self) -> float:
        self._refuse_number()

    def __round__(self, digits: int = 0) -> int:
        self._refuse_number()

    def _refuse_number(self) -> NoReturn:
        raise LetterError(f"{self} is used where Python takes numbers only", REMEDY)

    def _no_number(self, other: bool | str) -> LetterError:
        if isinstance(other, bool):
            remedy = "if it is a switch, give it as one (--fix name=true or --fix name=false)"
            return LetterError(f"{self} is compared with {other}", remedy)
        remedy = f"if it is a text, quote it (--fix name=\"'{other}'\"), else give a number"
        return LetterError(f"{self} is compared with the text {other!r}", remedy)


def wrap(value: Any) -> Any:
    """Hand expressions in nested tuples, lists and dictionaries to a net's code as sizes."""
    if isinstance(value, sympy.Expr):
        known = simple(value)
        return known if isinstance(known, int) else Size(value)
    if type(value) is dict:
        return {name: wrap(item) for name, item in value.items()}
    return type(value)(map(wrap, value)) if type(value) in (tuple, list) else value


def unwrap(value: Any) -> Any:
    """Take sizes in nested tuples, lists and dictionaries back as expressions."""
    if isinstance(value, Size):
        return value.count
    if isinstance(value, dict):
        return {name: unwrap(item) for name, item in value.items()}
    return type(value)(map(unwrap, value)) if type(value) in (tuple, list) else value


def _apply(operation: Callable[..., Any], left: Any, right: Any) -> Any:
    if not all(isinstance(value, int | float | Size | sympy.Expr) for value in (left, right)):
        return NotImplemented
    left, right = unwrap(left), unwrap(right)
    result: Count = operation(sympy.sympify(left), sympy.sympify(right))
    return wrap(sympy.sympify(result))


def _remainder(number: sympy.Expr, divisor: sympy.Expr) -> Count:
    # Not sympy's Mod, which takes a remainder of a remainder for something else.
    return number - divisor * quotient(number, divisor)


def _note(*values: Any, truth: bool) -> None:
    """Remember that the net's code was told something of these letters."""
    answers = _answers.get()
    if answers is not None:
        letters = {s for value in values for s in getattr(unwrap(value), "free_symbols", ())}
        (answers.truths if truth else answers.comparisons).update(letters)


def _decide(relation: Callable[..., Any], sign: str, left: Size, right: Any) -> bool:
    if not isinstance(right, int | float | Size | sympy.Expr):
        return NotImplemented  # type: ignore[no-any-return]
    _note(left, right, truth=False)
    decided = relation(left.count, unwrap(right))
    if decided in (sympy.true, sympy.false):
        return bool(decided)
    raise _undecided(f"{left} {sign} {right}")


def _undecided(claim: str) -> LetterError:
    return LetterError(f"it does one thing or another as {claim} or not", REMEDY)


@contextlib.contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what torch, sympy or the net's code raise on symbols into a sentence with a remedy.

    Raises:
        UsageError: Something was raised, unless it is an error of cnnreport already.
    """
    try:
        yield
    except LetterError as error:
        problem = f"{place} cannot be run with letters for sizes: {error.problem}{_line(error)}"
        raise UsageError(problem, error.remedy) from error
    except CnnReportError:
        raise
    except (Exception, SystemExit) as error:
        refusing = _REFUSING.match(str(error))
        if refusing and ("Size" in str(error) or "positional" in str(error)):
            problem = f"{refusing.group(1)}() of torch takes numbers only, not letters{_line(error)}"
            raise UsageError(f"{place} cannot be run with letters for sizes: {problem}", REMEDY) from error
        if isinstance(error, URLError | TimeoutError | ConnectionError):
            raise UsageError(
                f"{place} downloads something, which fails: {_reason(error)}",
                "give the parameter that asks for it the value none (such as --fix weights=none or "
                "--fix weights_backbone=none); no count depends on values of weights",
            ) from error
        raise UsageError(
            f"{place} cannot be run with letters for sizes: {_reason(error)}{_line(error)}",
            "mend it, or give the parameters that it computes with as numbers (--fix name=value)",
        ) from error


def _reason(error: BaseException) -> str:
    """Say what was raised in one line, without the frames that torch may put into it."""
    reason = " ".join(str(error).split())
    for name, word in (
        ("'Size' object", "a letter"),
        ("'Size'", "a letter"),
        ("'SymbolicTensor'", "a tensor"),
    ):
        reason = reason.replace(name, word)
    shown = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON].rstrip()} …"
    return f"{type(error).__name__}: {shown}"


def _line(error: BaseException) -> str:
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    own = [f for f in frames if "/torch/" not in f.filename and "/sympy/" not in f.filename]
    own = [f for f in own if f.filename not in _OWN]
    return f" ({own[-1].filename.rpartition('/')[2]}:{own[-1].lineno})" if own else ""
