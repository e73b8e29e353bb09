"""The command that all sub-commands hang from, and the options that several share."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnreport import modules, project
from cnnreport.errors import UsageError
from cnnreport.project import Project

if TYPE_CHECKING:
    from cnnreport.runs.executors.executor import Asked
    from cnnreport.runs.planning.choices import Choices


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
    help="How many runs to compute at once on a CPU; by default as many as cores and memory allow. "
    "With --executor: how many to hand over at once (default 1000).",
)  # fmt: skip
executor_options = together(
    click.option("--executor", metavar="NAME", default="local",
                 help="Who computes what takes long: local (default), dask, slurm, or your module:NAME."),
    click.option("--scheduler", metavar="ADDRESS", default="", help="Of dask: tcp://HOST:8786."),
    click.option("--slurm", multiple=True, metavar="KEY=VALUE",
                 help="A parameter of submitit, such as timeout_min=120 or slurm_partition=gpu. "
                 "May be given several times."),
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
what_options = together(
    click.option("--data", multiple=True, metavar="NAME=CHOICE",
                 help="What a data set is to be, or NAME.OPTION=VALUE, or for all of them: auto (default), "
                 "real (nothing that stands in), drawn. `list` shows them. May be given several times."),
    click.option("--data-dir", type=click.Path(path_type=Path), envvar="CNNREPORT_DATA", show_envvar=True,
                 help="Folder with real data."),
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
    current = project.find(context.obj, out)
    modules.enter(current.root)
    return current


def choices_of(place: Project, options: Mapping[str, Any], **more: Any) -> "Choices":
    """Turn the options of `what_options` into choices, by what the project's data sets declare.

    Raises:
        UsageError: A data set, choice or option is asked for that there is not.
    """
    from cnnreport.data import choosing
    from cnnreport.runs import experiment
    from cnnreport.runs.planning import located
    from cnnreport.runs.planning.choices import Choices

    words = options["data"]
    data_sets = located.known(experiment.load_all(place).values()) if words else {}
    return Choices(**{**options, "data": choosing.read(words, data_sets)}, **more)


def asked_of(executor: str, scheduler: str, slurm: Sequence[str]) -> "Asked":
    """Turn the options of `executor_options` into what is asked of executors.

    Raises:
        UsageError: An option is given to another executor, or is no KEY=VALUE.
    """
    from cnnreport.runs.executors.executor import Asked

    for option, given, meant in (("--scheduler", scheduler, "dask"), ("--slurm", slurm, "slurm")):
        if given and executor != meant:
            raise UsageError(f"{option} is for --executor {meant}", f"add that, or leave {option} away")
    pairs = [word.partition("=") for word in slurm]
    if bad := [word for word, (key, equals, _) in zip(slurm, pairs, strict=True) if not (key and equals)]:
        raise UsageError(f"--slurm {bad[0]} is no KEY=VALUE", "write it as --slurm timeout_min=120")
    return Asked(executor, scheduler, {key: text for key, _, text in pairs})
