"""Processes that this one starts: deaf to the terminal, and gone when their parent is."""

import contextlib
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping

_HELD = {number for name in ("SIGINT", "SIGHUP") if (number := getattr(signal, name, None)) is not None}
"""Signals that a terminal sends to all processes on it; only the parent listens. Windows has not all."""


@contextlib.contextmanager
def born_deaf() -> Iterator[None]:
    """Hold back what a terminal sends while processes are started: they inherit that until `obey`."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


@contextlib.contextmanager
def born_with(variables: Mapping[str, str]) -> Iterator[None]:
    """Have processes that are started meanwhile find these variables in their environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def obey(parent: int) -> None:
    """Let the parent alone decide when this process ends; it ends with the parent, even by kill -9.

    Args:
        parent: The number of the process that started this one.
    """
    for number in _HELD:  # the parent decides what these mean
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def portable(error: Exception) -> Exception:
    """Return an error that can be sent, or another that says the same, with a note of where it arose."""
    lines = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - packed in this line
    except Exception:  # noqa: BLE001 - whatever its class does when it is packed
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"In a worker:\n{lines}")
    return error
