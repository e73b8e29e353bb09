"""What is trained here."""

from dataclasses import dataclass
from typing import ClassVar

PLACE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Telling:
    """A training that tells round things from others."""

    task: ClassVar[str] = f"{PLACE}.training:TellingTask"
    data: ClassVar[str] = f"{PLACE}.things:THINGS"
    kind: ClassVar[str] = f"{PLACE}.kind:TELLING"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy")
    symbolic: ClassVar[bool] = False

    net: str = f"{PLACE}.net:Corner"
    filters: int = 4
    epochs: int = 3
    images: int = 32

    def modules(self) -> tuple[str, ...]:
        """Return the net's module."""
        return (self.net.partition(":")[0],)

    def arithmetic(self, device: str) -> str:
        """Return the number format."""
        return "float32"

    def data_parameters(self) -> dict[str, int]:
        """Return how many images there are to be."""
        return {"images": self.images}

    def effort(self) -> float:
        """Return how many images are seen."""
        return float(self.epochs * self.images)
