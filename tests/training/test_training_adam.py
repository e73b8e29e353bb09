import pytest
import torch

from cnnreport.training.fast.adam import Adam


def parameters() -> list[torch.nn.Parameter]:
    """A bias, and a kernel in channels-last memory as the training has it."""
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(4, 3, 3, 3, generator=generator).to(memory_format=torch.channels_last)
    return [torch.nn.Parameter(kernel), torch.nn.Parameter(torch.randn(4, generator=generator))]


def follow(optimizer: Adam | torch.optim.Adam, of: list[torch.nn.Parameter], steps: int) -> None:
    """Walk down a bowl whose slopes differ."""
    for _ in range(steps):
        optimizer.zero_grad()
        sum((p**2 * (1 + p.detach().abs())).sum() for p in of).backward()  # type: ignore[union-attr]
        optimizer.step()


def test_steps_are_bit_equal_to_pytorchs_fused_adam() -> None:
    """The private kernel is driven as torch.optim.Adam(fused=True) drives it."""
    ours, theirs = parameters(), parameters()
    follow(Adam(ours, 1e-2), ours, 20)
    follow(torch.optim.Adam(theirs, 1e-2, fused=True), theirs, 20)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_without_the_private_kernel_pytorchs_adam_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PyTorch that lacks the kernel gives the same path, and a state that either can continue."""
    ours, theirs = parameters(), parameters()
    with_kernel = Adam(ours, 1e-2)
    follow(with_kernel, ours, 5)
    monkeypatch.delattr(torch, "_fused_adam_")
    substitute = Adam(theirs, 1e-2)
    follow(substitute, theirs, 5)
    for (name, a), b in zip(with_kernel.state().items(), substitute.state().values(), strict=True):
        torch.testing.assert_close(b, a, msg=lambda text, name=name: f"{name}: {text}")
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(b, a)


def test_a_restored_optimizer_goes_on_bit_equal() -> None:
    """Moments and step counts are all that the next step depends on."""
    ours, others = parameters(), parameters()
    first, second = Adam(ours, 1e-2), Adam(others, 1e-2)
    follow(first, ours, 5)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for mine, other in zip(ours, others, strict=True):
        other.data.copy_(mine.data)
    follow(first, ours, 5)
    follow(second, others, 5)
    assert all(torch.equal(a, b) for a, b in zip(ours, others, strict=True))
