"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one that writes the golden texts anew."""
    parser.addoption(
        "--renew", action="store_true", help="write the golden texts anew from what the templates say now"
    )
