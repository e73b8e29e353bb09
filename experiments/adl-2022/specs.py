"""What this report trains, as frozen dataclasses that import nothing heavy."""

from dataclasses import dataclass
from typing import Any, ClassVar

from cnnreport.training.specs.classification import Classification

PLACE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class SignTraining(Classification):
    """A training of a classifier of signs that is tested once, at the end.

    Args:
        augmented: Whether training images are turned, cut, lit and, where the class allows it, flipped.
        split: How training and validation images are divided: by ``tracks`` or at ``random``.
        test_images: How many of the test images to use, None for all.
        test_batch: How many test images a batch has.
    """

    task: ClassVar[str] = f"{PLACE}.training:SignTask"
    kind: ClassVar[str] = f"{PLACE}.kinds:SIGNS"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "scipy")

    augmented: bool = False
    split: str = "tracks"
    test_images: int | None = None
    test_batch: int = 128

    def data_parameters(self) -> dict[str, Any]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {**super().data_parameters(), "test_images": self.test_images, "split": self.split}


@dataclass(frozen=True)
class NormedTraining(SignTraining):
    """The same of a net with batch normalisation, which is tested in four ways."""

    task: ClassVar[str] = f"{PLACE}.training:NormedTask"
    kind: ClassVar[str] = f"{PLACE}.kinds:NORMED"


@dataclass(frozen=True)
class SignedTraining(SignTraining):
    """A small training that also says how far the gradients of its batches agree in sign."""

    task: ClassVar[str] = f"{PLACE}.training:SignedTask"
    kind: ClassVar[str] = f"{PLACE}.kinds:SIGNED"
