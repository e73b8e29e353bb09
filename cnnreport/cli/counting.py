"""Commands that derive formulas and audit hand-written ones."""

from pathlib import Path

import click

from cnnreport import console
from cnnreport.cli.group import cli, json_option, project_of
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

    project_of(context, None)
    if as_json and as_latex:
        raise UsageError("--json and --latex exclude each other", "choose one")
    with console.prints_aside():
        stated = statement.state(target, sizes, fix, name, doubled=doubled)
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
@json_option
@click.pass_context
def check(context: click.Context, /, answers: Path, as_json: bool) -> None:
    """Audit hand-written formulas: which of those in the TOML file ANSWERS hold, and under what convention.

    Exit code 0 when all six hold under one common convention, 3 otherwise.
    """
    from cnnreport.errors import VerificationError
    from cnnreport.formula import audit

    project_of(context, None)
    with console.prints_aside():
        found = audit.audit(audit.read(answers))
    if as_json:
        console.say_json(found.to_json())
    else:
        for line in found.lines():
            console.say(line)
    if not found.passed:
        context.exit(VerificationError.exit_code)
