"""Which wanted runs stand already, and why the others do not: decided from keys alone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cnnreport.runs import checkpoint
from cnnreport.runs.artefact import Damaged, Run
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.planned import Planned, State


def judge(planned: Planned, existing: Sequence[Run | Damaged], choices: Choices) -> Planned:
    """Return a wanted run with its state, the reasons for it, and the finished run where it stands."""
    here = next((run for run in existing if run.folder == planned.folder), None)
    if not {planned.experiment.name, planned.experiment.family}.isdisjoint(choices.force):
        return replace(planned, state="forced", reasons=["asked for with --force"])
    if isinstance(here, Run):
        return replace(planned, state="imported" if here.imported else "cached", run=here)
    if (brought := _imported(planned, existing, choices)) is not None:
        return replace(planned, state="imported", run=brought)
    state, reasons = _under_way(planned)
    if isinstance(here, Damaged):
        return replace(planned, state=state or "damaged", reasons=[*reasons, here.problem])
    before = closest(planned, existing)
    if before is None:
        return replace(planned, state=state or "new", reasons=reasons or ["it has never been run"])
    differences = before.key.differences(planned.key)
    asked = [line for line in differences if line.startswith(("spec ", "data:"))]
    return replace(
        planned,
        state=state or ("new" if asked else "stale"),
        reasons=reasons or asked or differences,
    )


def closest(planned: Planned, existing: Iterable[Run | Damaged]) -> Run | None:
    """Return the run of the same experiment and seed whose key differs least from the one wanted."""
    candidates = [
        run
        for run in existing
        if isinstance(run, Run)
        and (run.experiment, run.seed) == (planned.experiment.name, planned.seed)
        and run.folder != planned.folder
    ]
    return min(candidates, key=lambda run: len(run.key.differences(planned.key)), default=None)


def _imported(planned: Planned, existing: Sequence[Run | Damaged], choices: Choices) -> Run | None:
    """Find a run made elsewhere that answers the same question, on another device or version."""
    for run in existing:
        if (
            isinstance(run, Run)
            and run.imported
            and (run.experiment, run.seed) == (planned.experiment.name, planned.seed)
            and run.key.identity == planned.key.identity
            and (planned.spec.symbolic or choices.device in ("auto", run.key.where["device"]))
        ):
            return run
    return None


def _under_way(planned: Planned) -> tuple[State | None, list[str]]:
    epochs = checkpoint.epochs(planned.checkpoints)
    if (holder := checkpoint.computed_by(planned.checkpoints)) is not None:
        return "running", [f"being computed now by {holder}, {epochs} epochs done"]
    if (problem := checkpoint.failure(planned.checkpoints)) is not None:
        return "failed", [problem]
    if epochs:
        return "interrupted", [f"{epochs} epochs are done; the next run goes on from there"]
    return None, []
