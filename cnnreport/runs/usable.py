"""What the installed torch makes of a GPU: run as a program of its own, since torch takes seconds to import.

It prints one line of JSON: the CUDA version that torch was built for and the version of cuDNN, each null
where there is none, and what is in the way of computing on the GPU, empty for nothing. Whatever is wrong (a
torch for CPUs alone, a driver that is too old, no kernels for this card) shows when something is computed.
"""

import json
import sys


def ask() -> dict[str, str | int | None]:
    """Compute something on the GPU, and return ``cuda``, ``cudnn`` and ``problem``."""
    try:
        import torch

        cuda = torch.version.cuda
    except (ImportError, OSError) as error:
        return {"cuda": None, "cudnn": None, "problem": f"torch cannot be imported: {_first_line(error)}"}
    try:
        # Not an empty tensor: only a kernel that runs tells whether there is one for this card.
        ones = torch.ones(1, 1, 3, 3, device="cuda")
        torch.nn.functional.conv2d(ones, ones).item()
        version: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        return {"cuda": cuda, "cudnn": version, "problem": ""}
    except Exception as error:  # noqa: BLE001 - torch, CUDA and cuDNN raise what they like; it is told
        return {"cuda": cuda, "cudnn": None, "problem": _first_line(error) or type(error).__name__}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(ask())}\n")
