"""Requests as the command line makes them of what a user asks of a data set."""

from pathlib import Path

from cnnreport.data.data_set import DataSet, Request


def asked(
    data_set: DataSet, choice: str, folder: Path | None, *, fetch: bool = True, **options: str | bool
) -> Request:
    """Ask for a choice by its name, or by ``auto``, ``real`` or ``drawn``."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Request(data_set.resolved(choice), folder, fetch, options=named)
