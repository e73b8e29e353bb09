"""Progress on its way to whoever shows it: best effort, since nobody's console may hold up a training."""

import queue
import threading
import warnings
from types import TracebackType
from typing import Self

from cnnreport.runs.runner import Notify, Progress

_LAST_WORDS = 5.0
"""Seconds that the last progress is waited for: who reads it may have stopped reading."""


class Shown:
    """Passes progress on in a thread of its own until that fails; a context, at whose end all is passed on.

    Args:
        notify: Shows progress; may block or raise.
    """

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._waiting: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._pass_on, name="cnnreport-progress", daemon=True)

    def __call__(self, progress: Progress) -> None:
        """Take progress from any thread; never block."""
        self._waiting.put(progress)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(_LAST_WORDS)
        if self._failure is not None and error is None:
            reason = f"{type(self._failure).__name__}: {self._failure}"
            warnings.warn(f"the progress of runs could not be shown: {reason}", RuntimeWarning, stacklevel=2)

    def _pass_on(self) -> None:
        while (progress := self._waiting.get()) is not None:
            try:
                if self._failure is None:
                    self._notify(progress)
            except Exception as error:  # noqa: BLE001 - told at the end: no training ends with its display
                self._failure = error
