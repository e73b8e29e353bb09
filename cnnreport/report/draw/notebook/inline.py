"""What a notebook shows below a cell that draws: the picture of matplotlib's inline backend."""

import base64
import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl

DPI = 72
"""Of the inline backend (matplotlib-inline, `config.py`)."""


def png(draw: Callable[..., None], *args: Any, **kwargs: Any) -> str:
    """Call a function that draws with pyplot, and return what it drew.

    Args:
        draw: Leaves one figure open, as a function in a cell does.
        args: What it draws.
        kwargs: What else it takes.

    Returns:
        The PNG, in base 64; the same drawing has the same bytes.
    """
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    # Whatever style the report's figures have, a notebook has matplotlib's own.
    with mpl.rc_context(_defaults()):
        plt.switch_backend("agg")
        try:
            draw(*args, **kwargs)
            plt.gcf().savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        finally:
            plt.close("all")
    return base64.b64encode(buffer.getvalue()).decode()


def _defaults() -> Mapping[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)  # of settings that nobody set
        return {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
