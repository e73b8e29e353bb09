"""The command that all sub-commands hang from, and the options that several share."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cnnreport import project, sources
from cnnreport.project import Project


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make one decorator of several options, in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for output instead of build/."
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1),
    help="How many runs to compute at once on a CPU; by default as many as cores and memory allow.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
what_options = together(
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


def follow_project(context: click.Context) -> None:
    """Make the modules of the project that the user stands in importable, if there is one."""
    if context.obj or project.above(Path.cwd()):
        project_of(context, None)


def project_of(context: click.Context, out: Path | None) -> Project:
    """Return the project that the user stands in, its own modules importable."""
    found = project.find(context.obj, out)
    if (folder := str(found.root)) not in sys.path:
        sys.path.append(folder)  # a project's own modules can be named in its specs
    sources.follow(found.root)
    return found
