"""Experiments alone, without a report: what a bare machine with a GPU is used for."""

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from cnnreport.commands import console
from cnnreport.commands.early import Early
from cnnreport.data import choosing
from cnnreport.kinds.digits import on_terminal
from cnnreport.kinds.kind import Recorded
from cnnreport.project import Project
from cnnreport.runs import device, experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors import estimate, schedule
from cnnreport.runs.executors.estimate import Took
from cnnreport.runs.executors.executor import LOCALLY, Asked
from cnnreport.runs.planning.choices import Choices, keep_choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.planned import Planned
from cnnreport.runs.runner import Progress
from cnnreport.system import durable, locks

LONG = 60.0
"""Seconds from which on it is said how to see something sooner."""


def run_experiment(
    project: Project, name: str, choices: Choices, workers: int | None = None, asked: Asked = LOCALLY
) -> list[Run]:
    """Run one experiment or those of a family, all of their seeds, on a number of workers or what fits."""
    wanted = experiment.named(experiment.load_all(project), name)
    plan = make_plan(project, wanted, choices, console.Download("data"))
    announce_device(choices)
    keep_choices(project, choices)
    return run_planned(project, plan, command_line("run", name, choices), workers, asked=asked)


def run_planned(
    project: Project,
    plan: Sequence[Planned],
    command: str,
    workers: int | None = None,
    *,
    asked: Asked = LOCALLY,
    afterwards: float | None = 0.0,
    sooner: Sequence[str] = (),
    early: Early | None = None,
) -> list[Run]:
    """Compute what a plan lacks while the console shows it, and return all of its runs.

    Args:
        project: Where runs lie.
        plan: What is wanted.
        command: The command line, which the runs keep.
        workers: How many runs to compute at once on a CPU, None for as many as cores and memory allow.
        asked: Which executor is to compute what takes long.
        afterwards: Seconds that the command goes on after the runs, None where that is not known.
        sooner: How to see something sooner, said where it takes long.
        early: Shows beside the runs what stands of a report, None where there is none.
    """
    announce(plan)
    for folder in (project.runs, project.checkpoints, project.prepared):
        durable.make_folder(folder)  # found out now, not after the training
    missing = [planned for planned in plan if planned.run is None]
    if missing and (problem := locks.problem(project.checkpoints)):
        cause = f"files in {console.short(project.checkpoints)} cannot be locked ({problem})"
        console.note(f"{cause}: two commands at once may compute the same run twice, with the same result.")
    # What this machine took does not tell how long others take, nor how many of them there are.
    before = estimate.earlier(project, missing) if missing and not asked.elsewhere else []
    for line in forecast(missing, before, afterwards, sooner):
        console.note(line)
    with console.Watch(plan, before, afterwards) as watch, early or contextlib.nullcontext():

        def notify(progress: Progress) -> None:
            watch(progress)
            if early:
                early(progress, watch.tell, watch.waiting)

        return schedule.run_plan(project, plan, command, notify, most=workers, tell=console.note, asked=asked)


def forecast(
    missing: Sequence[Planned], before: Sequence[Took], afterwards: float | None, sooner: Sequence[str]
) -> list[str]:
    """Say how much is to be computed and how long that takes, nothing where nothing is missing."""
    if not missing:
        return []
    derivations = sum(planned.spec.symbolic for planned in missing)
    counts = {"run": len(missing) - derivations, "derivation": derivations}
    words = [f"{n} {what}{'s' if n > 1 else ''}" for what, n in counts.items() if n]
    computed = f"To be computed: {' and '.join(words)}"
    guess = estimate.whole([estimate.work_of(planned) for planned in missing], before)
    if guess is None:
        return [f"{computed}; how long that takes is not known on this machine yet.", *sooner]
    total = guess.seconds + (afterwards or 0.0)
    basis = "at most about {}, as small runs" if guess.most else "about {}, as earlier runs"
    rest = ", then the report is laid out and printed" if afterwards is None else ""
    sentence = f"{computed}; {basis.format(console.duration(total))} on this machine went{rest}."
    return [sentence, *(sooner if total > LONG else ())]


