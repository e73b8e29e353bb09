"""Random numbers that depend on a seed alone, and on nothing that was drawn before."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's generators of random numbers as from fresh ones, and leave them as they were."""
    with undisturbed():
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Leave torch's generators of random numbers as they were, whatever is drawn.

    Those of CUDA, too, where it is in use; where it is not, it is not woken.
    """
    in_use: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(range(torch.cuda.device_count()) if in_use else ()):
        yield
