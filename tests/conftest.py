"""Options of the test run, and how it uses this machine."""

import atexit
import gc
import os
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest
from thinned import ALL

MEMORY, ROOM = Path("/dev/shm"), 2 * 2**30
"""A file system in memory, as Linux has one, and the bytes that must be free there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one that writes the golden texts anew."""
    parser.addoption(
        "--renew", action="store_true", help="write the golden texts anew from what the templates say now"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let torch compute in one thread, as a worker of the library does, and Hypothesis take its time.

    Without the slow tests Hypothesis tries a quarter of its examples.

    The nets here are so small that threads would only wait for each other, ten times as long where the
    machine is busy, and sums are the same in every process. Processes that are started inherit it.
    The folders of the tests lie in memory where that has room.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    # A command in the background ignores it, and a test that presses Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()  # until all is imported and collected, which is kept anyway
    if config.option.renew:
        config.option.markexpr = ""  # golden texts of slow tests are renewed, too
    # No test asserts a time, which is the machine's.
    tried = ALL // 4 if config.option.markexpr == "not slow" else ALL
    hypothesis.settings.register_profile("unhurried", deadline=None, max_examples=tried)
    hypothesis.settings.load_profile("unhurried")
    # Thousands of small files, each made to last, are a third of the time where they go to a disk.
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run only tests that have golden texts where these are to be written anew."""
    if config.option.renew:
        items[:] = [item for item in items if "golden" in getattr(item, "fixturenames", ())]


def pytest_collection_finish() -> None:
    """Leave all that was imported out of garbage collections, and let these be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    atexit.register(gc.unfreeze)  # so that the end of the process tidies up as ever
