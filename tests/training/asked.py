"""How often a number is asked of a tensor, for which a GPU would have to be waited for."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Asked(TorchDispatchMode):
    """Counts, while it is entered, what `item`, `float` and conditions ask."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let the operation happen."""
        self.times += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))
