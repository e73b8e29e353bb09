"""The training that the embedded segmentation weights come from.

Two tasks at once: to classify every pixel, and to predict the appearance of each place (its colour,
saturation and texture, and the mean colour of the picture). The second keeps in the features what
classifying drawn things would let go, and what a photograph has in common with a drawing.
"""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from cnnreport.nets import deeplab
from cnnreport.task import Results, Row
from cnnreport.training.loop import Batch, Loop, Update, copies
from cnnreport.training.seeded import seeded
from cnnreport.training.segmentation.images import standardise
from cnnreport.training.specs.segmentation import Pretraining

_SMALLEST = 0.5
"""The least side of a crop, as a part of the scene's: things are seen from afar and from near."""

# How far the saturation, contrast and brightness of an image are changed at random.
_SATURATION, _CONTRAST, _BRIGHTNESS = 0.3, 0.2, 0.2

_BATCH = 16

CELL = 16
"""Height and width of a place whose appearance is predicted: as much as one feature stands for, in pixels."""

APPEARANCE = 10
"""How many numbers describe it; see `appearance`."""


class _Scores(nn.Module):
    """A net whose output is its scores alone, and whose input colours in 0..1."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, colours: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.net(standardise(colours))["out"]
        return scores


class PretrainingTask(Loop):
    """A `Task`: cross entropy and mean squared error, of random crops of scenes.

    Args:
        spec: What to train.
        seed: Of initial weights and crops.
        data: As `cnnreport.data.drawn.scenes.prepare` returns them.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, spec: Pretraining, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._spec = spec
        self._data = {name: torch.from_numpy(array) for name, array in data.items()}
        self._classes = len(data["kinds"])
        with seeded(seed):
            built = deeplab.build(spec.architecture, self._classes + APPEARANCE)
        net: nn.Module = built.to(device).to(memory_format=torch.channels_last)
        per_epoch = math.ceil(len(data["train_rgb"]) / spec.batch_size)
        super().__init__(net, _Scores(net), spec, seed, device, updates_per_epoch=per_epoch)

    def batches(self) -> Iterator[Batch]:
        """Draw crops (BS, 3, S, S) in 0..1; the loss compares with them, and with classes (BS, S, S)."""
        for _ in range(self.updates_per_epoch):
            images, classes = self._crops()
            yield images, (images, classes)

    def loss(self, scores: torch.Tensor, targets: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Return the mean cross entropy of the classes plus the mean squared error of the appearance.

        Args:
            scores: (BS, classes + `APPEARANCE`, S, S).
            targets: Colours (BS, 3, S, S) in 0..1 and classes (BS, S, S).
        """
        colours, classes = targets
        num_classes = self._classes
        named = F.cross_entropy(scores[:, :num_classes], classes)
        return named + _appearance_error(scores[:, num_classes:], colours)

    def follow(self, updates: Iterator[Update]) -> Row:
        """Return ``train_loss``, the mean of the batches'."""
        losses = torch.stack([loss for loss, _, _ in updates]).tolist()  # asked for once
        return {"train_loss": math.fsum(losses) / len(losses)}

    def validate(self) -> Row:
        """Return the metrics over all pixels of the validation scenes.

        Returns:
            ``validation_loss``, the cross entropy in nats, ``validation_accuracy`` and
            ``validation_mean_iou`` of the classes, in 0..1, and ``validation_appearance_error``, the mean
            squared error of `appearance`.
        """
        return self._metrics(self.model)

    def leave(self) -> Results:
        """Return the weights in half precision, and what they reach as they are then."""
        halved = {name: _halve(tensor) for name, tensor in self.net.state_dict().items()}
        net = deeplab.build(self._spec.architecture, self._classes + APPEARANCE)
        net.load_state_dict(halved)
        rounded = self._metrics(_Scores(net.to(self.device).to(memory_format=torch.channels_last)).eval())
        return Results(
            weights=copies(halved),
            measures={
                "architecture": self._spec.architecture,
                "classes": self._classes,
                "parameters": sum(parameter.numel() for parameter in self.net.parameters()),
                "updates": self.updates,
                **{f"halved_{name}": value for name, value in rounded.items()},
            },
            listings={type(self).__name__: inspect.getsource(type(self))},
        )

    def _crops(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return crops of random scenes, all of one size and place: (N, 3, S, S) in 0..1 and (N, S, S)."""
        rgb, classes, size = self._data["train_rgb"], self._data["train_class"], self._spec.crop
        chosen = torch.randint(len(rgb), (self._spec.batch_size,))
        whole = rgb.shape[-1]
        side = int(torch.randint(int(_SMALLEST * whole), whole + 1, ()))
        top, left = torch.randint(whole - side + 1, (2,)).tolist()
        rows, columns = slice(top, top + side), slice(left, left + side)
        images = rgb[chosen, :, rows, columns].to(self.device).float() / 255
        labels = classes[chosen, rows, columns].to(self.device)
        images = _recoloured(images)
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=side > size)
        labels = F.interpolate(labels[:, None].float(), (size, size), mode="nearest")[:, 0].long()
        if torch.rand(()) < 0.5:
            images, labels = images.flip(-1), labels.flip(-1)
        return images, labels

    def _metrics(self, model: nn.Module) -> Row:
        rgb, classes = self._data["validation_rgb"], self._data["validation_class"]
        num_classes = self._classes
        counts, loss, error = torch.zeros(num_classes, num_classes), 0.0, 0.0
        for images, labels in zip(torch.split(rgb, _BATCH), torch.split(classes, _BATCH), strict=True):
            truth, colours = labels.to(self.device).long(), images.to(self.device).float() / 255
            outputs = model(colours)
            loss += float(F.cross_entropy(outputs[:, :num_classes], truth, reduction="sum"))
            error += float(_appearance_error(outputs[:, num_classes:], colours)) * len(images) / len(rgb)
            pairs = truth * num_classes + outputs[:, :num_classes].argmax(1)
            counts += torch.bincount(pairs.flatten().cpu(), minlength=num_classes**2).view_as(counts)
        right = counts.diag()
        overlap = right / (counts.sum(0) + counts.sum(1) - right).clamp(min=1)
        return {
            "validation_loss": loss / classes.numel(),
            "validation_accuracy": float(right.sum() / counts.sum()),
            "validation_mean_iou": float(overlap.mean()),
            "validation_appearance_error": error,
        }


def appearance(colours: torch.Tensor) -> torch.Tensor:
    """Describe the appearance of the places of pictures.

    Args:
        colours: (N, 3, H, W) in 0..1.

    Returns:
        (N, `APPEARANCE`, H / `CELL`, W / `CELL`): for each place its mean colour, the standard deviation of
        its three channels, the difference of the largest and the smallest channel of its mean colour, and
        the mean colour of the whole picture; shifted and scaled to be of about unit size.
    """
    colour = F.avg_pool2d(colours, CELL)
    texture = (F.avg_pool2d(colours**2, CELL) - colour**2).clamp(min=0).sqrt()
    saturation = colour.amax(1, keepdim=True) - colour.amin(1, keepdim=True)
    whole = colour.mean((2, 3), keepdim=True).expand_as(colour)
    return torch.cat([(colour - 0.5) * 4, texture * 8, saturation * 4, (whole - 0.5) * 4], 1)


def _appearance_error(predicted: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(F.avg_pool2d(predicted, CELL), appearance(colours))


def _recoloured(images: torch.Tensor) -> torch.Tensor:
    """Change saturation, contrast and brightness of each image, (N, 3, S, S) in 0..1."""

    def change(amount: float) -> torch.Tensor:
        return (1 + amount * (2 * torch.rand(len(images), 1, 1, 1) - 1)).to(images.device)

    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * change(_SATURATION)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * change(_CONTRAST)
    return (images * change(_BRIGHTNESS)).clamp(0, 1)


def _halve(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
