"""Commands that run experiments, build reports, and say how runs stand."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnreport.cli.group import (
    asked_of,
    choices_of,
    cli,
    executor_options,
    json_option,
    out_option,
    project_of,
    what_options,
    workers_option,
)
from cnnreport.commands import console
from cnnreport.errors import UsageError
from cnnreport.project import Project

if TYPE_CHECKING:
    from cnnreport.runs.planning.choices import Choices


@cli.command()
@click.argument("report", required=False)
@what_options
@workers_option
@executor_options
@out_option
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be run, and why.")
@click.option("--full", is_flag=True, help="Also run what only goes beyond the handout.")
@click.option("--formats", metavar="NAME,...",
              help="Write these alone: html, pdf, ipynb; by default all that the report has.")  # fmt: skip
@click.option("--budget", metavar="TIME",
              help="Do what fits into a time such as 10m, by what earlier runs took here: fewer seeds, "
                   "then fewer settings of sweeps, then fewer epochs; the cover says so.")  # fmt: skip
@click.option("--cut", metavar="seeds=N,...",
              help="Cut down as --budget did elsewhere: seeds=1,sizes=3,epochs=40 (per cent).")  # fmt: skip
@click.option("--as-is", is_flag=True, help="Compute nothing: write what the runs that stand give.")
@click.option("--watch", is_flag=True, help="Then render the HTML at each change, for a browser to show.")
@click.option("--force", multiple=True, metavar="NAME",
              help="Run this experiment or family again though it is cached; or write this file of the "
                   "report though you changed it.")  # fmt: skip
@click.option("--only", multiple=True, metavar="NAME",
              help="Run only this experiment or family; the report has its sections.")  # fmt: skip
@click.pass_context
def build(
    context: click.Context,
    /,
    report: str | None,
    out: Path | None,
    dry_run: bool,
    full: bool,
    formats: str | None,
    budget: str | None,
    cut: str | None,
    as_is: bool,
    watch: bool,
    only: tuple[str, ...],
    workers: int | None,
    executor: str,
    scheduler: str,
    slurm: tuple[str, ...],
    **options: Any,
) -> None:
    """Train what REPORT needs; write all its files, with what goes beyond the handout where that has run.

    Without REPORT it builds the one that pyproject.toml names under [tool.cnnreport], or the only one.
    """
    from cnnreport.commands import build as pipeline
    from cnnreport.report.page import outline
    from cnnreport.runs.planning import cut as cuts

    place = project_of(context, out)
    name = report or outline.default(place)
    asked = asked_of(executor, scheduler, slurm)
    options["elsewhere"] = asked.elsewhere
    seconds = seconds_of(budget, cut, options, watch=watch)
    options["cut"] = cuts.read(cut or "")
    if dry_run:
        choices = choices_of(place, options, fetch=False)
        if seconds is not None:
            choices = pipeline.forecast_cut(place, name, choices, only, seconds, full=full, formats=formats)
        return show_foreseen(pipeline.plan_report(place, name, choices, only, full=full))
    if watch:
        from cnnreport.commands import watch as watching

        check_watch(formats, as_is=as_is)
        watched = watching.Watch(place, name, choices_of(place, options), only, full=full)
        return watching.watch(watched, workers, asked)
    built = pipeline.build(
        place,
        name,
        choices_of(place, options),
        only,
        full=full,
        formats=formats,
        workers=workers,
        asked=asked,
        as_is=as_is,
        seconds=seconds,
    )
    for line in built.lines():
        console.say(line)


@cli.command()
@click.argument("name")
@what_options
@workers_option
@executor_options
@out_option
@click.option("--force", is_flag=True, help="Run it again though it is cached.")
@click.pass_context
def run(
    context: click.Context,
    /,
    name: str,
    out: Path | None,
    force: bool,
    workers: int | None,
    executor: str,
    scheduler: str,
    slurm: tuple[str, ...],
    **options: Any,
) -> None:
    """Run the experiment NAME, or all experiments of the family NAME."""
    from cnnreport.commands import run as pipeline

    place = project_of(context, out)
    asked = asked_of(executor, scheduler, slurm)
    choices = choices_of(place, options, force=(name,) if force else (), elsewhere=asked.elsewhere)
    finished = pipeline.run_experiment(place, name, choices, workers, asked)
    folders = [console.short(run.folder) for run in finished]
    for line in (*folders, pipeline.data_line(finished), *pipeline.result_lines(finished)):
        console.say(line)


@cli.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, /, as_json: bool) -> None:
    """List the experiments, the reports, and the data sets with what each of them can be."""
    from cnnreport.commands import overview

    listed = overview.listing(project_of(context, None))
    if as_json:
        console.say_json(listed)
        return
    columns = ("experiment", "family", "what it is", "seeds")
    rows = [(e["name"], e["family"], e["title"], str(e["seeds"])) for e in listed["experiments"]]
    console.say_table(columns, rows, empty="No experiments are declared.")
    reports = [(r["name"], r["title"], ", ".join(r["experiments"])) for r in listed["reports"]]
    console.say_table(("report", "title", "experiments"), reports, empty="No reports are declared.")
    data = [
        (word["word"], word["words"]) for of in listed["data"] for word in (*of["choices"], *of["options"])
    ]
    console.say_table(("--data", "what it is"), data, empty="No experiment takes data.")


@cli.command()
@what_options
@out_option
@json_option
@click.pass_context
def status(context: click.Context, /, out: Path | None, as_json: bool, **options: Any) -> None:
    """Say of each run whether it is cached, stale, running or failed.

    Without options of its own it looks at what the last build was asked for.
    """
    from cnnreport.commands import overview

    place = project_of(context, out)
    plan = overview.current_plan(place, chosen(context, place, options))
    if as_json:
        console.say_json([overview.describe(planned) for planned in plan])
    else:
        show_plan(plan)


@cli.command()
@click.argument("name")
@what_options
@out_option
@json_option
@click.pass_context
def explain(context: click.Context, /, name: str, out: Path | None, as_json: bool, **options: Any) -> None:
    """Say what differs between the cached runs of NAME, an experiment or a family, and those of today.

    Of those that stand it says their results, and as JSON all that they recorded.
    """
    from cnnreport.commands import overview

    place = project_of(context, out)
    plan = overview.current_plan(place, chosen(context, place, options), name)
    if as_json:
        console.say_json([{**overview.describe(p), "recorded": overview.recorded(p)} for p in plan])
        return
    for planned in plan:
        console.say(f"{planned.experiment.name} seed {planned.seed}: {planned.state} ({planned.folder.name})")
        for reason in planned.reasons:
            console.say(f"  {reason}")
        for entry in overview.recorded(planned):
            if entry["result"]:
                console.say(f"  {entry['meaning']}: {entry['text']} ({entry['field']})")


def chosen(context: click.Context, place: Project, options: dict[str, Any]) -> "Choices | None":
    """Return the choices given, None where the user gave none at all."""
    default = click.core.ParameterSource.DEFAULT
    given = any(context.get_parameter_source(name) is not default for name in options)
    return choices_of(place, options, fetch=False) if given else None


def seconds_of(budget: str | None, cut: str | None, options: Mapping[str, Any], *, watch: bool) -> int | None:
    """Return the seconds of ``--budget``, None where it is not given.

    Raises:
        UsageError: It is no time, or does not go with what else is asked for.
    """
    from cnnreport.commands import budget as budgets

    if budget is None:
        return None
    against = {
        "--cut": cut,
        "--smoke": options["smoke"],
        "--executor": options["elsewhere"],
        "--watch": watch,
    }
    for option, given in against.items():
        if given:
            raise UsageError(f"--budget and {option} do not go together", "leave one of them away")
    return budgets.read(budget)


def check_watch(formats: str | None, *, as_is: bool) -> None:
    """Refuse what does not go with ``--watch``.

    Raises:
        UsageError: That was asked for.
    """
    if formats not in (None, "html"):
        raise UsageError("--watch renders the HTML alone", "leave --formats away")
    if as_is:
        raise UsageError("--watch computes what is missing", "leave --watch or --as-is away")


def show_foreseen(plan: Any) -> None:
    """Print what a build would do, with the data that it would take."""
    for title, reason in {(p.source.title, p.source.reason) for p in plan if p.source}:
        console.note(f"Data: {title}. {reason}." if reason else f"Data: {title}.")
    show_plan(plan)


def show_plan(plan: Any) -> None:
    """Print a plan as a table."""
    rows = [(p.experiment.name, str(p.seed), p.state, "; ".join(p.reasons)) for p in plan]
    console.say_table(("experiment", "seed", "state", "why"), rows, empty="There is nothing to run.")
