"""Commands that derive formulas and audit hand-written ones."""

from pathlib import Path

import click

from cnnreport.cli.group import cli, follow_project, json_option
from cnnreport.commands import console
from cnnreport.errors import UsageError


@cli.command()
@click.argument("target")
@click.option(
    "--input",
    "sizes",
    multiple=True,
    metavar="C,H,W",
    help="Size of the input, numbers or letters, such as NIC,32,32 or 3,4h,4w, or how many indices an "
    "embedding gets; by default the channels that the first layer takes, and 32 pixels along each axis. "
    "Once for each input of forward, in order; () for one number an image.",
)
@click.option(
    "--fix",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give a parameter of the net a value: a number, letters (8n), true, false, none, several with "
    "commas, or a text in quotes (\"'bilinear'\").",
)
@click.option(
    "--convention",
    "name",
    default="learnable",
    show_default=True,
    help="What counts as a weight, an output and a connection.",
)
@click.option("--doubled", is_flag=True, help="Also for an input of twice the height and width.")
@click.option("--latex", "as_latex", is_flag=True, help="Print LaTeX.")
@json_option
@click.pass_context
def formulas(
    context: click.Context,
    /,
    target: str,
    sizes: tuple[str, ...],
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

    follow_project(context)
    if as_json and as_latex:
        raise UsageError("--json and --latex exclude each other", "choose one")
    with console.prints_aside():
        stated = statement.state(target, sizes, fix, name, doubled=doubled, tell=console.note)
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
@click.argument("answers", type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Print a table that spreadsheets read.")
@json_option
@click.pass_context
def check(context: click.Context, /, answers: Path, as_csv: bool, as_json: bool) -> None:
    """Audit hand-written formulas: which of those in ANSWERS hold, under what convention, and why not.

    ANSWERS is a TOML file, or a folder of them: then a table has a row for each. Exit code 0 when all
    six formulas of every sheet hold under one common convention, 3 otherwise.
    """
    from cnnreport.formula.audit import claims, judge

    follow_project(context)
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other", "choose one")
    if as_csv or answers.is_dir():
        context.exit(_mark(answers, as_csv=as_csv, as_json=as_json))
    with console.prints_aside():
        audit = judge.audit(claims.read(answers))
    if as_json:
        console.say_json(audit.to_json())
    else:
        for line in audit.lines():
            console.say(line)
    context.exit(audit.exit_code)


def _mark(answers: Path, *, as_csv: bool, as_json: bool) -> int:
    """Print what was found about each answer sheet, and return the exit code."""
    from cnnreport.formula.audit import marking

    with console.prints_aside():
        marked = marking.mark(answers)
    if as_csv:
        console.say_csv([marking.COLUMNS, *(sheet.cells() for sheet in marked.sheets)])
    elif as_json:
        console.say_json([sheet.to_json() for sheet in marked.sheets])
    else:
        console.say_table(marking.TITLES, [sheet.row() for sheet in marked.sheets], empty="")
        console.say("✓ holds, ✗ does not, – is not given, ? cannot be read; 2×: twice the height and width.")
    (console.note if as_csv or as_json else console.say)(marked.summary())
    return marked.exit_code
