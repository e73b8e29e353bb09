"""What Part D runs: frozen features, fine-tuning on them, and the pre-training of the embedded net.

Imports nothing heavy, so that experiments can be listed and planned without torch.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from cnnreport.training.specs.arithmetic import arithmetic
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

Loss = Literal["cross-entropy", "iou"]
Protocol = Literal["clean", "handout"]
FeatureMode = Literal["cached", "frozen", "moving"]
Start = Literal["pretrained", "random"]

_NETS = "cnnreport.nets.deeplab"
_GIB = 1 << 30


class _Segmentation:
    """What the specs of Part D have in common."""

    data: ClassVar[tuple[str, ...]] = (
        "cnnreport.data.flowers.declaration:FLOWERS",
        "cnnreport.data.pretrained.declaration:WEIGHTS",
    )
    libraries: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "numpy", "scipy", "pillow")
    symbolic: ClassVar[bool] = False

    images: int | None

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return (_NETS,)

    def arithmetic(self, device: str) -> str:
        """Return the number format, ``float32``."""
        return arithmetic("exact", device)

    def data_parameters(self) -> dict[str, int | None]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {"images": self.images}

    def memory(self) -> int:
        """Return the bytes of memory that a worker may need, measured; see `runs.executors.crew`."""
        return _GIB if self.images else 7 * _GIB // 4


@dataclass(frozen=True)
class Features(_Segmentation):
    """The input of a frozen net's last layer, computed once for each image.

    Args:
        start: ``pretrained`` for the weights that were chosen; ``random`` for a net of the same
            architecture whose weights are random and whose batch norm is calibrated, as a control.
        images: How many images of each list to use; see `cnnreport.data.flowers.flower_set.prepare`.
    """

    task: ClassVar[str] = "cnnreport.training.segmentation.features:FeaturesTask"
    kind: ClassVar[str] = "cnnreport.kinds.segmentation:FEATURES"

    start: Start = "pretrained"
    images: int | None = None

    def effort(self) -> float:
        """Return how long a run takes beside others, in images that a colourization net learns from."""
        return 20.0 * (self.images or 800)


@dataclass(frozen=True)
class FineTuning(_Segmentation):
    """Fine-tuning of the last layer for flowers (CSC413 2021, programming assignment 2, Part D).

    Args:
        loss: ``cross-entropy`` (D.1) or ``iou``, the soft IoU loss (D.2).
        protocol: ``clean`` trains on trn1 and leaves void pixels out; ``handout`` trains on trn1, trn2
            and trn3 joined, drops the last incomplete batch, and takes void pixels for background, as the
            starter does. Both validate on val1.
        features: ``cached`` reads the features that another run computed; ``frozen`` computes them anew
            in each epoch, to the same effect; ``moving`` leaves the frozen net in train mode, as the
            starter does, so that batch statistics and dropout change them.
        start: The weights of the frozen net where features are not cached; see `Features`.
        epochs: Passes over the training images.
        batch_size: Images of a batch.
        learning_rate: Step size of the optimiser.
        optimiser: How the parameters follow their gradients.
        schedule: How the learning rate changes.
        images: How many images of each list to use; see `cnnreport.data.flowers.flower_set.prepare`.

    Raises:
        UsageError: The schedule does not fit the optimiser.
    """

    task: ClassVar[str] = "cnnreport.training.segmentation.fine_tuning:FineTuningTask"
    kind: ClassVar[str] = "cnnreport.kinds.segmentation:FINE_TUNING"

    loss: Loss
    protocol: Protocol = "clean"
    features: FeatureMode = "cached"
    start: Start = "pretrained"
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.05
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    images: int | None = None

    def __post_init__(self) -> None:
        self.schedule.fit(self.optimiser)

    def memory(self) -> int:
        """Return the bytes of memory that a worker may need, measured; see `runs.executors.crew`."""
        return _GIB if self.images else (5 if self.features == "cached" else 10) * _GIB // 4

    def effort(self) -> float:
        """Return how long a run takes beside others, in images that a colourization net learns from."""
        images = self.images or (400 if self.protocol == "clean" else 1200)
        return self.epochs * images * (5.0 if self.features == "cached" else 50.0)


@dataclass(frozen=True)
class Pretraining:
    """The training that the embedded weights come from: scenes without flowers, see `pretraining`.

    Args:
        architecture: What to train; see `cnnreport.nets.deeplab.build`.
        scenes: How many scenes to draw for training.
        validation_scenes: How many to validate with.
        epochs: As many updates as passes over the scenes would make; each draws its own crops.
        batch_size: Crops of a batch.
        crop: Height and width of a crop as the net sees it, in pixels.
        learning_rate: Step size of the optimiser before the schedule lowers it.
        optimiser: How the parameters follow their gradients.
        schedule: How the learning rate changes.

    Raises:
        UsageError: The schedule does not fit the optimiser.
    """

    task: ClassVar[str] = "cnnreport.training.segmentation.pretraining:PretrainingTask"
    kind: ClassVar[str] = "cnnreport.kinds.segmentation:PRETRAINING"
    data: ClassVar[str] = "cnnreport.data.drawn.declaration:SCENES"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "numpy")
    symbolic: ClassVar[bool] = False

    architecture: str
    scenes: int = 2000
    validation_scenes: int = 100
    epochs: int = 16
    batch_size: int = 8
    crop: int = 128
    learning_rate: float = 1.5e-3
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule("cosine")

    def __post_init__(self) -> None:
        self.schedule.fit(self.optimiser)

    def modules(self) -> tuple[str, ...]:
        """Return the modules that a run imports by name, beyond those that its task imports."""
        return (_NETS,)

    def arithmetic(self, device: str) -> str:
        """Return the number format, ``float32``."""
        return arithmetic("exact", device)

    def data_parameters(self) -> dict[str, int]:
        """Return what the preparation of the data depends on, as arguments of its ``prepare``."""
        return {"scenes": self.scenes, "validation_scenes": self.validation_scenes}

    def effort(self) -> float:
        """Return how long a run takes beside others, in images that a colourization net learns from."""
        return self.epochs * self.scenes * 40.0
