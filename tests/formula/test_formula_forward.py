"""Several inputs and several outputs: what forward takes and returns."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive
from cnnreport.formula.tracing.forward import Inputs, outputs

H, NF, NIC = symbol("h"), symbol("NF"), symbol("NIC")


class Joined(nn.Module):
    """Two images, two convolutions, one sum."""

    def __init__(self, num_in_channels: int, num_filters: int) -> None:
        super().__init__()
        self.left = nn.Conv2d(num_in_channels, num_filters, 3)
        self.right = nn.Conv2d(3, num_filters, 5, padding=1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Add them up."""
        return self.left(x) + self.right(y)


def totals(derivation: Derivation) -> dict[str, Any]:
    """The three counts under the default convention, proved."""
    prove(derivation)
    return find("learnable").totals(derivation)


def test_two_inputs_are_derived_and_proved_over_the_letters_of_both() -> None:
    """Letters of the second input are letters like those of the first."""
    derivation = derive(Joined, {}, (NIC, H + 2, 8), (3, H + 2, 8))
    assert derivation.inputs == {"x": (NIC, H + 2, 8), "y": (3, H + 2, 8)}
    assert [s.name for s in derivation.symbols] == ["NIC", "NF", "h"]
    assert totals(derivation) == {
        "weights": 9 * NIC * NF + 77 * NF,
        "outputs": 12 * H * NF,
        "connections": 54 * H * NIC * NF + 450 * H * NF,
    }


def test_doubling_doubles_each_input() -> None:
    """Height and width of both, while a vector stays what it is."""
    doubled = derive(Joined, {}, (NIC, 8, 8), (3, 8, 8)).doubled()
    assert doubled.inputs == {"x": (NIC, 16, 16), "y": (3, 16, 16)}
    assert derive(Scaled, {}, (3, 8, 8), (5,)).doubled().inputs == {"image": (3, 16, 16), "style": (5,)}


class Scaled(nn.Module):
    """An image whose channels are scaled by a vector, by keyword only, and by a mask if there is one."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.conv, self.scale = nn.Conv2d(3, num_filters, 3), nn.Linear(5, num_filters)

    def forward(
        self, image: torch.Tensor, blend: bool = False, mask: Any = None, *, style: torch.Tensor
    ) -> torch.Tensor:
        """Convolve and scale."""
        out = self.conv(image) * self.scale(style)[:, :, None, None]
        return out if mask is None else out * mask


def test_inputs_reach_forward_by_their_names() -> None:
    """Keyword-only ones, and optional ones behind a switch that keeps its default."""
    assert totals(derive(Scaled, {}, (3, 8, 8), (5,)))["weights"] == 34 * NF
    derivation = derive(Scaled, {}, (3, 8, 8), (5,), (1, 6, 6))
    assert list(derivation.inputs) == ["image", "style", "mask"]
    assert [layer.operation for layer in derivation.layers] == ["conv2d", "linear", "mul", "mul"]
    prove(derivation)


def test_any_number_of_inputs_for_a_forward_that_takes_any() -> None:
    """As many as there are sizes."""

    class Any(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, *xs: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.conv(x) for x in xs], 1)

    for number in (1, 3):
        derivation = derive(Any, {}, *[(3, 8, 8)] * number)
        assert derivation.output == (4 * number, 6, 6)
        assert totals(derivation)["weights"] == 112


@pytest.mark.parametrize(
    ("forward", "sizes", "says"),
    [
        (
            lambda x, y: x,
            [(3, 8, 8)],
            r"forward takes two inputs \(x, y\); give their sizes with a second --in",
        ),
        (lambda x, y, z: x, [(3,)] * 2, r"three inputs \(x, y, z\); give their sizes with a third --input"),
        (lambda x, y: x, [], r"two inputs \(x, y\); give the size of each with an --input of its own"),
        (lambda x: x, [(3,)] * 2, r"forward takes one input \(x\); leave out the second --input"),
        (lambda x, m=None: x, [(3,)] * 3, r"one input \(x\) and may take m; leave out the third --input"),
        (lambda x, *, y: x, [(3,)], r"two inputs \(x, y\); give their sizes with a second --input"),
    ],
)
def test_too_few_or_too_many_inputs_are_named(
    forward: Callable[..., Any], sizes: list[tuple[int, ...]], says: str
) -> None:
    """What forward takes, and which --input is missing or too much."""

    def build() -> nn.Module:
        net = nn.Sequential(nn.Linear(3, 3))
        net.forward = forward  # type: ignore[method-assign]
        return net

    with pytest.raises(UsageError, match=says):
        derive(build, {}, *sizes)


def test_a_switch_of_forward_is_no_input() -> None:
    """A parameter that is annotated as something else than a tensor is refused, not fed with one."""

    class Switched(nn.Module):
        def forward(self, x: torch.Tensor, training: bool) -> torch.Tensor:
            return x

    with pytest.raises(
        UsageError, match=r"training of forward is no tensor but a switch \(bool\); give it a d"
    ):
        derive(Switched, {}, (3,), (3,))


class Pair(NamedTuple):
    """Two outputs."""

    logits: Any
    features: Any


@dataclasses.dataclass
class Answer:
    """An output, and something that is none."""

    logits: Any
    loss: Any = None


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (lambda a, b: {"out": a, "aux": b}, ["out", "aux"]),
        (lambda a, b: (a, b), ["1", "2"]),
        (lambda a, b: [a, [b, 3]], ["1", "2.1"]),
        (lambda a, b: Pair(a, {"deep": b}), ["logits", "features.deep"]),
        (lambda a, b: Answer(a), ["logits"]),
        (lambda a, b: a, [""]),
    ],
)
def test_outputs_have_the_names_that_forward_gives_them(form: Callable[..., Any], names: list[str]) -> None:
    """Keys, fields, or numbers from one on; all of them are derived and proved."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> Any:
            y = self.conv(x)
            return form(y, F.max_pool2d(y, 2))

    derivation = derive(Net, {}, (3, 2 * H, 8))
    sizes = dict(zip(names, [(4, 2 * H - 2, 6), (4, H - 1, 3)], strict=False))
    assert derivation.outputs == sizes
    assert list(outputs(Net()(torch.zeros(1, 3, 8, 8)))) == names
    prove(derivation)


