"""What the user chose on the command line, and how `status` remembers it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnreport.project import CHOICES, Project
from cnnreport.runs import artefact
from cnnreport.runs.device import DeviceChoice
from cnnreport.runs.planning.cut import WHOLE, Cut
from cnnreport.system import durable

_KEPT = {
    "data": dict,
    "data_dir": str | None,
    "device": str,
    "precision": str | None,
    "seeds": int | None,
    "smoke": bool,
    "cut": dict,
    "elsewhere": bool,
}
"""What is remembered of choices, as JSON has it."""


@dataclass(frozen=True)
class Choices:
    """What the user chose on the command line; the defaults are the command line's.

    Args:
        data: What is asked of data sets, a wish as `cnnreport.data.choosing` has it; empty for nothing.
        data_dir: Folder with real data, None for none.
        device: Where to compute.
        precision: ``exact`` or ``fast``; None for what the spec says.
        seeds: How many seeds; None for what the experiment says, in a smoke build at most
            `cnnreport.runs.planning.plan.SMOKE_SEEDS`.
        smoke: Cut everything down to seconds.
        cut: What is taken away to save time.
        force: Names of experiments and families to be run again though they are cached.
        fetch: Whether data may be downloaded.
        elsewhere: Whether other machines compute, so that ``auto`` is the CPU and this machine need not
            have the device that is asked for.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    data_dir: Path | None = None
    device: DeviceChoice = "auto"
    precision: str | None = None
    seeds: int | None = None
    smoke: bool = False
    cut: Cut = WHOLE
    force: tuple[str, ...] = ()
    fetch: bool = True
    elsewhere: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the choices that `status` and `explain` need to see the plan of the last build."""
        kept = {k: v for k, v in asdict(self).items() if k in _KEPT}
        return {k: str(v.resolve()) if isinstance(v, Path) else v for k, v in kept.items()}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Choices":
        """Rebuild the choices of a `to_json`.

        Raises:
            TypeError, AttributeError, KeyError: They are of another version, or none.
        """
        if wrong := [name for name, part in parts.items() if not isinstance(part, _KEPT[name])]:
            raise TypeError(f"of another type: {', '.join(wrong)}")
        if not all(isinstance(said, str) for said in parts["data"].values()):
            raise TypeError("a wish of data is a text for each name")
        if not all(isinstance(number, int | None) for number in parts.get("cut", {}).values()):
            raise TypeError("a cut has numbers")
        folder = Path(parts["data_dir"]) if parts["data_dir"] else None
        return cls(**{**parts, "data_dir": folder, "cut": Cut(**parts.get("cut", {}))})


def last_choices(project: Project) -> Choices | None:
    """Return the choices of the last build into this output folder, None where there was none."""
    try:
        return Choices.from_json(json.loads((project.output / CHOICES).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError, AttributeError, KeyError):
        return None


def keep_choices(project: Project, choices: Choices) -> None:
    """Remember the choices of a build for `status` and `explain`."""
    durable.write(project.output / CHOICES, artefact.encode(choices.to_json()))
