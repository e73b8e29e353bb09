"""In which number format a training computes, told without importing torch.

The planner puts the answer into a run's key and the training computes by it, so both ask here.
"""

from typing import Literal, get_args

from cnnreport.errors import UsageError
from cnnreport.system import hardware

Precision = Literal["exact", "fast"]

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_AMPERE = 8
"""The first compute capability that multiplies bfloat16 in hardware."""


def arithmetic(precision: Precision, device: str) -> str:
    """Return the number format of a training's convolutions.

    Args:
        precision: ``exact`` or ``fast``.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        ``bfloat16`` for ``fast`` where the hardware multiplies it, else ``float32``: emulated it
        would be slower than float32.

    Raises:
        UsageError: The precision is neither.
    """
    if precision not in get_args(Precision):
        remedy = f"name one of {', '.join(get_args(Precision))}"
        raise UsageError(f"there is no precision {precision!r}", remedy)
    if precision != "fast":
        return "float32"
    if device == "cpu":
        multiplied = not _BFLOAT16_FLAGS.isdisjoint(hardware.processor_flags())
    else:
        multiplied = device == "cuda" and hardware.cuda_generation() >= _AMPERE
    return "bfloat16" if multiplied else "float32"
