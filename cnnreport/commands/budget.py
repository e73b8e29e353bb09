"""`build --budget`: what of a report fits into a time, chosen once and kept, so that it is printed alike."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cnnreport.commands import console
from cnnreport.commands.run import command_line, run_planned
from cnnreport.errors import UsageError
from cnnreport.project import BUDGETS, Project
from cnnreport.report.page.outline import Outline
from cnnreport.runs import artefact
from cnnreport.runs.executors import budget, estimate
from cnnreport.runs.executors.budget import Choice
from cnnreport.runs.experiment import Experiment
from cnnreport.runs.planning import cut as cuts
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.cut import WHOLE, Cut
from cnnreport.runs.planning.plan import make_plan, uncut_seeds
from cnnreport.runs.planning.planned import Planned
from cnnreport.system import durable

Planning = Callable[[Choices], Sequence[Planned]]
"""Plans the runs of a report as chosen."""

_UNITS = {"h": 3600, "m": 60, "s": 1}
"""The seconds of each unit of a time."""


def read(text: str) -> int:
    """Return the seconds of a time such as ``10m``, ``90s`` or ``1h30m``.

    Raises:
        UsageError: It is none.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    parts = zip(match.groups("0"), _UNITS.values(), strict=True) if match else ()
    seconds = sum(int(number) * unit for number, unit in parts)
    if not seconds:
        raise UsageError(f"--budget {text!r} is no time", "write it as 10m, 90s or 1h30m")
    return seconds


