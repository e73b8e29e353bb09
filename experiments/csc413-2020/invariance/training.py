"""Training on y = ax + b of each image x."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from cnnreport.training.colourization import ColourizationTraining

from .specs import TransformedColourization


class TransformedTraining(ColourizationTraining):
    """A `ColourizationTraining` whose net sees ax + b, in training and validation alike.

    Weights begin as without the transformation, from the seed alone.
    """

    def __init__(
        self, spec: TransformedColourization, seed: int, data: Mapping[str, NDArray[Any]], device: str
    ) -> None:
        self._scale, self._shift = spec.scale, spec.shift
        super().__init__(spec, seed, data, device)

    def scores(self, inputs: Any) -> Any:
        """Return what the model says of ax + b of the images (N, 1, H, W)."""
        return super().scores(self._scale * inputs + self._shift)
