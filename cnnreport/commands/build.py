"""From a report's name to its HTML and PDF: a spec is run into an artefact, artefacts are read into
answers, answers are laid on a page, the page is printed.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cnnreport.commands import budget as budgets
from cnnreport.commands import console
from cnnreport.commands.budget import Budget
from cnnreport.commands.early import Early
from cnnreport.commands.edition import Edition
from cnnreport.commands.run import announce_device, command_line, data_line, result_lines, run_planned
from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.report.out import html, libraries, record
from cnnreport.report.out.writer import Writer
from cnnreport.report.out.writers import chosen
from cnnreport.report.out.writers import files as all_files
from cnnreport.report.page import compose
from cnnreport.report.page import outline as outlines
from cnnreport.report.page.compose import Context
from cnnreport.report.page.outline import Outline
from cnnreport.report.page.waiting import Waiting
from cnnreport.runs import experiment
from cnnreport.runs.artefact import Run
from cnnreport.runs.executors.executor import LOCALLY, Asked
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.planning.choices import Choices, keep_choices
from cnnreport.runs.planning.plan import make_plan, uncut_seeds
from cnnreport.runs.planning.planned import Planned

SOONER = (
    "To see something sooner: `build --smoke` (make demo) cuts everything down to minutes, after which it is "
    "known how long the whole takes; `build --budget 10m` does what fits; `--only NAME` makes one part.",
    "It may be interrupted at any time: the same command goes on from there.",
)


@dataclass(frozen=True)
class Built:
    """A finished report.

    Args:
        written: Its files, each with whether it was written now; False where it stood already.
        runs: The runs that they tell of.
        trained: How many of them were computed now.
        behind: Files that were not asked for and do not say what these say.
        edited: Files that somebody changed, and that were left as they are.
        missing: How many runs it lacks still.
    """

    written: Mapping[Path, bool]
    runs: Sequence[Run]
    trained: int
    behind: Sequence[Path] = ()
    edited: Sequence[Path] = ()
    missing: int = 0

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return list(self.written)

    @property
    def printed(self) -> bool:
        """Whether any was written now."""
        return any(self.written.values())

    def lines(self) -> list[str]:
        """Say what came out, the finished files last."""
        state = "No run had to be computed"
        if self.trained:
            state = "1 run was computed" if self.trained == 1 else f"{self.trained} runs were computed"
        if self.missing:
            lacking = "1 run is" if self.missing == 1 else f"{self.missing} runs are"
            state = f"Nothing was computed; {lacking} missing"
        report = "the report is new" if self.printed else "the report stands as it is"
        return [
            f"{state}; {report}",
            data_line(self.runs),
            *result_lines(self.runs),
            *(f"{console.short(path)} is of an earlier build" for path in self.behind),
            *map(_left, self.edited),
            *(console.short(path) for path in self.paths if path not in self.edited),
        ]


def _left(path: Path) -> str:
    return (
        f"{console.short(path)} was changed since it was built and is left as it is; "
        f"to have it written anew, rename it, or add --force {path.name}, which loses the changes"
    )


def build(
    project: Project,
    report: str,
    choices: Choices,
    only: Sequence[str] = (),
    *,
    full: bool = False,
    formats: str | None = None,
    workers: int | None = None,
    asked: Asked = LOCALLY,
    as_is: bool = False,
    seconds: int | None = None,
    waiting: Waiting | None = None,
) -> Built:
    """Run what a report needs, compose it, and write that.

    Args:
        project: Where everything lies.
        report: The report's name.
        choices: What the user chose.
        only: Experiments and families to restrict the report to; empty for no restriction.
        full: Whether to run what only the sections beyond the handout need, too.
        formats: What to write, such as ``html,pdf``; None for all that the report has.
        workers: How many runs to compute at once on a CPU, None for as many as cores and memory allow.
        asked: Which executor is to compute what takes long.
        as_is: Whether to compute nothing, and to tell of the runs that stand.
        seconds: The time that it is to fit into, None for whatever it takes.
        waiting: How far the build is that computes the runs meanwhile; None where none does.

    Raises:
        CnnReportError: Its children say what is missing or wrong, and what to do.
    """
    whole = outlines.load(project, report)
    writers = chosen(formats, whole)
    choices, forced = parted(choices, whole)
    _check_ready(project, whole, writers)
    if seconds is not None:
        asked_for = _budget(project, whole, choices, only, seconds, writers, full=full)
        choices = replace(choices, cut=asked_for.kept_only() if as_is else asked_for.chosen(workers))
    outline = budgets.thinned(whole, choices.cut)
    plan = plan_report(project, report, choices, only, full=full)
    context = context_of(whole, choices, only, plan)
    if as_is:
        return _as_it_is(project, outline, plan, replace(context, waiting=waiting), forced, writers)
    announce_device(choices)
    keep_choices(project, choices)
    runs = run_planned(
        project,
        plan,
        context.command,
        workers,
        asked=asked,
        afterwards=_last_time(project, outline, writers),
        sooner=() if choices.smoke else SOONER,
        early=_early(project, outline, choices, only, plan, writers, full=full),
    )
    edition = Edition(project, outline, runs, context, forced)
    written = edition.write(writers)
    trained = sum(planned.run is None for planned in plan)
    return Built(written, runs, trained, edition.behind(writers), edition.edited(writers))


def _check_ready(project: Project, outline: Outline, writers: Sequence[Writer]) -> None:
    """Look for all that would fail after hours of training: it is told now."""
    check_epoch()
    for writer in writers:
        writer.require()
    compose.check(project, outline)


def _as_it_is(
    project: Project,
    outline: Outline,
    plan: Sequence[Planned],
    context: Context,
    forced: frozenset[str],
    writers: Sequence[Writer],
) -> Built:
    runs = _standing(outline, plan)
    missing = len(plan) - len(runs)
    edition = Edition(project, outline, runs, replace(context, unfinished=missing > 0), forced)
    written = edition.write(writers)
    return Built(written, runs, 0, edition.behind(writers), edition.edited(writers), missing)


def forecast_cut(
    project: Project,
    report: str,
    choices: Choices,
    only: Sequence[str],
    seconds: int,
    *,
    full: bool,
    formats: str | None,
) -> Choices:
    """Return choices with the cut that a build in so many seconds would make now, and say what it is."""
    outline = outlines.load(project, report)
    asked_for = _budget(project, outline, choices, only, seconds, chosen(formats, outline), full=full)
    return replace(choices, cut=asked_for.foreseen())


def _budget(
    project: Project,
    outline: Outline,
    choices: Choices,
    only: Sequence[str],
    seconds: int,
    writers: Sequence[Writer],
    *,
    full: bool,
) -> Budget:
    afterwards = _last_time(project, outline, writers)
    planning = partial(plan_report, project, outline.name, only=only, full=full)
    return Budget(project, outline, choices, only, full, seconds, afterwards, planning)


@dataclass(frozen=True)
class Standing:
    """Writes the pages of a report from the runs that stand, when it is called; see `build`."""

    project: Project
    report: str
    choices: Choices
    only: Sequence[str]
    full: bool

    def __call__(self, waiting: Waiting) -> None:
        """Write them, with what sections wait for."""
        # No second command downloads, or asks anew for what the first one was to run again.
        choices = replace(self.choices, force=(), fetch=False)
        build(
            self.project,
            self.report,
            choices,
            self.only,
            full=self.full,
            formats=html.WRITER.format,
            as_is=True,
            waiting=waiting,
        )


def _standing(outline: Outline, plan: Sequence[Planned]) -> list[Run]:
    runs = [planned.run for planned in plan if planned.run is not None]
    if not runs:
        raise UsageError(f"no run of the report {outline.name} stands yet", "build it without --as-is")
    return runs


def _early(
    project: Project,
    outline: Outline,
    choices: Choices,
    only: Sequence[str],
    plan: Sequence[Planned],
    writers: Sequence[Writer],
    *,
    full: bool,
) -> Early | None:
    """Return what shows sections while the runs of others are computed, None where no page is asked for."""
    if html.WRITER not in writers:
        return None
    page = next(iter(html.WRITER.paths(outline, project.output).values()))
    return Early(outline, plan, Standing(project, outline.name, choices, tuple(only), full), page)


def check_epoch() -> None:
    """Refuse a date for reproducible builds with which scipy and matplotlib cannot be imported or used.

    Raises:
        EnvironmentFailure: ``SOURCE_DATE_EPOCH`` is set, and is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None and not re.fullmatch(r"\d+", epoch):
        problem = f"SOURCE_DATE_EPOCH is {epoch!r}, with which libraries that the report needs fail"
        raise EnvironmentFailure(problem, "give it a whole number of seconds, or unset it")


