"""What a training is: every choice that changes its outcome, as a frozen dataclass.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

Precision = Literal["exact", "fast"]


@dataclass(frozen=True)
class Colourization:
    """One training of a colourization net (CSC413 2021, programming assignment 2, Parts A to C).

    Args:
        net: The class to train, as ``module:Class``.
        kernel: Kernel size k.
        num_in_channels: NIC, channels of the grey input.
        num_filters: NF, filters of the first layer.
        num_colours: NC, colours of the palette and classes of each pixel.
        epochs: Passes over the training images.
        batch_size: BS; the last batch of an epoch is smaller where BS does not divide the images.
        learning_rate: Step size of Adam; its other parameters are PyTorch's defaults.
        precision: ``exact`` computes in float32; ``fast`` in bfloat16 where the hardware has it.
        train_images: How many of the training images to use, None for all.
        validation_images: How many of the validation images to use, None for all.
    """

    task: ClassVar[str] = "cnnreport.training.colourization:ColourizationTraining"
    data: ClassVar[str] = "colourization"

    net: str
    kernel: int = 3
    num_in_channels: int = 1
    num_filters: int = 32
    num_colours: int = 24
    epochs: int = 25
    batch_size: int = 100
    learning_rate: float = 1e-3
    precision: Precision = "exact"
    train_images: int | None = None
    validation_images: int | None = None
