"""A build cut down to a part of its runs: fewer seeds, fewer sizes of each sweep, shorter trainings."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnreport.errors import UsageError

LEAST_EPOCHS = 2
"""Epochs that a shortened training keeps, if it has as many: one is no curve."""

LEAST_SIZES = 3
"""Settings that a sweep keeps, if it has as many: with two of them, nothing tells a line from a curve."""


@dataclass(frozen=True)
class Cut:
    """What a build is cut down to; None where nothing is taken away.

    Args:
        seeds: How many seeds of each experiment at most.
        sizes: How many settings of each sweep at most, evenly chosen, the first and the last among them.
        epochs: How many per cent of the epochs, or of the updates where a spec counts these.
    """

    seeds: int | None = None
    sizes: int | None = None
    epochs: int | None = None

    @property
    def text(self) -> str:
        """The cut as `read` takes it: ``seeds=1,sizes=3,epochs=40``; empty where nothing is cut."""
        given = {name: n for name, n in dataclasses.asdict(self).items() if n is not None}
        return ",".join(f"{name}={number}" for name, number in given.items())

    def phrases(self, seeds: int, left_out: Sequence[str]) -> tuple[str, ...]:
        """Say what it takes away, a phrase each.

        Args:
            seeds: The most seeds that an experiment has without it.
            left_out: The experiments of sweeps that it leaves out.
        """
        said = []
        if self.seeds is not None and self.seeds < seeds:
            each = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
            said.append(f"at most {each} of an experiment instead of {seeds}")
        if left_out:
            said.append(f"sweeps without {', '.join(left_out)}")
        if self.epochs is not None:
            said.append(f"{self.epochs} % of the epochs or updates of each training")
        return tuple(said)

    def of_seeds(self, seeds: int) -> int:
        """Return how many of some seeds are left."""
        return seeds if self.seeds is None else min(seeds, self.seeds)

    def of_sizes(self, swept: Sequence[str]) -> tuple[str, ...]:
        """Return which experiments of a sweep, in the order of their settings, are left."""
        if self.sizes is None or len(swept) <= max(self.sizes, LEAST_SIZES):
            return tuple(swept)
        kept = max(self.sizes, LEAST_SIZES)
        return tuple(swept[round(place * (len(swept) - 1) / (kept - 1))] for place in range(kept))

    def of_spec(self, spec: Any) -> Any:
        """Return a spec with the epochs and updates that are left, as it is where it has none."""
        if self.epochs is None:
            return spec
        given = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
        changes = {
            name: max(min(least, given[name]), given[name] * self.epochs // 100)
            for name, least in (("epochs", LEAST_EPOCHS), ("updates", 1))
            if isinstance(given.get(name), int)
        }
        return dataclasses.replace(spec, **changes) if changes else spec


WHOLE = Cut()
"""Nothing is taken away."""


def read(text: str) -> Cut:
    """Return the cut of a `Cut.text`; of an empty one, that nothing is cut.

    Raises:
        UsageError: It is none, or takes everything away.
    """
    if not text:
        return WHOLE
    pairs = [re.fullmatch(r"(seeds|sizes|epochs)=([1-9]\d*)", word) for word in text.split(",")]
    given = {pair[1]: int(pair[2]) for pair in pairs if pair}
    if len(given) < len(pairs) or given.get("epochs", 100) > 100:
        raise UsageError(f"{text!r} is no cut", "write it as seeds=1,sizes=3,epochs=40, or a part of that")
    return Cut(**given)
