"""Adam with PyTorch's defaults, without the three seconds that constructing PyTorch's own costs."""

from collections.abc import Iterable, Mapping

import torch

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba, 2015, Algorithm 1) in one fused step; bit-equal to PyTorch's fused Adam.

    ``torch.optim.Adam`` imports torch._dynamo when it is constructed. The kernel below it is private,
    so where a version of PyTorch lacks it, PyTorch's own class takes over.

    Args:
        parameters: What to optimise; each step needs all gradients.
        learning_rate: Step size.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self._learning_rate = learning_rate
        # A device reads it where it lies: what is recorded there would keep a number of Python's for ever.
        on_device = any(parameter.is_cuda for parameter in self.parameters)
        self._rate = self.parameters[0].new_tensor(learning_rate) if on_device else None
        self._means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._steps = [parameter.new_zeros(()) for parameter in self.parameters]
        self._substitute = None if hasattr(torch, "_fused_adam_") else self._pytorch()

    @property
    def learning_rate(self) -> float:
        """The step size of the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self._rate is not None and rate != self._learning_rate:
            self._rate.fill_(rate)
        self._learning_rate = rate

    @property
    def recordable(self) -> bool:
        """Whether a step is a straight line of operations."""
        return self._substitute is None

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters by their gradients."""
        if self._substitute is not None:
            self._substitute.param_groups[0]["lr"] = self.learning_rate
            self._substitute.step()
            return
        torch._foreach_add_(self._steps, 1)  # one kernel of a GPU, not one a parameter
        torch._fused_adam_(
            list[torch.Tensor](self.parameters),
            [parameter.grad for parameter in self.parameters if parameter.grad is not None],
            self._means,
            self._squares,
            [],
            self._steps,
            lr=self._learning_rate if self._rate is None else self._rate,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            weight_decay=0.0,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, torch.Tensor]:
        """Return the moments and step counts by name; not copies."""
        return {
            f"{name}.{i}": tensor
            for name, tensors in (("mean", self._means), ("square", self._squares), ("step", self._steps))
            for i, tensor in enumerate(tensors)
        }

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from a `state`."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def _pytorch(self) -> torch.optim.Adam:
        optimizer = torch.optim.Adam(self.parameters, self.learning_rate, _BETAS, _EPSILON)
        for parameter, step, mean, square in zip(
            self.parameters, self._steps, self._means, self._squares, strict=True
        ):
            optimizer.state[parameter] = {"step": step, "exp_avg": mean, "exp_avg_sq": square}
        return optimizer
