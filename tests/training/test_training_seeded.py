"""Promises of random numbers that depend on a seed alone."""

import pytest
import torch

from cnnreport.training.seeded import seeded


def test_what_is_drawn_depends_on_the_seed_alone_and_changes_nothing_after() -> None:
    """Whatever was drawn before; and what is drawn afterwards is as if nothing had been between."""
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with seeded(7):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(4), expected)
    torch.rand(5)
    with seeded(7):
        assert torch.equal(torch.rand(3), inside)


def test_the_generators_of_cuda_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CUDA is in use, dropout draws from its own generator, one for each card."""
    states = [torch.tensor([1]), torch.tensor([2])]

    def seed_all(seed: int) -> None:
        states[:] = [torch.tensor([seed])] * 2

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed_all)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: states[device])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: states.__setitem__(device, state))
    monkeypatch.setattr(torch, "get_device_module", lambda device: torch.cuda)
    with seeded(7):
        assert [int(state) for state in states] == [7, 7]
    assert [int(state) for state in states] == [1, 2]


def test_cuda_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing computes there, no card is asked for anything."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_rng_state", None)  # whoever calls it fails
    with seeded(7):
        drawn = torch.rand(3)
    with seeded(7):
        assert torch.equal(torch.rand(3), drawn)
