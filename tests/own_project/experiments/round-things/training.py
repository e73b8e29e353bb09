"""How it is trained."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F

from cnnreport.task import Results, Row

from .spec import Telling


class TellingTask:
    """Gradient descent on all images at once."""

    def __init__(self, spec: Telling, seed: int, data: Mapping[str, Any], device: str) -> None:
        self.epochs = spec.epochs
        module, _, name = spec.net.partition(":")
        torch.manual_seed(seed)
        self.net = getattr(importlib.import_module(module), name)(spec.filters).to(device)
        self.images = torch.from_numpy(data["images"]).to(device) / 255
        self.label = torch.from_numpy(data["label"]).to(device)

    def run_epoch(self) -> Row:
        """Make one update."""
        scores = self.net(self.images)
        loss = F.cross_entropy(scores, self.label)
        loss.backward()
        with torch.no_grad():
            for parameter in self.net.parameters():
                parameter -= 0.5 * parameter.grad
                parameter.grad = None
        return {"loss": float(loss), "accuracy": float((scores.argmax(1) == self.label).float().mean())}

    def state(self) -> dict[str, torch.Tensor]:
        """Return the weights."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.net.state_dict().items()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take the weights."""
        self.net.load_state_dict(dict(state))

    def results(self) -> Results:
        """Return the weights, what was measured, and the class that ran."""
        dark = float((self.images < 0.5).float().mean())
        return Results(self.state(), {}, {"dark": dark}, {"Corner": inspect.getsource(type(self.net))})
