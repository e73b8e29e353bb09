"""The command that begins a project."""

from pathlib import Path

import click

from cnnreport.cli.group import cli
from cnnreport.commands import console


@cli.command()
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False),
              help="Folder for the project; by default one of its name, here.")  # fmt: skip
def new(name: str, into: Path | None) -> None:
    """Write a small project with the report NAME, which builds, to be changed into your own."""
    from cnnreport.commands import new as starting

    folder = into or Path(name)
    for file in starting.new(name, folder):
        console.say(console.short(file.resolve()))
    console.note(f"Next: cd {folder}, then: cnnreport build")
