"""The command line: every sub-command is one call of the library.

Heavy imports stay inside the commands that need them, so that help and listings come at once.
"""

import signal
import sys
import traceback
from typing import NoReturn

import click

from cnnreport import modules
from cnnreport.cli import building, counting, starting, upkeep  # noqa: F401 - they hang their commands on the group
from cnnreport.cli.group import cli
from cnnreport.commands import console
from cnnreport.errors import CnnReportError, EnvironmentFailure
from cnnreport.system import streams

EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; errors are one sentence, never a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    streams.protect()
    _end_in_order()
    try:
        code = cli.main([word for word in words if word != "--debug"], "cnnreport", standalone_mode=False)
        if (lost := streams.lost_results()) is not None:
            reason = (lost.strerror or str(lost)).lower()
            raise EnvironmentFailure(
                f"the results could not be written to stdout: {reason}", "make room there"
            )
        sys.exit(code if isinstance(code, int) else 0)
    except (KeyboardInterrupt, click.exceptions.Abort):
        console.note("Interrupted; nothing is lost, the same command goes on where it was.")
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a sentence, never a traceback
        if debug:
            traceback.print_exc()
        sentence, code = _explained(error)
        console.note(f"Error: {sentence}")
        sys.exit(code)


def _explained(error: Exception) -> tuple[str, int]:
    """Return what to say of an error that ends a command, and the exit code."""
    if isinstance(error, CnnReportError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        problem = (error.strerror or str(error)).lower()
        return f"{where}{problem}; make room or mend that place.", EnvironmentFailure.exit_code
    if (mistake := modules.mistake(error)) is not None:
        return str(mistake), mistake.exit_code
    return f"{type(error).__name__}: {error}; run with --debug to see where.", 1


def _end_in_order() -> None:
    """End as on Ctrl-C when somebody ends the command, or closes its terminal unless nohup is there."""
    signal.signal(signal.SIGTERM, _interrupt)
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:
        signal.signal(hangup, _interrupt)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    signal.signal(signal_number, signal.SIG_IGN)  # a shell sends its hang-up twice, the second into the end
    raise KeyboardInterrupt
