"""What is asked about the costs of fine-tuning: which net, which input; as a frozen dataclass.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnnreport.errors import UsageError


@dataclass(frozen=True)
class FineTuningCosts:
    """The memory and the arithmetic of a training step, for all layers and for only the last one.

    CSC413 2020, programming assignment 2, questions C.4 and C.5, for the net of CSC413 2021, Part D.

    Args:
        architecture: Of the DeepLabV3; see `cnnreport.nets.deeplab.build`.
        image_size: Height and width of the images, at least 1; the costs of twice the size are found too.
        batch_size: Images in a step, at least 2: batch normalisation has nothing to learn from one.
        num_classes: Classes of a pixel, at least 1.

    Raises:
        UsageError: A number is smaller than that.
    """

    task: ClassVar[str] = "cnnreport.training.costs:CostsTask"
    kind: ClassVar[str] = "cnnreport.kinds.costs:KIND"
    data: ClassVar[None] = None
    libraries: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "numpy")
    symbolic: ClassVar[bool] = True

    architecture: str = "resnet101"
    image_size: int = 224
    batch_size: int = 2
    num_classes: int = 2

    def __post_init__(self) -> None:
        for name, least in (("image_size", 1), ("batch_size", 2), ("num_classes", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"the costs of fine-tuning with {name} = {getattr(self, name)} are asked for",
                    f"set {name} to at least {least}",
                )

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports: none."""
        return ()

    def arithmetic(self, device: str) -> str:
        """Return the number format: whole numbers, which know no rounding."""
        return "exact counts"

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on: there are none."""
        return {}

    def effort(self) -> float:
        """Return how long a run takes beside others: so short that its place in the order is the last."""
        return 0.0
