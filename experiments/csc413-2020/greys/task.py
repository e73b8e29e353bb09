"""The task that tells colours by grey levels alone: by a table, and by scores that are linear in the grey.

A convolution that sees the grey image adds to each colour's score a weighted sum of greys. Of a pixel whose
neighbours are as grey as itself that is a slope times its grey, with the sum of the kernel as the slope.
Which slopes and biases are the best is logistic regression, a convex problem, and it needs the counts of
colours by grey level alone.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]

from cnnreport.errors import DataError
from cnnreport.task import Results, Row

from .spec import Greys

if TYPE_CHECKING:
    import torch

LEVELS = 256
"""Grey levels of the table, the mean of three channels rounded down."""

Counts = NDArray[np.float64]
"""How many pixels there are of each level and colour, (levels, NC)."""

_GREYS: Counts = np.stack([np.ones(LEVELS), np.arange(LEVELS) / LEVELS], axis=1)
"""One and the grey of each level, as the nets see it: divided by 256."""


class GreysTask:
    """A `Task` of one epoch: fits the rules to the training pixels and judges them on the validation pixels.

    Args:
        spec: What to look at.
        seed: Plays no part: the weights are those of the run that is read.
        data: ``train_rgb`` and ``validation_rgb``, uint8 (N, 3, H, W), ``train_label`` and
            ``validation_label``, uint8 (N, H, W), and the weights, each as ``weights.<name>``.
        device: Plays no part.
    """

    epochs = 1

    def __init__(self, spec: Greys, seed: int, data: Mapping[str, NDArray[Any]], device: str) -> None:
        self._train, self._validation = (
            counts(data[f"{part}_rgb"], data[f"{part}_label"], spec.num_colours)
            for part in ("train", "validation")
        )
        if (kernel := data.get(f"weights.{spec.layer}")) is None:
            raise DataError(
                f"there are no weights of {spec.layer}", "let the experiment read a training of such a net"
            )
        self._slopes = np.asarray(kernel, np.float64)[:, -1].sum((1, 2))

    def run_epoch(self) -> Row:
        """Fit the rules, and return as ``pixels`` on how many pixels they were judged."""
        self._measures  # noqa: B018 computed here, so that the epoch takes the time
        return {"pixels": float(self._validation.sum())}

    def state(self) -> dict[str, "torch.Tensor"]:
        """Return nothing: what was fitted is fitted again in seconds."""
        return {}

    def restore(self, state: Mapping[str, "torch.Tensor"]) -> None:
        """Take nothing up."""

    def results(self) -> Results:
        """Return the losses, the accuracies and the spans of the slopes as measures.

        Where the weights are not finite, what depends on them is null.
        """
        return Results(measures=self._measures)

    @cached_property
    def _measures(self) -> dict[str, float | None]:
        best = linear(self._train)
        measures: dict[str, float | None] = {
            **self._judged("table", table(self._train)),
            **self._judged("linear", scores(best)),
            "linear_span": float(np.ptp(best[1])),
        }
        if not np.isfinite(self._slopes).all():
            return measures | dict.fromkeys(("net_span", "flat_loss", "flat_accuracy"))
        span = float(np.ptp(self._slopes))
        flat = scores(linear(self._train, span))
        return {**measures, "net_span": span, **self._judged("flat", flat)}

    def _judged(self, rule: str, logits: Counts) -> dict[str, float]:
        seen = self._validation
        right = seen[np.arange(LEVELS), logits.argmax(1)].sum() / seen.sum()
        loss = -(seen * log_softmax(logits, axis=1)).sum() / seen.sum()
        return {f"{rule}_loss": float(loss), f"{rule}_accuracy": float(right)}


def counts(rgb: NDArray[np.uint8], label: NDArray[np.uint8], num_colours: int) -> Counts:
    """Count the pixels of each grey level and colour.

    Args:
        rgb: Shape (N, 3, H, W).
        label: Shape (N, H, W), in 0..NC-1.
        num_colours: NC.

    Returns:
        Shape (256, NC).
    """
    levels = np.asarray(rgb).sum(axis=1, dtype=np.int64) // 3
    cells = levels.ravel() * num_colours + np.asarray(label).ravel()
    return np.bincount(cells, minlength=LEVELS * num_colours).reshape(LEVELS, num_colours).astype(float)


def table(seen: Counts) -> Counts:
    """Return the log probabilities of the colours of each level, (256, NC).

    They are the frequencies with one added to each count, Laplace's rule of succession, so that no colour is
    impossible.
    """
    log: Counts = np.log((seen + 1) / (seen + 1).sum(1, keepdims=True))
    return log


def scores(weights: Counts) -> Counts:
    """Return the scores, (256, NC), of biases and slopes (2, NC), for greys in 0..1 as nets see them."""
    return _GREYS @ weights


def linear(seen: Counts, span: float | None = None) -> Counts:
    """Fit scores that are linear in the grey: the least mean cross entropy.

    Args:
        seen: The pixels that are learnt from, (256, NC).
        span: The most by which slopes may differ, None where they are free. The same number added to all
            slopes changes no probability, so that they may be taken to lie in ±span / 2.

    Returns:
        Biases and slopes, (2, NC).
    """
    shape = (2, seen.shape[1])
    levels = seen.sum(1, keepdims=True)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log = log_softmax(scores(weights.reshape(shape)), axis=1)
        slope = _GREYS.T @ (np.exp(log) * levels - seen)
        return float(-(seen * log).sum() / seen.sum()), slope.ravel() / seen.sum()

    def curvature(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        p = np.exp(log_softmax(scores(weights.reshape(shape)), axis=1))
        of_one = np.einsum("va,vb,vj,jk->ajbk", _GREYS, _GREYS, p * levels, np.eye(shape[1]))
        of_two = np.einsum("va,vb,vj,vk->ajbk", _GREYS, _GREYS, p * levels, p)
        return (of_one - of_two).reshape(weights.size, weights.size) / seen.sum()

    start = np.zeros(2 * shape[1])
    if span is None:
        options = {"gtol": 1e-7, "maxiter": 500}
        found = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options=options)
    else:
        bounds = [(None, None)] * shape[1] + [(-span / 2, span / 2)] * shape[1]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Counts = found.x.reshape(shape)
    return weights
