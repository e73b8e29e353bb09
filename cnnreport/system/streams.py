"""stdout and stderr that outlive their readers.

`| head -1`, a terminal that is closed, a full disk under a log: none of them may stop a training. So
what cannot be written to stdout or stderr is dropped where it would leave the process, below click,
rich, warnings and whatever the code of a user prints.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LEFT = {errno.EPIPE, errno.ECONNRESET, errno.EBADF}
"""What a write fails with when its reader has chosen to go."""


class Outlasting(io.RawIOBase):
    """A file descriptor that takes whatever is written to it; `failure` is the first error it met."""

    def __init__(self, descriptor: int) -> None:
        self.name = "<stdout>" if descriptor == 1 else "<stderr>"
        self._descriptor = descriptor
        self._terminal = os.isatty(descriptor)
        self.failure: OSError | None = None

    def writable(self) -> bool:
        """Say yes, as a file would."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Say whether a terminal was there."""
        return self._terminal

    def write(self, content: "ReadableBuffer", /) -> int:
        """Pass bytes on, or drop them where that is impossible; return how many are dealt with."""
        while True:
            try:
                return os.write(self._descriptor, content)
            except BlockingIOError:  # full, and set not to block by whoever shares it: wait all the same
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = self.failure or error
                return memoryview(content).nbytes

    @property
    def lost(self) -> OSError | None:
        """Why something was lost, None where nothing was or where nobody reads any more."""
        left = self._terminal or self.failure is None or self.failure.errno in _LEFT
        return None if left else self.failure


def protect() -> None:
    """Let stdout and stderr of this process outlive their readers; call it before anything is printed.

    A standard descriptor that is closed is opened on nothing: else the next file to be opened, a
    checkpoint perhaps, would get its number and what a C library prints. Streams that a caller has put
    in place of the standard ones stay as they are, and so do those of Windows, whose consoles differ.
    """
    if os.name == "nt":
        return
    for descriptor in (0, 1, 2):
        _open(descriptor)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _outlasting(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _outlasting(sys.stderr, 2)


def lost_results() -> OSError | None:
    """Return why results printed to stdout did not arrive, such as a full disk.

    None where they did, and where their reader went away: that is the reader's choice.
    """
    if sys.stdout is None:
        return None
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Outlasting) else None


def _open(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:  # the lowest free number is this one, since those below are open by now
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _outlasting(stream: TextIO | None, descriptor: int) -> TextIO:
    """Return a stream like the one given, None for one that was closed, which takes whatever comes."""
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(Outlasting(descriptor)), "utf-8", "replace")
    unbuffered = bool(stream.line_buffering or getattr(stream, "write_through", False))
    return io.TextIOWrapper(
        io.BufferedWriter(Outlasting(descriptor)), stream.encoding, stream.errors, line_buffering=unbuffered
    )
