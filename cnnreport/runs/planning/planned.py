"""One run that is wanted, and the job that computes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cnnreport.runs.artefact import Run
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.fingerprint import Key
from cnnreport.runs.planning.located import Located
from cnnreport.runs.runner import Job

State = Literal["cached", "imported", "stale", "damaged", "new", "forced", "interrupted", "running", "failed"]


@dataclass(frozen=True)
class Planned:
    """One run that is wanted.

    Args:
        experiment: What is to be run.
        seed: With which seed.
        spec: The spec as chosen.
        key: What the run depends on today.
        source: The data, None for a task that takes none.
        sources: Source files that the experiment imports, by their path in the project.
        reads: The planned run whose arrays the task takes beside its data, None for none.
        folder: Where the finished run belongs.
        checkpoints: Where the run under way lies.
        state: Whether it stands.
        reasons: Why it does not, a line each.
        run: The finished run, None where it has to be computed.
    """

    experiment: Experiment
    seed: int
    spec: Any
    key: Key
    source: Located | None
    sources: Mapping[str, Path]
    folder: Path
    checkpoints: Path
    reads: "Planned | None" = None
    state: State = "new"
    reasons: Sequence[str] = field(default_factory=list)
    run: Run | None = None

    @property
    def place(self) -> Path:
        """Where the finished run lies, or will: one that was brought in has a folder of its own."""
        return self.run.folder if self.run else self.folder


def make_job(planned: Planned, data: Path | None, command: str) -> Job:
    """Turn a planned run into the job that computes it."""
    return Job(
        experiment=planned.experiment.name,
        seed=planned.seed,
        spec=planned.spec,
        key=planned.key,
        device=planned.key.where["device"],
        folder=planned.folder,
        checkpoints=planned.checkpoints,
        data=data,
        reads=planned.reads.place if planned.reads else None,
        data_origin=planned.source.origin if planned.source else "",
        sources=planned.sources,
        command=command,
        force=planned.state == "forced",
    )