def phrase(seconds: int) -> str:
    """Return a time as `read` takes it, ``1h30m``."""
    parts = zip(_UNITS, (seconds // 3600, seconds // 60 % 60, seconds % 60), strict=True)
    return "".join(f"{number}{unit}" for unit, number in parts if number)


def left_out(outline: Outline, cut: Cut) -> tuple[str, ...]:
    """Return the experiments that a cut leaves out of a report's sweeps."""
    gone = {name for each in outline.sections for name in {*each.swept} - {*cut.of_sizes(each.swept)}}
    needed = {name for each in outline.sections for name in {*each.experiments} - {*each.swept}}
    return tuple(name for name in outline.experiments if name in gone - needed)


def thinned(outline: Outline, cut: Cut) -> Outline:
    """Return a report without the experiments that a cut leaves out of its sweeps."""
    return outline.without(left_out(outline, cut))


def phrases(outline: Outline, choices: Choices, plan: Sequence[Planned]) -> tuple[str, ...]:
    """Say what a report lacks because of a cut, a phrase each; nothing where nothing is cut."""
    seeds = (uncut_seeds(each.experiment, choices) for each in plan if not each.spec.symbolic)
    planned = {each.experiment.name for each in plan}
    swept = {name for each in outline.sections if not planned.isdisjoint(each.swept) for name in each.swept}
    gone = [name for name in left_out(outline, choices.cut) if name in swept]
    return choices.cut.phrases(max(seeds, default=1), gone)


@dataclass(frozen=True)
class Budget:
    """What a build is asked to fit into a time.

    Args:
        project: Where everything lies.
        outline: The whole report.
        choices: What the user chose, without a cut.
        only: Experiments and families to restrict the report to.
        full: Whether the build is a full one.
        seconds: The time for all of it.
        afterwards: Seconds that pages take, None where that is not known.
        planning: Plans its runs as chosen.
    """

    project: Project
    outline: Outline
    choices: Choices
    only: Sequence[str]
    full: bool
    seconds: int
    afterwards: float | None
    planning: Planning

    def kept(self) -> Cut | None:
        """Return what was chosen when the same was asked for before, None where it never was."""
        try:
            return cuts.read(str(self._record()[self._question]))
        except KeyError:
            return None

    def keep(self, cut: Cut) -> None:
        """Keep a choice: the same command is to print the same, and to go on after an interrupt."""
        record = {**self._record(), self._question: cut.text}
        durable.write(self.project.output / BUDGETS, artefact.encode(record))

    def kept_only(self) -> Cut:
        """Return what was chosen before.

        Raises:
            UsageError: Nothing was.
        """
        if (kept := self.kept()) is None:
            raise UsageError(f"nothing was chosen for {self._asked} yet", "build it without --as-is")
        return kept

    def chosen(self, workers: int | None) -> Cut:
        """Return what was chosen before, or choose now, and keep that.

        Runs of which nothing is known on this machine are measured first, by short ones.

        Raises:
            UsageError: Not even the shortest choice fits, or nothing is known and nothing can be measured.
        """
        if (kept := self._told()) is not None:
            return kept
        begin = time.monotonic()
        plan = self.planning(self.choices)
        if missing := self._unmeasured(plan):
            self._measure(missing, workers)
        choice = self._choose(plan, time.monotonic() - begin)
        self.keep(choice.cut)
        return choice.cut

    def foreseen(self) -> Cut:
        """Return what `chosen` would, but neither measure nor keep it; no cut where it would measure."""
        if (kept := self._told()) is not None:
            return kept
        plan = self.planning(self.choices)
        if missing := self._unmeasured(plan):
            names = ", ".join(each.name for each in missing)
            console.note(f"A build would first measure how long runs take here ({names}), and then choose.")
            return WHOLE
        return self._choose(plan).cut

    def _told(self) -> Cut | None:
        """Return what was chosen before, and say it."""
        if (kept := self.kept()) is not None:
            said = self._said(kept, self.planning(replace(self.choices, cut=kept)))
            console.note(f"For {self._asked} it was chosen before: {said}. Another time is chosen for anew.")
        return kept

    def _unmeasured(self, plan: Sequence[Planned]) -> list[Experiment]:
        """Return the experiments of which a small run is to be measured first."""
        missing = budget.unmeasured(plan, estimate.earlier(self.project, plan))
        return [planned.experiment for planned in missing if planned.experiment.smoke]

    def _choose(self, plan: Sequence[Planned], gone: float = 0.0) -> Choice:
        """Choose, and say what.

        Args:
            plan: That of the whole report.
            gone: Seconds of the time that are over.

        Raises:
            UsageError: Not even the shortest choice fits, or nothing is known of some runs.
        """
        sizes = max((len(section.swept) for section in self.outline.sections), default=0)
        rest = self.seconds - gone - (self.afterwards or 0.0)
        measured = estimate.earlier(self.project, plan)
        choice = budget.choose(plan, sizes, lambda cut: left_out(self.outline, cut), measured, rest)
        if choice is None:
            problem = "how long the runs of this report take is not known on this machine"
            raise UsageError(
                f"{problem}, so that nothing can be chosen for {self._asked}", "build --smoke measures it"
            )
        if not choice.fits:
            least = console.duration(choice.takes.seconds + gone + (self.afterwards or 0.0))
            problem = f"nothing fits into {self._asked}: the shortest choice takes about {least}"
            raise UsageError(problem, "give more time, name a part with --only, or try --smoke")
        most = "at most about" if choice.takes.most else "about"
        pages = "" if self.afterwards is not None else "; then the pages are laid out"
        said = self._said(choice.cut, plan)
        console.note(
            f"For {self._asked}: {said}; {most} {console.duration(choice.takes.seconds)} of computing{pages}."
        )
        return choice

    @property
    def _asked(self) -> str:
        return f"--budget {phrase(self.seconds)}"

    @property
    def _question(self) -> str:
        line = command_line("build", self.outline.name, self.choices, self.only, full=self.full)
        return f"{line} {self._asked}"

    def _record(self) -> dict[str, object]:
        try:
            record = json.loads((self.project.output / BUDGETS).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _said(self, cut: Cut, plan: Sequence[Planned]) -> str:
        said = phrases(self.outline, replace(self.choices, cut=cut), plan)
        return "; ".join(said) or "nothing is cut"

    def _measure(self, experiments: Sequence[Experiment], workers: int | None) -> None:
        """Compute one small run of some experiments."""
        names = ", ".join(each.name for each in experiments)
        console.note(f"How long runs take here is not known: small ones are measured first ({names}).")
        small = replace(self.choices, smoke=True, seeds=1, cut=WHOLE, force=())
        plan = make_plan(self.project, experiments, small)
        run_planned(self.project, plan, command_line("run", names, small), workers)
