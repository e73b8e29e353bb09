"""Arguments of a net's constructor: what the command line gives, and which parameters become letters."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula import annotation
from cnnreport.formula.annotation import Allowed
from cnnreport.formula.reading import expression
from cnnreport.formula.symbols import HALF_KERNEL, KERNEL, LETTERS, Count, symbol
from cnnreport.formula.tracing.size import Answers

_NAME = re.compile(r"[A-Za-z_]\w*")
_WHOLE = re.compile(r"[+-]?\d+")
_DOTTED = re.compile(r"[^\W\d]\.[^\W\d]")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?")
_CONSTANTS = {"true": True, "false": False, "none": None}
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def letters(text: str) -> Mapping[str, Any]:
    """Return the symbols of all names in a text; parameters' names stand for their letters."""
    symbols = {name: symbol(LETTERS.get(name, name)) for name in _NAME.findall(re.sub(r"\d+", " ", text))}
    return symbols | ({"K": symbol(KERNEL)} if "K" in symbols else {})


def read_values(net: Callable[..., Any], texts: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs.

    A value is a number, true, false, none, an expression in letters (``8n``), a text in quotes, or
    several of these with commas (``3,6,9``, ``[3, 6]``). A parameter that is annotated as a text, or
    has a text as default, needs no quotes.

    Raises:
        UsageError: A text is no such pair, or its value cannot be read or does not fit the parameter.
    """
    allowed = {p.name: annotation.allowed(p) for p in annotation.parameters(net)}
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or not value.strip():
            raise UsageError(f"{text!r} fixes nothing", "write --fix name=value")
        if name in values:
            raise UsageError(f"{name} is fixed twice", "write it once")
        values[name] = _read(value.strip(), allowed.get(name, Allowed()), name)
    return values


def letters_of(net: Callable[..., Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a letter for each parameter that has no value.

    Raises:
        UsageError: A value is given to a parameter that does not exist, a parameter is no integer, or
            two would have the same letter.
    """
    symbols: dict[str, Any] = {}
    parameters = annotation.parameters(net)
    names = {parameter.name for parameter in parameters}
    several = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    for name in fixed:
        if name not in names and not several:
            raise UsageError(
                f"{getattr(net, '__name__', net)} has no parameter {name!r}",
                f"it has: {', '.join(names) or 'none'}",
            )
    for parameter in parameters:
        name = parameter.name
        if name in fixed or parameter.default is not parameter.empty:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        allowed = annotation.allowed(parameter)
        if not allowed.may_be_letter:
            raise UsageError(
                f"the parameter {name} has no default and takes {allowed.described}", allowed.remedy(name)
            )
        letter = symbol(LETTERS.get(name, name))
        twin = next((other for other, taken in symbols.items() if taken == letter), None)
        if twin is not None:
            raise UsageError(
                f"the parameters {twin} and {name} would both stand for {letter}",
                f"fix one of them (--fix {name}=VALUE)",
            )
        symbols[name] = letter
    return symbols


def refuse_guesses(
    net: Callable[..., Any], arguments: Mapping[str, Any], counts: Iterable[Count], answers: Answers
) -> None:
    """Refuse a letter for a parameter that may be no number: it is in none of the counts.

    Such a parameter is a switch, a text or of no use; the net took one of its ways without saying
    which. One that is annotated as an integer may be of no use, but the net must not decide by it.

    Args:
        net: The class or function.
        arguments: What each of its parameters stands for.
        counts: All counts and sizes of the derivation.
        answers: Of which letters the net was told something.

    Raises:
        UsageError: There is such a parameter; what to write is said.
    """
    counted = letters_in(counts)
    asked = {_outer(letter) for letter in answers.truths | answers.comparisons}
    allowed = {p.name: annotation.allowed(p) for p in annotation.parameters(net)}
    for name, value in arguments.items():
        idle = letters_in([value]) - counted
        whole = allowed.get(name, Allowed()).is_integer
        if idle and idle & {_outer(letter) for letter in answers.truths}:
            raise UsageError(
                f"the net asks whether {name} is true, and no count contains it, so it is a switch",
                f"give it (--fix {name}=true or --fix {name}=false)",
            )
        if idle and (not whole or idle & asked):
            raise UsageError(
                f"no count contains the parameter {name}, so it may be a switch, a text or None",
                f"give it (--fix {name}=true, --fix {name}=none, --fix {name}=3 or --fix {name}=\"'text'\")",
            )


def positive(answers: Answers, counts: Iterable[Count]) -> tuple[str, ...]:
    """Return the letters in some counts that the net asked whether they are zero, by name."""
    return tuple(sorted(s.name for s in {_outer(s) for s in answers.truths} & letters_in(counts)))


def _outer(letter: sympy.Symbol) -> sympy.Symbol:
    return symbol(KERNEL) if letter == HALF_KERNEL else letter


def letters_in(values: Iterable[Any]) -> set[sympy.Symbol]:
    """Return the symbols in some values, lists and dictionaries among them; k where a kernel was halved."""
    return {_outer(s) for v in _flat(list(values)) if isinstance(v, sympy.Expr) for s in v.free_symbols}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    else:
        yield value


def _read(text: str, allowed: Allowed, name: str) -> Any:
    """Read a value.

    Raises:
        UsageError: It is none, or none that the parameter takes.
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        _expect(str, text, allowed, name)
        return text[1:-1]
    if allowed.choices:
        return _chosen(text, allowed, name)
    if allowed.texts and not _is_other(text, allowed, name):
        return text
    if text.lower() in _CONSTANTS:
        return _constant(text.lower(), allowed, name)
    if allowed.only(bool):
        raise UsageError(f"--fix {name}: {text} is neither true nor false", allowed.remedy(name))
    if _is_several(text):
        return _several(text, allowed, name)
    return _number(text, allowed, name)


def _expect(given: type, text: str, allowed: Allowed, name: str) -> None:
    """Refuse a text or a list where a parameter takes numbers and switches only."""
    if allowed.types and not allowed.open and allowed.types <= {int, float, bool, str} - {given}:
        raise UsageError(f"--fix {name}: it takes {allowed.described}, not {text}", allowed.remedy(name))


def _chosen(text: str, allowed: Allowed, name: str) -> Any:
    for word, value in allowed.choices.items():
        if text == word:
            return value
    if allowed.optional and text.lower() == "none":
        return None
    raise UsageError(
        f"--fix {name}: {text!r} is no choice", f"choose from: {', '.join(map(str, allowed.choices))}"
    )


def _is_other(text: str, allowed: Allowed, name: str) -> bool:
    """Say whether a value of a parameter that takes texts is one of the other things that it takes."""
    if text == "none" and allowed.open:
        raise UsageError(
            f"--fix {name}: none may be a text or None",
            f"write --fix {name}=None, or --fix {name}=\"'none'\"",
        )
    if text.lower() == "none":
        return allowed.optional or allowed.open
    if text.lower() in _CONSTANTS:
        return bool in allowed.types or allowed.open
    number = _WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text) or _is_several(text)
    return bool(number) and (allowed.open or bool(allowed.types - {str, bool}))


def _constant(text: str, allowed: Allowed, name: str) -> Any:
    if text == "none" and allowed.types and not allowed.optional and not allowed.open:
        raise UsageError(f"--fix {name}: it takes {allowed.described}, not none", allowed.remedy(name))
    return _CONSTANTS[text]


def _number(text: str, allowed: Allowed, name: str) -> Any:
    if _WHOLE.fullmatch(text):
        return float(text) if allowed.only(float) else int(text)
    if _DECIMAL.fullmatch(text) or (float in allowed.types and text.lower() in ("inf", "-inf")):
        if allowed.is_integer:
            raise UsageError(f"--fix {name}: {text} is no whole number", "give one, or letters for one")
        return float(text)
    value = _expression(text, allowed, name)
    if isinstance(value, int):
        return float(value) if allowed.only(float) else value
    if value.is_number and not allowed.is_integer:
        return float(value)
    if not all(c.is_Integer for c in value.as_coefficients_dict().values()):
        raise UsageError(f"--fix {name}: {value} is no whole number", "give one, or letters for one")
    if allowed.only(float):
        raise UsageError(f"--fix {name}: {text} is no number", allowed.remedy(name))
    return value


def _expression(text: str, allowed: Allowed, name: str) -> Any:
    try:
        if _DOTTED.search(text):  # a name of Python, where a formula would mean a product
            raise UsageError(f"--fix {name}: '.' is not expected in {text!r}", "")
        return expression.parse(text, letters(text), f"--fix {name}")
    except UsageError as error:
        if allowed.types and not allowed.may_be_letter:
            raise UsageError(
                f"--fix {name}: {text!r} cannot be read, it takes {allowed.described}", allowed.remedy(name)
            ) from error
        raise UsageError(
            error.problem,
            "write a number, letters such as 8n, true, false, none, several of these with commas, or a text "
            f"in quotes (--fix {name}=\"'text'\"); a function that returns the net can give it anything else",
        ) from error


def _several(text: str, allowed: Allowed, name: str) -> Any:
    _expect(list, text, allowed, name)
    brackets = text[0] if text[0] in _PAIRS and _ends_at(text) == len(text) - 1 else ""
    inner = text[1:-1] if brackets else text
    parts = [part.strip() for part in _split(inner, ",")]
    if parts and not parts[-1]:
        parts.pop()
    if brackets == "{":
        return dict(_item(part, name) for part in parts)
    values = [_read(part, allowed.inner, name) if part else _missing(name) for part in parts]
    as_list = brackets == "[" if not allowed.types & {list, tuple} else list in allowed.types
    return values if as_list else tuple(values)


def _item(text: str, name: str) -> tuple[Any, Any]:
    key, *rest = _split(text, ":")
    if len(rest) != 1 or not rest[0].strip():
        raise UsageError(f"--fix {name}: {text!r} is no pair of a name and a value", "write {name: value}")
    word = key.strip().strip("'\"")
    return int(word) if _WHOLE.fullmatch(key.strip()) else word, _read(rest[0].strip(), Allowed(), name)


def _missing(name: str) -> Any:
    raise UsageError(f"--fix {name}: a value is missing between two commas", "write it, or one comma")


def _is_several(text: str) -> bool:
    if len(_split(text, ",")) > 1:
        return True
    if text[0] not in _PAIRS or _ends_at(text) != len(text) - 1:
        return False
    return text[0] in "[{" or not text[1:-1].strip() or len(_split(text[1:-1], ",")) > 1


def _split(text: str, sign: str) -> list[str]:
    """Split at a sign that stands in no bracket and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if letter == sign and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _ends_at(text: str) -> int:
    """Return where the bracket closes with which a text begins, -1 for nowhere."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0:
            return place if letter == _PAIRS[text[0]] else -1
    return -1
