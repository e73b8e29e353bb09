"""A judgement that several numbers make together, and all that it could have been."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """One of several outcomes; a template that asks for it has words for each of them.

    Args:
        meaning: What is decided.
        outcome: What the numbers decided.
        among: Every outcome that there could be.
    """

    meaning: str
    outcome: str
    among: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.outcome not in self.among:
            raise ValueError(f"{self.meaning}: {self.outcome} is none of {', '.join(self.among)}")
