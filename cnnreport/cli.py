"""The command line: every sub-command is one call of the library.

Heavy imports stay inside the commands that need them, so that help and listings come at once.
"""

import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from cnnreport import console, project
from cnnreport.errors import CnnReportError, EnvironmentFailure, UsageError
from cnnreport.project import Project

EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; errors are one sentence, never a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = cli.main([word for word in words if word != "--debug"], "cnnreport", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except (KeyboardInterrupt, click.exceptions.Abort):
        console.note("Interrupted; nothing is lost, the same command goes on where it was.")
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CnnReportError as error:
        if debug:
            traceback.print_exc()
        console.note(f"Error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        if debug:
            traceback.print_exc()
        where = f"{error.filename}: " if error.filename else ""
        console.note(f"Error: {where}{(error.strerror or str(error)).lower()}; make room or mend that place.")
        sys.exit(EnvironmentFailure.exit_code)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a sentence, never a traceback
        if debug:
            traceback.print_exc()
        console.note(f"Error: {type(error).__name__}: {error}; run with --debug to see where.")
        sys.exit(1)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_out = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for output instead of build/."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_what = _options(
    click.option("--data", type=click.Choice(["auto", "real", "cifar10", "flowers17", "meadow"]),
                 default="auto",
                 help="Data; auto (default): drawn stand-ins where real sets cannot be had; real: never."),
    click.option("--data-dir", type=click.Path(path_type=Path), envvar="CNNREPORT_DATA", show_envvar=True,
                 help="Folder with real data."),
    click.option("--palette", type=click.Path(path_type=Path, dir_okay=False),
                 help="A .npy file with the colours, instead of clustering them."),
    click.option("--weights", default="auto",
                 type=click.Choice(["auto", "resnet101", "resnet50", "mobilenet_v3_large", "embedded"]),
                 help="Pre-trained segmentation net; auto (default): COCO's where it can be had."),
    click.option("--skip-bad", is_flag=True, help="Leave out a few bad images; the PDF lists them."),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto",
                 help="Where to compute; auto (default): a GPU where there is one."),
    click.option("--precision", type=click.Choice(["exact", "fast"]),
                 help="exact: float32; fast: bfloat16 where the hardware has it."),
    click.option("--seeds", type=click.IntRange(min=1), help="How many seeds of each experiment."),
    click.option("--smoke", is_flag=True, help="Cut every experiment down to seconds; the PDF says so."),
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--project", "root", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="Folder with experiments/ and templates/.")  # fmt: skip
@click.version_option(package_name="cnnreport", message="%(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, root: Path | None, debug: bool) -> None:
    """Turn deep-learning experiments into a finished, honest lab report.

    Exit codes: 0 done, 2 usage, 3 verification failed, 4 environment, 5 data, 130 interrupted.
    """
    context.obj = root


def _project(context: click.Context, out: Path | None) -> Project:
    found = project.find(context.obj, out)
    if (folder := str(found.root)) not in sys.path:
        sys.path.append(folder)  # a project's own modules can be named in its specs
    return found


@cli.command()
@click.argument("report", default="a2-writeup")
@_what
@_out
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be run, and why.")
@click.option("--full", is_flag=True, help="Also run what only goes beyond the handout.")
@click.option("--no-pdf", is_flag=True, help="Write the HTML page alone, which takes seconds.")
@click.option("--force", multiple=True, metavar="NAME",
              help="Run this experiment or family again though it is cached.")  # fmt: skip
@click.option("--only", multiple=True, metavar="NAME",
              help="Run only this experiment or family; the report has its sections.")  # fmt: skip
@click.pass_context
def build(
    context: click.Context,
    /,
    report: str,
    out: Path | None,
    dry_run: bool,
    full: bool,
    no_pdf: bool,
    only: tuple[str, ...],
    **options: Any,
) -> None:
    """Train what REPORT needs; write HTML and PDF, with what goes beyond the handout where that has run."""
    from cnnreport import build as pipeline
    from cnnreport.runs.plan import Choices

    place = _project(context, out)
    if dry_run:
        plan = pipeline.plan_report(place, report, Choices(**options, fetch=False), only, full=full)
        for title, reason in {(p.source.title, p.source.reason) for p in plan if p.source}:
            console.note(f"Data: {title}. {reason}." if reason else f"Data: {title}.")
        return _show_plan(plan)
    for line in pipeline.build(
        place, report, Choices(**options), only, full=full, printing=not no_pdf
    ).lines():
        console.say(line)


@cli.command()
@click.argument("name")
@_what
@_out
@click.option("--force", is_flag=True, help="Run it again though it is cached.")
@click.pass_context
def run(context: click.Context, /, name: str, out: Path | None, force: bool, **options: Any) -> None:
    """Run the experiment NAME, or all experiments of the family NAME."""
    from cnnreport import run as pipeline
    from cnnreport.runs.plan import Choices

    choices = Choices(**options, force=(name,) if force else ())
    finished = pipeline.run_experiment(_project(context, out), name, choices)
    folders = [console.short(run.folder) for run in finished]
    for line in (*folders, pipeline.data_line(finished), *pipeline.result_lines(finished)):
        console.say(line)


@cli.command()
@click.argument("target")
@click.option(
    "--input",
    "size",
    metavar="C,H,W",
    help="Size of the input, numbers or letters, such as NIC,32,32 or 3,4h,4w; "
    "by default the channels that the first layer takes, and 32 pixels along each axis.",
)
@click.option("--fix", multiple=True, metavar="NAME=VALUE", help="Give a parameter of the net a value.")
@click.option(
    "--convention",
    "name",
    default="learnable",
    show_default=True,
    help="What counts as a weight, an output and a connection.",
)
@click.option("--doubled", is_flag=True, help="Also for an input of twice the height and width.")
@click.option("--latex", "as_latex", is_flag=True, help="Print LaTeX.")
@_json
@click.pass_context
def formulas(
    context: click.Context,
    /,
    target: str,
    size: str | None,
    fix: tuple[str, ...],
    name: str,
    doubled: bool,
    as_latex: bool,
    as_json: bool,
) -> None:
    """Derive how many weights, outputs and connections a net has, layer by layer, and prove it.

    TARGET is module:Class, path/file.py:Class, or a function that returns a net; its integer
    parameters without a default become letters.
    """
    from cnnreport.formula import statement

    _project(context, None)
    if as_json and as_latex:
        raise UsageError("--json and --latex exclude each other", "choose one")
    with console.prints_aside():
        stated = statement.state(target, size, fix, name, doubled=doubled)
    if as_json:
        console.say_json(stated.to_json())
    elif as_latex:
        console.say(stated.latex())
    else:
        for derivation in (stated.derivation, *([stated.doubled] if stated.doubled else [])):
            console.say(stated.heading(derivation))
            console.say_table(statement.COLUMNS, stated.rows(derivation), empty="The net has no layers.")
            for line in stated.totals(derivation):
                console.say(line)
        console.say(stated.convention.sentence)
        console.say(stated.proved())


@cli.command()
@click.argument("answers", type=click.Path(path_type=Path, dir_okay=False))
@_json
@click.pass_context
def check(context: click.Context, /, answers: Path, as_json: bool) -> None:
    """Audit hand-written formulas: which of those in the TOML file ANSWERS hold, and under what convention.

    Exit code 0 when all six hold under one common convention, 3 otherwise.
    """
    from cnnreport.errors import VerificationError
    from cnnreport.formula import audit

    _project(context, None)
    with console.prints_aside():
        found = audit.audit(audit.read(answers))
    if as_json:
        console.say_json(found.to_json())
    else:
        for line in found.lines():
            console.say(line)
    if not found.passed:
        context.exit(VerificationError.exit_code)


@cli.command("list")
@_json
@click.pass_context
def list_(context: click.Context, /, as_json: bool) -> None:
    """List the experiments and the reports."""
    from cnnreport import overview

    listed = overview.listing(_project(context, None))
    if as_json:
        console.say_json(listed)
        return
    columns = ("experiment", "family", "what it is", "seeds")
    rows = [(e["name"], e["family"], e["title"], str(e["seeds"])) for e in listed["experiments"]]
    console.say_table(columns, rows, empty="No experiments are declared.")
    reports = [(r["name"], r["title"], ", ".join(r["experiments"])) for r in listed["reports"]]
    console.say_table(("report", "title", "experiments"), reports, empty="No reports are declared.")


@cli.command()
@_what
@_out
@_json
@click.pass_context
def status(context: click.Context, /, out: Path | None, as_json: bool, **options: Any) -> None:
    """Say of each run whether it is cached, stale, running or failed.

    Without options of its own it looks at what the last build was asked for.
    """
    from cnnreport import overview

    plan = overview.current_plan(_project(context, out), _chosen(context, options))
    if as_json:
        console.say_json([overview.describe(planned) for planned in plan])
    else:
        _show_plan(plan)


@cli.command()
@click.argument("name")
@_what
@_out
@_json
@click.pass_context
def explain(context: click.Context, /, name: str, out: Path | None, as_json: bool, **options: Any) -> None:
    """Say what differs between the cached runs of NAME, an experiment or a family, and those of today."""
    from cnnreport import overview

    plan = overview.current_plan(_project(context, out), _chosen(context, options), name)
    if as_json:
        console.say_json([overview.describe(planned) for planned in plan])
        return
    for planned in plan:
        console.say(f"{planned.experiment.name} seed {planned.seed}: {planned.state} ({planned.folder.name})")
        for reason in planned.reasons:
            console.say(f"  {reason}")


@cli.command()
@_what
@_out
@_json
@click.pass_context
def doctor(context: click.Context, /, out: Path | None, as_json: bool, **options: Any) -> None:
    """Check this machine: torch, CUDA, pango, fonts, disk and data, with the remedy for what is missing."""
    from cnnreport import doctor as surgery
    from cnnreport.runs.plan import Choices

    checks = surgery.examine(_project(context, out), Choices(**options, fetch=False))
    if as_json:
        console.say_json([check.to_json() for check in checks])
    else:
        rows = [(check.verdict, check.name, check.finding, check.remedy) for check in checks]
        console.say_table(("", "", "found", "remedy"), rows, empty="")
    if any(check.verdict == "fail" for check in checks):
        context.exit(surgery.EXIT_CODE)


@cli.command()
@_out
@click.option("--all", "everything", is_flag=True, help="Remove all output, current runs and reports too.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def clean(context: click.Context, /, out: Path | None, everything: bool, dry_run: bool, yes: bool) -> None:
    """Remove runs that are stale or damaged and what they left behind."""
    from cnnreport import overview

    place = _project(context, out)
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
@_out
@click.pass_context
def export_(context: click.Context, /, file: Path, only: tuple[str, ...], out: Path | None) -> None:
    """Pack the finished runs into FILE (a zip archive)."""
    from cnnreport.runs import artefact, experiment, transfer

    place = _project(context, out)
    declared = experiment.load_all(place) if only else {}
    chosen = {one.name for name in only for one in experiment.named(declared, name)}
    found = [run for run in artefact.load_all(place.runs) if isinstance(run, artefact.Run)]
    packed = transfer.export_runs([run for run in found if not only or run.experiment in chosen], file)
    console.say(f"{file}: {len(packed)} runs")


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_out
@click.pass_context
def import_(context: click.Context, /, file: Path, out: Path | None) -> None:
    """Bring in the runs packed in FILE; reports mark them as made elsewhere."""
    from cnnreport.runs import transfer

    taken, known = transfer.import_runs(file, _project(context, out).runs)
    for run in taken:
        console.say(f"{run.folder.name}: imported")
    for run in known:
        console.say(f"{run.folder.name}: stood here already")


def _chosen(context: click.Context, options: dict[str, Any]) -> Any:
    """Return the choices given, None where the user gave none at all."""
    from cnnreport.runs.plan import Choices

    default = click.core.ParameterSource.DEFAULT
    given = any(context.get_parameter_source(name) is not default for name in options)
    return Choices(**options, fetch=False) if given else None


def _show_plan(plan: Any) -> None:
    rows = [(p.experiment.name, str(p.seed), p.state, "; ".join(p.reasons)) for p in plan]
    console.say_table(("experiment", "seed", "state", "why"), rows, empty="There is nothing to run.")
