"""What a data set offers, declared once: its names on the command line, and what finds and prepares it.

Imports nothing heavy, so that data sets can be listed and chosen without numpy. A spec names its data set
as ``module:NAME``; the data sets that a command knows are those that the project's experiments name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cnnreport import modules
from cnnreport.errors import DataError, UsageError

ALL = "all"
"""What a user's wish calls all data sets of which nothing else is said; see `cnnreport.data.choosing`."""

AUTO, REAL, DRAWN = "auto", "real", "drawn"
EVERYWHERE: Mapping[str, str] = {
    AUTO: "the data themselves where they are at hand or soon fetched, else what stands in for them",
    REAL: "the data themselves, or exit code 5",
    DRAWN: "what stands in for them, where there is such a thing",
}
"""What may be asked of every data set, in words."""

Form = Literal["file", "flag", "text"]
VALUES: Mapping[Form, str] = {"file": "FILE", "flag": "yes", "text": "TEXT"}
"""How the value of an option is written in help."""

Progress = Callable[[int, int | None], None]
"""Told the bytes done and in all while something is downloaded."""


@dataclass(frozen=True)
class Choice:
    """One of the things that a data set can be.

    Args:
        name: As users type it, such as ``cifar10``.
        words: What it is, for help and errors.
        stand_in: Whether it only stands in for the data that a report is about.
    """

    name: str
    words: str
    stand_in: bool = False


@dataclass(frozen=True)
class Option:
    """Something more that a user may say of a data set.

    Args:
        name: As users type it after the name of the set: ``palette`` in ``horses.palette=FILE``.
        words: What it does, for help and errors.
        form: ``file`` for a path, ``flag`` for yes or no, ``text`` for anything.
    """

    name: str
    words: str
    form: Form = "text"


@dataclass(frozen=True)
class DataSet:
    """A data set that specs can name.

    Args:
        name: As users type it: lower-case words joined by hyphens, unique in a project.
        title: What it is, for listings.
        choices: What it can be; of those that are no stand-in the first is what ``real`` asks for.
        locate: The function, as ``module:function``, that finds it quickly: takes a `Request`, returns a
            `cnnreport.data.source.Source`.
        prepare: The function, as ``module:function``, that makes the arrays of a run: takes that source,
            and by name what `Spec.data_parameters` gives; returns arrays of numpy by name. Runs depend on
            its module and on all that this imports.
        options: What else a user may say.
    """

    name: str
    title: str
    choices: tuple[Choice, ...]
    locate: str
    prepare: str
    options: tuple[Option, ...] = ()

    def __post_init__(self) -> None:
        choices, options = ([each.name for each in of] for of in (self.choices, self.options))
        for name in (self.name, *choices, *options):
            if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name) or name in (ALL, *EVERYWHERE):
                remedy = f"use lower-case words and hyphens, and none of {', '.join((ALL, *EVERYWHERE))}"
                raise UsageError(f"{name!r} is no name of a data set, a choice or an option", remedy)
        if not self.choices:
            raise UsageError(f"the data set {self.name} offers no choice", "declare what it can be")

    def choice(self, name: str) -> Choice:
        """Return a choice by its name.

        Raises:
            UsageError: There is none of that name; the known ones are listed.
        """
        for choice in self.choices:
            if choice.name == name:
                return choice
        known = {**EVERYWHERE, **{choice.name: choice.words for choice in self.choices}}
        raise UsageError(f"{self.name} can be no {name!r}", f"choose from: {listed(known)}")

    def resolved(self, asked: str) -> str:
        """Return which choice is asked for by name or by ``real`` or ``drawn``, ``auto`` for none."""
        if asked == AUTO:
            return AUTO
        if asked in (REAL, DRAWN):
            alike = [choice.name for choice in self.choices if choice.stand_in == (asked == DRAWN)]
            return alike[0] if alike else AUTO
        return self.choice(asked).name

    def option(self, name: str) -> Option:
        """Return an option by its name.

        Raises:
            UsageError: There is none of that name; the known ones are listed.
        """
        for option in self.options:
            if option.name == name:
                return option
        known = listed({option.name: option.words for option in self.options}) or "it has none"
        raise UsageError(f"{self.name} has no option {name!r}", f"choose from: {known}")


@dataclass(frozen=True)
class Request:
    """What a user asks of a data set.

    Args:
        choice: ``auto``, or the name of one of its choices.
        folder: Folder with data that the user gave, None for none.
        fetch: Whether anything may be downloaded; False only looks at what is here.
        progress: Told how far a download is.
        options: What the user said of its options: a text, True for a flag that is set.

    Raises:
        DataError: The folder is none.
    """

    choice: str = AUTO
    folder: Path | None = None
    fetch: bool = True
    progress: Progress | None = None
    options: Mapping[str, str | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():  # whether or not the set would look into it
            what = "is no folder" if self.folder.exists() else "does not exist"
            raise DataError(f"the data folder {self.folder} {what}", "correct --data-dir or leave it out")

    def file(self, option: str) -> Path | None:
        """Return the path that an option names, None where the user named none."""
        path = self.options.get(option)
        return Path(path) if isinstance(path, str) else None

    def flag(self, option: str) -> bool:
        """Say whether a flag is set."""
        return bool(self.options.get(option))


def load(name: str) -> DataSet:
    """Return the data set that a spec names as ``module:NAME``.

    Raises:
        UsageError: There is none of that name.
    """
    data_set = modules.attribute(name)
    if not isinstance(data_set, DataSet):
        raise UsageError(f"{name!r} is no data set", "name a DataSet as module:NAME")
    return data_set


def listed(words: Mapping[str, str]) -> str:
    """Write names with what they mean: ``a (this), b (that)``."""
    return ", ".join(f"{name} ({meaning})" for name, meaning in words.items())
