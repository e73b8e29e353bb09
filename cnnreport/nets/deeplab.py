"""DeepLabV3 (Chen, Papandreou, Schroff and Adam, 2017), torchvision's, and a new last layer for it.

CSC413 2021, programming assignment 2, Part D: fine-tuning only the last layer for flowers.
"""

import io
import pickle
from collections.abc import Callable, Mapping

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from cnnreport.errors import DataError
from cnnreport.nets.lean import without_compiler

with without_compiler():
    from torchvision.models import mobilenetv3, segmentation
    from torchvision.models._utils import IntermediateLayerGetter
    from torchvision.models.segmentation.deeplabv3 import DeepLabHead
    from torchvision.models.segmentation.deeplabv3 import DeepLabV3 as DeepLabV3  # for those who type by it

LAST_LAYER = "classifier.4"
"""How the names of the last layer's parameters begin."""

SMALL = "mobilenet_v3_small_embedded"

_ATROUS_RATES = (4,)
_REMEDY = "get the file again from where it was published, or use --data weights=embedded"


def resnet101(num_classes: int) -> DeepLabV3:
    """Build the net of the handout: a ResNet-101 of output stride 8, with an auxiliary classifier."""
    return segmentation.deeplabv3_resnet101(
        weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=True
    )


def resnet50(num_classes: int) -> DeepLabV3:
    """Build the same with a ResNet-50."""
    return segmentation.deeplabv3_resnet50(
        weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=True
    )


def mobilenet_v3_large(num_classes: int) -> DeepLabV3:
    """Build the same with a MobileNetV3-Large of output stride 16."""
    return segmentation.deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=True
    )


def mobilenet_v3_small(num_classes: int) -> DeepLabV3:
    """Build a DeepLabV3 on a MobileNetV3-Small of output stride 16, small enough to be embedded.

    It has one atrous rate, 4, where the others have 12, 24 and 36: at 14 rows and columns, those would
    see hardly anything but padding (Chen et al., 2017, section 3.3).
    """
    features = mobilenetv3.mobilenet_v3_small(weights=None, dilated=True).features
    backbone = IntermediateLayerGetter(features, return_layers={str(len(features) - 1): "out"})
    head = DeepLabHead(features[-1].out_channels, num_classes, atrous_rates=_ATROUS_RATES)
    return DeepLabV3(backbone, head)


_BUILDERS: Mapping[str, Callable[[int], DeepLabV3]] = {
    "resnet101": resnet101,
    "resnet50": resnet50,
    "mobilenet_v3_large": mobilenet_v3_large,
    SMALL: mobilenet_v3_small,
}


def build(architecture: str, num_classes: int = 21) -> DeepLabV3:
    """Build a DeepLabV3 with random weights; nothing is downloaded.

    Args:
        architecture: ``resnet101``, ``resnet50``, ``mobilenet_v3_large`` or `SMALL`.
        num_classes: Classes of a pixel; COCO's weights with VOC's labels have 21.

    Returns:
        A net from images (N, 3, H, W) to a dictionary whose ``out`` holds scores (N, num_classes, H, W).

    Raises:
        DataError: There is no such architecture.
    """
    if architecture not in _BUILDERS:
        raise DataError(
            f"there is no segmentation net {architecture!r}", f"choose from: {', '.join(_BUILDERS)}"
        )
    return _BUILDERS[architecture](num_classes)


def load(architecture: str, content: bytes) -> DeepLabV3:
    """Build a DeepLabV3 with the weights of a file.

    Args:
        architecture: As for `build`.
        content: A file of torchvision's (``.pth``) or safetensors; half precision becomes single.

    Raises:
        DataError: The file is damaged, or its weights are those of another net.
    """
    state = _state(content)
    last = state.get(f"{LAST_LAYER}.weight")
    if last is None:
        raise DataError(f"the weights have no {LAST_LAYER}.weight, so they are no DeepLabV3's", _REMEDY)
    model = build(architecture, len(last))
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()[1:3]
        problem = "; ".join(line.strip() for line in lines)[:300]
        raise DataError(f"the weights do not fit {architecture}: {problem}", _REMEDY) from error
    return model


def _state(content: bytes) -> Mapping[str, torch.Tensor]:
    try:
        if content[:2] == b"PK":  # the zip archive of torch.save
            return dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
        return safetensors.torch.load(content)
    except (RuntimeError, ValueError, EOFError, TypeError, pickle.UnpicklingError, SafetensorError) as error:
        raise DataError(f"the weights cannot be read: {str(error)[:200]}", _REMEDY) from error


def fine_tune_last_layer(model: DeepLabV3, num_classes: int = 2) -> None:
    """Freeze a DeepLabV3 and give it a new last layer (handout, D.1 Q2)."""
    # Frozen first: the other way round, the new layer would be frozen too.
    model.requires_grad_(False)
    model.classifier[4] = nn.Conv2d(256, num_classes, kernel_size=1)


def learned_parameters(model: DeepLabV3) -> list[nn.Parameter]:
    """Return the parameters to learn, those of the last layer (handout, D.1 Q1)."""
    named = model.named_parameters()
    return [parameter for name, parameter in named if name.startswith(LAST_LAYER)]