def parted(choices: Choices, outline: Outline) -> tuple[Choices, frozenset[str]]:
    """Part what is forced into experiments, which the choices keep, and files of the report."""
    files = frozenset(path.name for path in all_files(outline)) & {*choices.force}
    experiments = tuple(name for name in choices.force if name not in files)
    return replace(choices, force=experiments), files


def context_of(outline: Outline, choices: Choices, only: Sequence[str], plan: Sequence[Planned]) -> Context:
    """Return what a report, whose whole outline it is, says of the build that makes it."""
    full = not only and _is_beyond(outline, choices, plan)
    command = command_line("build", outline.name, choices, only, full=full)
    return Context(
        smoke=choices.smoke,
        command=command,
        subsetter=libraries.subsetter(),
        shortened=budgets.phrases(outline, choices, plan),
    )


def _last_time(project: Project, outline: Outline, writers: Sequence[Writer]) -> float | None:
    return record.last_time(
        path for writer in writers for path in writer.paths(outline, project.output).values()
    )


def _is_beyond(outline: Outline, choices: Choices, plan: Sequence[Planned]) -> bool:
    """Say whether a plan has more than a plain one: only a full build makes again what stands of that."""
    return any(planned.experiment.name in outline.beyond or _is_further(planned, choices) for planned in plan)


