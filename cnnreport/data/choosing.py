"""What users ask of data: the words after ``--data``, read by what the data sets declare.

A wish is a mapping: ``all`` says what is asked of every data set, the name of a set what is asked of it, and
a name with an option what is said of that: ``{"all": "real", "horses": "meadow", "flowers.skip-bad":
"yes"}``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from cnnreport.data.data_set import ALL, AUTO, EVERYWHERE, DataSet, Progress, Request, listed
from cnnreport.errors import UsageError

_FLAG = {"yes": True, "no": False}


def read(words: Iterable[str], data_sets: Mapping[str, DataSet]) -> dict[str, str]:
    """Read what a user wrote after each ``--data``; what comes later refines, or replaces, what came before.

    Args:
        words: ``auto``, ``real`` or ``drawn``; ``NAME=CHOICE``; ``NAME.OPTION=VALUE``.
        data_sets: Those that the project's experiments name, by their names.

    Returns:
        The wish; files by their whole path.

    Raises:
        UsageError: A name, choice or option is not known, or a value is none that an option takes.
    """
    wish: dict[str, str] = {}
    for word in words:
        subject, equals, value = word.partition("=")
        if not equals:
            _check_word(word, data_sets)
            wish = {name: said for name, said in wish.items() if "." in name} | {ALL: word}
            continue
        name, dot, option = subject.partition(".")
        if name not in data_sets:
            titles = {data_set.name: data_set.title for data_set in data_sets.values()}
            known = listed(titles) or "no experiment takes data"
            raise UsageError(f"there is no data set {name!r}", f"choose from: {known}")
        if dot:
            wish[subject] = _value(data_sets[name], option, value)
        else:
            data_sets[name].resolved(value)  # an unknown choice is told now
            wish[name] = value
    return wish


def request(
    data_set: DataSet,
    wish: Mapping[str, str],
    folder: Path | None = None,
    *,
    fetch: bool = True,
    progress: Progress | None = None,
) -> Request:
    """Return what a wish asks of one data set.

    Raises:
        UsageError: It asks for what the data set does not have.
    """
    said = {
        name.partition(".")[2]: value for name, value in wish.items() if name.startswith(f"{data_set.name}.")
    }
    options = {name: _converted(data_set, name, value) for name, value in said.items()}
    choice = data_set.resolved(wish.get(data_set.name, wish.get(ALL, AUTO)))
    return Request(choice, folder, fetch, progress, options)


def words_of(wish: Mapping[str, str]) -> list[str]:
    """Return the words that ask for the same again; files are named, not located."""
    all_first = sorted(wish.items(), key=lambda item: item[0] != ALL)
    return [
        value if name == ALL else f"{name}={'FILE' if Path(value).is_absolute() else value}"
        for name, value in all_first
        if (name, value) != (ALL, AUTO)
    ]


def still_known(wish: Mapping[str, str], data_sets: Mapping[str, DataSet]) -> dict[str, str]:
    """Return of a wish that was kept what the project's data sets still have."""
    kept: dict[str, str] = {}
    for name, value in wish.items():
        try:
            kept |= read([value if name == ALL else f"{name}={value}"], data_sets)
        except UsageError:
            continue
    return kept


def _check_word(word: str, data_sets: Mapping[str, DataSet]) -> None:
    if word in EVERYWHERE:
        return
    meant = [f"--data {data_set.name}={word}" for data_set in data_sets.values() if word in _names(data_set)]
    remedy = f"say of which data set: {' or '.join(meant)}" if meant else _known(data_sets)
    raise UsageError(f"--data {word} says nothing of all data sets", remedy)


def _names(data_set: DataSet) -> set[str]:
    return {choice.name for choice in data_set.choices}


def _known(data_sets: Mapping[str, DataSet]) -> str:
    """List what can be asked for, by name and in words."""
    choices = [
        f"{data_set.name}={choice.name} ({choice.words})"
        for data_set in data_sets.values()
        for choice in data_set.choices
    ]
    return f"choose from: {', '.join([listed(EVERYWHERE), *choices])}"


def _value(data_set: DataSet, name: str, value: str) -> str:
    """Return what is kept of an option's value: a file by its whole path."""
    _converted(data_set, name, value)  # what an option cannot be is told now
    if data_set.option(name).form != "file":
        return value
    file = Path(value).expanduser().resolve()
    if not file.is_file():
        raise UsageError(f"there is no file {value} for {data_set.name}.{name}", "mend its name")
    return str(file)


def _converted(data_set: DataSet, name: str, value: str) -> str | bool:
    if data_set.option(name).form != "flag":
        return value
    if value not in _FLAG:
        problem = f"{data_set.name}.{name} is yes or no, and no {value!r}"
        raise UsageError(problem, f"say --data {data_set.name}.{name}=yes, or leave it out")
    return _FLAG[value]
