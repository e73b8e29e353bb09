"""Options of the test run, and how it uses this machine."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one that writes the golden texts anew."""
    parser.addoption(
        "--renew", action="store_true", help="write the golden texts anew from what the templates say now"
    )


def pytest_configure() -> None:
    """Let torch compute in one thread, as a worker of the library does.

    The nets here are so small that threads would only wait for each other, ten times as long where the
    machine is busy, and sums are the same in every process. Processes that are started inherit it.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
