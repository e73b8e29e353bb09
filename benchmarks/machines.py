"""What the numbers of a benchmark depend on."""

from importlib.metadata import version
from typing import Any


def machine() -> dict[str, Any]:
    """Return processor, cores and torch; no names of hosts or folders."""
    from cnnreport.system import hardware  # whichever checkout is measured

    return {"processor": hardware.processor(), "cores": hardware.cores(), "torch": version("torch")}
