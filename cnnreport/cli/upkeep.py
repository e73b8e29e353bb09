"""Commands that look after the machine, the output folder and runs made elsewhere."""

import sys
from pathlib import Path
from typing import Any

import click

from cnnreport.cli.group import choices_of, cli, json_option, out_option, project_of, what_options
from cnnreport.commands import console
from cnnreport.errors import UsageError


@cli.command()
@what_options
@out_option
@json_option
@click.pass_context
def doctor(context: click.Context, /, out: Path | None, as_json: bool, **options: Any) -> None:
    """Check this machine: torch, CUDA, pango, fonts, disk and data, with the remedy for what is missing."""
    from cnnreport.commands import doctor as surgery

    place = project_of(context, out)
    checks = surgery.examine(place, choices_of(place, options, fetch=False))
    if as_json:
        console.say_json([check.to_json() for check in checks])
    else:
        rows = [(check.verdict, check.name, check.finding, check.remedy) for check in checks]
        console.say_table(("", "", "found", "remedy"), rows, empty="")
        console.say(surgery.fitness(checks))
    if any(check.verdict == "fail" for check in checks):
        context.exit(surgery.EXIT_CODE)


@cli.command()
@out_option
@click.option("--all", "everything", is_flag=True, help="Remove all output, current runs and reports too.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def clean(context: click.Context, /, out: Path | None, everything: bool, dry_run: bool, yes: bool) -> None:
    """Remove runs that are stale or damaged and what they left behind."""
    from cnnreport.commands import overview

    place = project_of(context, out)
    rubbish = overview.rubbish(place, everything=everything)
    for path in rubbish:
        console.say(console.short(path))
    if not rubbish:
        console.say("There is nothing to remove.")
    elif not dry_run:
        if not yes and not sys.stdin.isatty():
            raise UsageError("clean asks before it removes anything, and nobody is there", "pass --yes")
        if yes or click.confirm("Remove these?", err=True):
            overview.remove(place, rubbish)


@cli.group()
def runs() -> None:
    """Carry finished runs from one machine to another."""


@runs.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--only", multiple=True, metavar="NAME", help="Only the runs of this experiment or family.")
@out_option
@click.pass_context
def export_(context: click.Context, /, file: Path, only: tuple[str, ...], out: Path | None) -> None:
    """Pack the finished runs into FILE (a zip archive)."""
    from cnnreport.runs import artefact, experiment, transfer

    place = project_of(context, out)
    declared = experiment.load_all(place) if only else {}
    chosen = {one.name for name in only for one in experiment.named(declared, name)}
    finished = [run for run in artefact.load_all(place.runs) if isinstance(run, artefact.Run)]
    packed = transfer.export_runs([run for run in finished if not only or run.experiment in chosen], file)
    console.say(f"{file}: {len(packed)} runs")


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@out_option
@click.pass_context
def import_(context: click.Context, /, file: Path, out: Path | None) -> None:
    """Bring in the runs packed in FILE; reports mark them as made elsewhere."""
    from cnnreport.runs import transfer

    taken, known = transfer.import_runs(file, project_of(context, out).runs)
    for run in taken:
        console.say(f"{run.folder.name}: imported")
    for run in known:
        console.say(f"{run.folder.name}: stood here already")
