"""Options of the test run, and how it uses this machine."""

import atexit
import gc
import os
from collections.abc import Iterator

import hypothesis
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one that writes the golden texts anew."""
    parser.addoption(
        "--renew", action="store_true", help="write the golden texts anew from what the templates say now"
    )


def pytest_configure() -> None:
    """Let torch compute in one thread, as a worker of the library does, and Hypothesis take its time.

    The nets here are so small that threads would only wait for each other, ten times as long where the
    machine is busy, and sums are the same in every process. Processes that are started inherit it.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    # No test asserts a time, which is the machine's.
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Leave all that was imported out of garbage collections, which look through it again and again."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # so that the end of the process tidies up as ever


@pytest.fixture(scope="session")
def compiled() -> Iterator[None]:
    """Compile each template once, not for each report that is made in this process."""
    from compiled import compiled_once  # imports jinja2, which few tests need

    with compiled_once():
        yield
