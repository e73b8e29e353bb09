"""Images as the segmentation nets take them."""

import torch

# Mean and standard deviation of ImageNet's colours, by which torchvision's weights were trained.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


def normalise(rgb: torch.Tensor) -> torch.Tensor:
    """Turn images uint8 (N, 3, H, W) into what the nets were trained on, float32 with channels last."""
    return standardise(rgb.float() / 255)


def standardise(colours: torch.Tensor) -> torch.Tensor:
    """Subtract ImageNet's mean from colours (N, 3, H, W) in 0..1 and divide by its standard deviation."""
    mean, deviation = (colours.new_tensor(each).view(3, 1, 1) for each in (_MEAN, _DEVIATION))
    return ((colours - mean) / deviation).contiguous(memory_format=torch.channels_last)
