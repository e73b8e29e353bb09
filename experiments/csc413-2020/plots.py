"""What the notebook of this report draws beyond what those of every report do: see `draw.notebook.plots`."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt


def plot_by_distance(changes: Mapping[str, Any]) -> None:
    """Plot by how much logits change, over the distance of their pixel from the border.

    Args:
        changes: The mean change at the distances 0, 1, … for each transformed image, by what it is called.
    """
    for name, change in changes.items():
        plt.semilogy(range(len(change)), change, label=name)
    plt.xlabel("distance from the border (pixels)")
    plt.ylabel("mean change of a logit")
    plt.legend()
