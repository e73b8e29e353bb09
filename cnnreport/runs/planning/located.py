"""The data of a spec: one data set or several, found as the user chose."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cnnreport import modules
from cnnreport.data import choosing, data_set
from cnnreport.data.data_set import DataSet, Progress
from cnnreport.data.source import Source
from cnnreport.errors import UsageError
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.planning.choices import Choices
from cnnreport.system import durable


@dataclass(frozen=True)
class Located:
    """The data of a spec: one data set or several, found but not prepared.

    Args:
        data_sets: Their declarations; the first gives the name, the title and whether it is a stand-in.
        sources: What each of them turned out to be.
    """

    data_sets: tuple[DataSet, ...]
    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        """Which data they are."""
        return self.sources[0].name

    @property
    def title(self) -> str:
        """What the report calls them."""
        return self.sources[0].title

    @property
    def stand_in(self) -> bool:
        """Whether they only stand in for the data that the report is about."""
        return self.sources[0].stand_in

    @property
    def origin(self) -> str:
        """Where each is from, a phrase for the report."""
        first, *others = self.sources
        return "; ".join([first.origin, *(f"{source.title}, {source.origin}" for source in others)])

    @property
    def reason(self) -> str:
        """Why they were taken where the choice was left to the program, else empty."""
        return "; ".join(source.reason for source in self.sources if source.reason)

    @property
    def fingerprint(self) -> str:
        """What determines the prepared arrays, parameters and code aside."""
        if len(self.sources) == 1:
            return self.sources[0].fingerprint
        parts = {of.name: source.fingerprint for of, source in zip(self.data_sets, self.sources, strict=True)}
        return durable.sha256(json.dumps(parts, sort_keys=True).encode())

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose source determines the prepared arrays."""
        prepare = [data_set.prepare.partition(":")[0] for data_set in self.data_sets]
        obtained = [name for source in self.sources for name in source.modules]
        return tuple(dict.fromkeys([*obtained, *prepare]))

    def to_json(self) -> dict[str, Any]:
        """Return what a run's key says of its data."""
        return {
            "name": self.name,
            "title": self.title,
            "stand_in": self.stand_in,
            "fingerprint": self.fingerprint,
            "prepare": [data_set.prepare for data_set in self.data_sets],
        }


def names_of(data: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the data sets that a spec names, ``module:NAME`` each."""
    return (data,) if isinstance(data, str) else data or ()


def known(experiments: Iterable[Experiment]) -> dict[str, DataSet]:
    """Return the data sets that some experiments name, by their names, in that order.

    Raises:
        UsageError: An experiment names none that is there, or two of them have one name.
    """
    data_sets: dict[str, DataSet] = {}
    for name in dict.fromkeys(name for experiment in experiments for name in names_of(experiment.spec.data)):
        loaded = data_set.load(name)
        if data_sets.setdefault(loaded.name, loaded) != loaded:
            raise UsageError(f"two data sets are called {loaded.name}", f"rename the one in {name}")
    return data_sets


def locate(names: tuple[str, ...], choices: Choices, progress: Progress | None = None) -> Located | None:
    """Find the data that a spec names, as the user chose; None where it names none.

    Raises:
        UsageError: There is no such data set, or it does not have what was chosen.
        DataError: The data asked for are missing or damaged.
        EnvironmentFailure: The machine lacks what they need.
    """
    data_sets = tuple(map(data_set.load, names))
    sources = tuple(
        modules.attribute(each.locate)(
            choosing.request(each, choices.data, choices.data_dir, fetch=choices.fetch, progress=progress)
        )
        for each in data_sets
    )
    return Located(data_sets, sources) if sources else None
