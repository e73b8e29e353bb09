"""The command line: every sub-command is one call of the library.

Heavy imports stay inside the commands that need them, so that help and listings come at once.
"""

import signal
import sys
import traceback
from typing import NoReturn

import click

from cnnreport import console
from cnnreport.cli import building, counting, upkeep  # noqa: F401 - they hang their commands on the group
from cnnreport.cli.group import cli
from cnnreport.errors import CnnReportError, EnvironmentFailure

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
