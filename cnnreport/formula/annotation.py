"""What a parameter takes, told by its annotation or by the type of its default."""

import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from cnnreport.errors import UsageError

_WORDS: Mapping[type, tuple[str, str]] = {
    bool: ("a switch (bool)", ""),
    str: ("a text (str)", "TEXT"),
    float: ("a number that need not be whole (float)", "0.5"),
    list: ("a list", "3,6,9"),
    tuple: ("a tuple", "3,6,9"),
    dict: ("a dict", "{name: 3}"),
    int: ("an integer (int)", "8"),
}
"""What a parameter of a type takes, and an example of it."""


@dataclass(frozen=True)
class Allowed:
    """What a parameter takes; nothing is known of it where there are neither types nor choices.

    Args:
        types: Of its values, without None.
        optional: Whether None is one of them.
        choices: The only values that there are, by how they are written.
        items: What the items of a list or tuple are.
        open: Whether the types are those of a default, which other values may replace.
    """

    types: frozenset[Any] = frozenset()
    optional: bool = False
    choices: Mapping[str, Any] = field(default_factory=dict)
    items: "Allowed | None" = None
    open: bool = False

    def only(self, wanted: type) -> bool:
        """Say whether there is no other type."""
        return self.types == {wanted} and not self.open

    @property
    def texts(self) -> bool:
        """Whether texts are taken."""
        return str in self.types

    @property
    def is_integer(self) -> bool:
        """Whether nothing but integers is taken."""
        return self.only(int) and not self.optional

    @property
    def may_be_letter(self) -> bool:
        """Whether a letter may stand for it without being asked for."""
        return self.is_integer or not (self.types or self.choices or self.optional)

    @property
    def inner(self) -> "Allowed":
        """What the items of a list are, of which nothing may be known."""
        return self.items or Allowed()

    @property
    def described(self) -> str:
        """The types in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        words = [_WORDS.get(taken, (f"a {_name(taken)}", ""))[0] for taken in sorted(self.types, key=_name)]
        return " or ".join([*words, *(["None"] if self.optional else [])])

    def remedy(self, name: str) -> str:
        """Say how such a value is given."""
        values = list(self.choices)[:4]
        if bool in self.types:
            values += ["true", "false"]
        values += [e for taken in sorted(self.types, key=_name) if (e := _WORDS.get(taken, ("", ""))[1])]
        values += ["none"] if self.optional else []
        if not values:
            return "name a function that returns the net with it"
        return f"give it ({' or '.join(f'--fix {name}={value}' for value in values)})"


def parameters(net: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    """Return the parameters of a class or function, annotations as types where they can be found.

    Raises:
        UsageError: It does not tell them.
    """
    try:
        return list(inspect.signature(net, eval_str=True).parameters.values())
    except (NameError, SyntaxError, TypeError, AttributeError):
        pass  # an annotation that exists for type checkers only
    try:
        return list(inspect.signature(net).parameters.values())
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{getattr(net, '__name__', net)} does not tell its parameters", "name a function that calls it"
        ) from error


def allowed(parameter: inspect.Parameter) -> Allowed:
    """Return what a parameter takes."""
    if parameter.annotation is not parameter.empty:
        return _annotated(parameter.annotation)
    default = parameter.default
    if isinstance(default, enum.Enum):
        return _annotated(type(default))
    if isinstance(default, bool | str | float | list | tuple):
        return Allowed(frozenset((type(default),)), open=True)
    return Allowed()


def _annotated(hint: Any) -> Allowed:
    origin = typing.get_origin(hint)
    if isinstance(hint, str):  # could not be evaluated
        simple = {"int": int, "float": float, "bool": bool, "str": str}
        return _annotated(simple[hint]) if hint in simple else Allowed(frozenset((hint,)))
    if hint is Any:
        return Allowed()
    if origin in (Union, types.UnionType):
        return _united([_annotated(part) for part in typing.get_args(hint)])
    if hint in (None, type(None)):
        return Allowed(optional=True)
    if origin is Literal:
        return Allowed(choices={_written(value): value for value in typing.get_args(hint)})
    if origin is typing.Annotated:
        return _annotated(typing.get_args(hint)[0])
    if inspect.isclass(hint) and issubclass(hint, enum.Enum):
        values = {str(member.value): member for member in hint if isinstance(member.value, int | str)}
        return Allowed(choices={**hint.__members__, **values})
    container = _container(origin or hint)
    inner = [part for part in typing.get_args(hint) if part is not Ellipsis]
    same = len(set(inner)) == 1 and container in (list, tuple)
    return Allowed(frozenset((container,)), items=_annotated(inner[0]) if same else None)


def _container(hint: Any) -> Any:
    """Return the type that is made for an annotation: a list for a Sequence."""
    if inspect.isclass(hint) and hint is not str and hint not in (list, tuple, dict):
        if issubclass(list, hint) and hint is not object:
            return list
        if issubclass(dict, hint) and hint is not object:
            return dict
    return hint


def _united(parts: Sequence[Allowed]) -> Allowed:
    items = [part.items for part in parts if part.items is not None]
    choices: dict[str, Any] = {}
    for part in parts:
        choices |= part.choices
    joined = frozenset[Any]().union(*(part.types for part in parts))
    if joined:  # other values are taken, too
        joined |= {str} if any(isinstance(value, str) for value in choices.values()) else set()
        choices = {}
    return Allowed(joined, any(part.optional for part in parts), choices, items[0] if items else None)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(taken: Any) -> str:
    return str(getattr(taken, "__name__", taken))