def test_a_wrong_output_of_several_fails() -> None:
    """The proof compares the second output, too."""
    derivation = derive(Both, {}, (3, 8, 8))
    wrong = {**derivation.outputs, "small": (4, 3, 9)}
    with pytest.raises(VerificationError, match="axis 2 of the output of the net, small, derived 9, is 3"):
        prove(dataclasses.replace(derivation, outputs=wrong))


class Both(nn.Module):
    """A convolution, and what is left of it after pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return both."""
        y = self.conv(x)
        return {"large": y, "small": F.max_pool2d(y, 2)}


def test_signatures_are_seen_through_decorators() -> None:
    """``torch.no_grad`` hides no parameter."""

    class Decorated(nn.Module):
        @torch.no_grad()
        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return left + right

    assert Inputs.of(Decorated()) == Inputs(("left", "right"))


def test_parameters_that_forward_makes_are_refused() -> None:
    """A layer made in forward, or kept in a plain list, has weights that no table would count."""

    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3), None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.last = self.last or nn.Conv2d(4, 2, 1)
            return self.last(self.conv(x))

    class Plain(Late):
        def __init__(self) -> None:
            super().__init__()
            self.__dict__["last"] = nn.Conv2d(4, 2, 1)

    class Idle(Late):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.late = nn.Conv2d(4, 2, 1)
            return self.conv(x)

    for net in (Late, Plain):
        with pytest.raises(UsageError, match=r"a parameter of \(2, 4, 1, 1\) is not the net's own; make its"):
            derive(net, {}, (3, 8, 8))
    with pytest.raises(UsageError, match=r"the parameter late\.weight is made in forward, not in the constr"):
        derive(Idle, {}, (3, 8, 8))


def test_random_tensors_of_a_shape_come_from_no_input() -> None:
    """Noise of the shape of something joins nothing with the input."""

    class Noisy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.randn_like(x) * x.new_ones(3, 8, 8)

    derivation = derive(Noisy, {}, (3, 8, 8))
    prove(derivation)
    assert [(layer.operation, layer.taps) for layer in derivation.layers] == [("add", 192)]
