"""The transformations y = ax + b of question A4: which are tried, and what each is called."""

from dataclasses import dataclass

SCALES = {0.5: "half", 2.0: "double", -1.0: "negative", 0.01: "hundredth"}
SHIFTS = {0.0: "", 0.3: "_shifted"}
"""The values of a and b that the question is tried with, and what stands for them in names."""


@dataclass(frozen=True)
class Transform:
    """One transformation of an image x: the image ax + b.

    Args:
        scale: a.
        shift: b.
        name: What stands for it in names.
    """

    scale: float
    shift: float
    name: str

    @property
    def text(self) -> str:
        """The transformed image as a reader writes it, such as ``0.5x + 0.3``."""
        factor = {1.0: "", -1.0: "−"}.get(self.scale, f"{self.scale:g}")
        return f"{factor}x + {self.shift:g}" if self.shift else f"{factor}x"


SAME = Transform(1.0, 0.0, "same")
"""The image as it is."""

TRANSFORMS = (
    Transform(1.0, 0.3, "shifted"),
    *(Transform(a, b, f"{scale}{shift}") for b, shift in SHIFTS.items() for a, scale in SCALES.items()),
)
"""All that trained nets are tried with: a constant alone, each a alone, and both together."""
