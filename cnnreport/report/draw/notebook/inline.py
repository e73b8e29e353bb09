"""What a notebook shows below a cell that draws: the picture of matplotlib's inline backend."""

import base64
import inspect
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnreport.report.draw import drawings
from cnnreport.system import durable

DPI = 72
"""Of the inline backend (matplotlib-inline, `config.py`), which also cuts white margins off."""


def png(draw: Callable[..., None], args: Sequence[Any]) -> str:
    """Call a function that draws with pyplot, and return what it drew.

    Args:
        draw: Leaves one figure open, as a function in a cell does; it uses nothing but what its module holds.
        args: What it draws: numbers, texts, arrays, and sequences and mappings of them.

    Returns:
        The PNG, in base 64; the same drawing has the same bytes.
    """
    module = inspect.getsource(sys.modules[draw.__module__])
    return _drawn(_Drawing(draw, args, durable.sha256(module.encode())))


class _Drawing:
    """What is to be drawn, and what decides it in a form that is quickly compared.

    Args:
        draw: What draws.
        args: What it draws.
        code: The hash of the code that draws.
    """

    def __init__(self, draw: Callable[..., None], args: Sequence[Any], code: str) -> None:
        self.draw, self.args, self._code = draw, args, code

    def tolist(self) -> list[Any]:
        """Return what decides the drawing, as `drawings.kept` asks numpy's arrays for it."""
        return [self.draw.__qualname__, self._code, _told(self.args)]


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _told(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return [value.shape, str(value.dtype), durable.sha256(np.ascontiguousarray(value).tobytes())]
    return [*map(_told, value)] if isinstance(value, list | tuple) else value


@drawings.kept
def _drawn(drawing: _Drawing) -> str:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    # Whatever style the report's figures have, a notebook has matplotlib's own.
    with plt.style.context("default"):
        plt.switch_backend("agg")
        try:
            drawing.draw(*drawing.args)
            plt.gcf().savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
        finally:
            plt.close("all")
    return base64.b64encode(buffer.getvalue()).decode()