def _is_further(planned: Planned, choices: Choices) -> bool:
    """Say whether a plain build has no such seed."""
    return planned.seed >= uncut_seeds(planned.experiment, choices)


def plan_report(
    project: Project, report: str, choices: Choices, only: Sequence[str] = (), *, full: bool = False
) -> list[Planned]:
    """Plan the runs that a report needs, all or those of some experiments and families.

    Of what only sections beyond the handout need, a build that is not full plans what it is asked
    for by name, and those sections of which every run stands already; of the seeds that only a full
    build runs, those of experiments of which all of them stand.
    """
    outline = budgets.thinned(outlines.load(project, report), choices.cut)
    declared = experiment.load_all(project)
    chosen = _meant(declared, outline, only or outline.experiments)
    forced = _meant(declared, outline, choices.force)
    wanted = [declared[name].in_full() for name in outline.experiments if name in chosen]
    plan = [
        replace(planned, experiment=declared[planned.experiment.name])
        for planned in make_plan(project, wanted, choices, console.Download("data"))
    ]
    plan = plan if full else _few(plan, choices)
    kept = chosen if full or only else _kept(outline, plan, forced)
    kept |= {planned.experiment.reads for planned in plan if planned.experiment.name in kept}
    return [planned for planned in plan if planned.experiment.name in kept]


def _few(plan: Sequence[Planned], choices: Choices) -> list[Planned]:
    """Leave out the seeds that only a full build runs, but for experiments of which all of them stand."""
    further = [planned for planned in plan if _is_further(planned, choices)]
    lacking = {planned.experiment.name for planned in further if planned.run is None}
    return [
        planned
        for planned in plan
        if planned.experiment.name not in lacking or not _is_further(planned, choices)
    ]


def _meant(declared: Mapping[str, Experiment], outline: Outline, words: Iterable[str]) -> set[str]:
    """Name the experiments of a report that some names, of experiments or families, stand for."""
    meant: set[str] = set()
    for word in words:
        names = {one.name for one in experiment.named(declared, word)} & {*outline.experiments}
        if not names:
            problem = f"the report {outline.name} does not use {word}"
            raise UsageError(problem, f"run it alone: cnnreport run {word}")
        meant |= names
    return meant


def _kept(outline: Outline, plan: Sequence[Planned], forced: set[str]) -> set[str]:
    """Name the experiments of a build that asks for none by name and is not full."""
    lacking = {planned.experiment.name for planned in plan if planned.run is None}
    kept = {*outline.experiments} - outline.beyond | forced
    # A section is there when nothing lacks but what this build computes anyway.
    there = [section for section in outline.sections if lacking.isdisjoint({*section.experiments} - kept)]
    return kept.union(*(section.experiments for section in there))