def announce_device(choices: Choices) -> None:
    """Say why a GPU is not used that the driver offers."""
    if not choices.elsewhere and (why := device.passed_over(choices.device)):
        console.note(why)


def announce(plan: Sequence[Planned]) -> None:
    """Say which data stand in for others, and why runs that were there are computed again."""
    for title, reason in {(p.source.title, p.source.reason) for p in plan if p.source and p.source.reason}:
        console.note(f"Data: {title}. {reason}.")
    for planned in plan:
        if planned.run is None and planned.state != "new":
            why = "; ".join(planned.reasons)
            console.note(f"{planned.experiment.name} seed {planned.seed}: {planned.state}: {why}")


def command_line(
    command: str, target: str, choices: Choices, only: Iterable[str] = (), *, full: bool = False
) -> str:
    """Return the command that asks for the same again; folders are named, not located."""
    options = [f"--data {word}" for word in choosing.words_of(choices.data)]
    options += ["--data-dir DIR"] if choices.data_dir else []
    options += [f"--device {choices.device}"] if choices.device != "auto" else []
    options += [f"--precision {choices.precision}"] if choices.precision else []
    options += [f"--seeds {choices.seeds}"] if choices.seeds else []
    options += ["--smoke"] if choices.smoke else []
    options += [f"--cut {choices.cut.text}"] if choices.cut.text else []
    options += ["--full"] if full else []
    options += [f"--only {name}" for name in only]
    return " ".join(["python -m cnnreport", command, target, *options])


def data_line(runs: Sequence[Run]) -> str:
    """Say which data the runs used, marking a stand-in as such."""
    used = {
        (run.key.what["data"]["title"], run.key.what["data"]["stand_in"])
        for run in runs
        if run.key.what["data"]
    }
    marked = [
        f"{title} (stand-in, not the real data)" if stand_in else title for title, stand_in in sorted(used)
    ]
    return f"data: {', '.join(marked) or 'none'}"


def by_experiment(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each experiment by its name, in the order in which they come."""
    names = dict.fromkeys(run.experiment for run in runs)
    return {name: [run for run in runs if run.experiment == name] for name in names}


def result_lines(runs: Sequence[Run]) -> list[str]:
    """Say what each experiment gave, a line each."""
    return [result_line(name, group) for name, group in by_experiment(runs).items()]


def result_line(name: str, runs: Sequence[Run]) -> str:
    """Say in one line what an experiment gave: the mean over its seeds of each final value."""
    finite = [run for run in runs if not run.diverged]
    asked = [each for each in runs[0].kind.recorded if each.result and finite]
    # A number that the kind declares since these runs were made is in none of them.
    results = [_result(each, finite) for each in asked if all(each.key in _kept(run, each) for run in finite)]
    lost = f", {len(runs) - len(finite)} diverged" if len(finite) < len(runs) else ""
    seeds = "1 seed" if len(runs) == 1 else f"{len(runs)} seeds"
    derived = runs[0].key.where["arithmetic"].startswith("exact")  # no seed plays a part
    which = "" if derived else f" ({seeds}{lost})"
    return f"{name}: {', '.join(results) or 'no finite result'}{which}"


def _result(recorded: Recorded, runs: Sequence[Run]) -> str:
    """Say the mean of a number, in the words that its kind has for it."""
    values = [_kept(run, recorded)[recorded.key] for run in runs]  # none where it was not finite
    number = on_terminal(fmean(math.nan if value is None else value for value in values), recorded.form)
    if isinstance(recorded.result, str):
        return recorded.result.format(number)
    return f"{recorded.meaning} {number}"


def _kept(run: Run, recorded: Recorded) -> Mapping[str, Any]:
    """Return where a run keeps a number, among others."""
    if recorded.place == "history":
        return run.history[-1] if run.history else {}
    return run.measures if recorded.place == "measures" else run.spec
