"""What is asked about grey levels: of which data, and which layer of a trained net is looked at.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.training.specs.colourization import Colourization

PLACE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Greys:
    """How well a pixel's own grey level tells its colour, by rules of more and of less freedom.

    CSC413 2020, programming assignment 2, question A2: a table from grey level to colour is what a net has to
    beat. The weights are those of the training that the experiment reads.

    Args:
        layer: The weights of the convolution that sees the grey image itself, as its last input channel.
        num_colours: NC, colours.
        train_images: How many training images, None for all.
        validation_images: How many validation images, None for all.
    """

    task: ClassVar[str] = f"{PLACE}.task:GreysTask"
    kind: ClassVar[str] = f"{PLACE}.kind:KIND"
    data: ClassVar[str] = Colourization.data
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "scikit-learn")
    symbolic: ClassVar[bool] = False

    layer: str = "block6.weight"
    num_colours: int = 24
    train_images: int | None = None
    validation_images: int | None = None

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports: none."""
        return ()

    def arithmetic(self, device: str) -> str:
        """Return the number format."""
        return "float64"

    def data_parameters(self) -> dict[str, int | None]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {
            "num_colours": self.num_colours,
            "train_images": self.train_images,
            "validation_images": self.validation_images,
        }

    def effort(self) -> float:
        """Return how long a run takes beside trainings: seconds."""
        return 0.0
