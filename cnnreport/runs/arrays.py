"""Arrays of a file as a run takes them: mapped into memory, so that nothing is read that nobody looks at."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def mapped(file: Path) -> dict[str, NDArray[Any]]:
    """Map a file of safetensors, as safetensors and PyTorch do it, without a copy.

    Workers on the same data share its pages. Whoever writes to an array gets a page of his own; the file
    stays as it is.

    Args:
        file: One that has been checked, and that is replaced as a whole if at all.

    Returns:
        The arrays by name.
    """
    import safetensors

    with safetensors.safe_open(file, framework="pt") as opened:
        return {name: opened.get_tensor(name).numpy() for name in opened.keys()}  # noqa: SIM118
