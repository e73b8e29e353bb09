from itertools import pairwise
from typing import Any

import pytest
import torch
from thinned import thinned
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.proof import oracle
from cnnreport.formula.proof.grid import conditions
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.statement import state
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import derive

H, W, N = map(symbol, ("h", "w", "n"))


def strided(depth: int) -> nn.Module:
    """Convolutions of stride two, one behind the other."""
    return nn.Sequential(*(nn.Conv2d(1, 1, (3, 1), (2, 1), (1, 0)) for _ in range(depth)))


class Small(nn.Module):
    """One operation that does not take every size."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.operation = {
            "reflect": nn.ReflectionPad2d(3),
            "circular": nn.CircularPad2d((2, 2, 0, 0)),
            "crop": nn.ZeroPad2d((0, 0, -2, -2)),
            "third": nn.Upsample(scale_factor=1 / 3),
            "instance": nn.InstanceNorm2d(1),
            "window": nn.MaxPool2d((4, 2)),
            "any": nn.ReplicationPad2d(5),
        }[kind]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.operation(x)


@pytest.mark.parametrize(("depth", "last"), thinned([(3, 16), (5, 64), (6, 128)], 3))
def test_strides_of_two_take_twice_their_period(depth: int, last: int) -> None:
    """A count of degree one in the height takes both values of each class, and one point a value."""
    proof = prove(derive(lambda depth: strided(depth), {"depth": depth}, (1, H, 2)))
    assert proof.grid["h"][0] == 1
    assert len(proof.grid["h"]) % (last // 2) == 0
    assert proof.points == len(proof.grid["h"])


def test_a_long_proof_is_refused_before_any_net_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal names the input with which it works, and that one does."""

    def never(*args: Any) -> Any:
        raise AssertionError("a net was built")

    net = {"depth": 9}
    with monkeypatch.context() as patched:
        patched.setattr(oracle, "observe", never)
        with pytest.raises(UsageError, match=r"would take \d+ nets; give --input 1,512h,w, with"):
            prove(derive(lambda depth: strided(depth), net, (1, H, W)))
    assert prove(derive(lambda depth: strided(depth), net, (1, 512 * H, W))).points <= 12


def test_a_parameter_with_a_long_period_is_refused_with_its_multiple() -> None:
    """What is rounded may be the number of filters; a size with letters of its own keeps them."""

    def build(width: int, other: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, width // 64, 1), nn.Conv2d(width // 64, other // 48, 1))

    with pytest.raises(UsageError, match=r"nets; give --fix width=64width --fix other=48other, with"):
        prove(derive(build, {}, (1, 3, 3)))


def test_too_many_letters_have_no_multiple_to_name() -> None:
    """Without any rounding the remedy is a number."""

    def build(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int, j: int) -> nn.Module:
        widths = (a, b, c, d, e, f, g, h, i, j)
        return nn.Sequential(*(nn.Linear(one, other) for one, other in pairwise(widths)))

    with pytest.raises(UsageError, match="would take 1024 nets; give some of the parameters as numbers"):
        prove(derive(build, {}))


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("reflect", {"h": 4, "w": 4}),
        ("circular", {"w": 2}),
        ("crop", {"h": 5}),
        ("third", {"h": 3, "w": 3}),
        ("window", {"h": 4, "w": 2}),
        ("any", {}),
    ],
)
def test_the_smallest_size_follows_from_the_operations(kind: str, first: dict[str, int]) -> None:
    """The proof begins where torch first takes the size, and not at the size below."""
    derivation = derive(Small, {"kind": kind}, (1, H, W))
    grid = prove(derivation).grid
    assert {name: values[0] for name, values in grid.items() if values[0] > 1} == first
    for name in first:
        below = [first.get(letter, 1) - (letter == name) for letter in ("h", "w")]
        assert refuses(Small(kind), torch.zeros(1, 1, *below))


def refuses(net: nn.Module, image: torch.Tensor) -> bool:
    """Whether a net does not take an image, or leaves nothing of it."""
    try:
        return net(image).numel() == 0
    except (RuntimeError, ValueError):
        return True


def test_a_size_that_never_suffices_is_refused() -> None:
    """With numbers the condition is decided at once, and the layer named."""
    with pytest.raises(UsageError, match="a size of 3 is too small, more than 3 is needed"):
        derive(Small, {"kind": "reflect"}, (1, 3, 8))


NET = '''
from torch import nn
from torch.nn import functional as F

class Reflecting(nn.Module):
    """Three values beyond each end."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3)

    def forward(self, x):
        return self.conv(F.pad(x, (3, 3, 3, 3), mode="reflect"))
'''


def test_the_condition_is_printed_with_the_formula(tmp_path: Any) -> None:
    """A reader of the formula, of its JSON or of its LaTeX learns from which size on it holds."""
    (tmp_path / "net.py").write_text(NET)
    stated = state(f"{tmp_path}/net.py:Reflecting", ("1,h,2w",), (), "learnable", doubled=False)
    assert stated.conditions() == ["w >= 2", "h >= 4"] or stated.conditions() == ["h >= 4", "w >= 2"]
    assert ">= 4" in stated.proved()
    assert ">= 4" in stated.latex()
    assert stated.to_json()["conditions"] == stated.conditions()


class Resized(nn.Module):
    """Enlarges by a scale in one way."""

    def __init__(self, scale: float, mode: str) -> None:
        super().__init__()
        self.scale, self.mode = scale, mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, scale_factor=self.scale, mode=self.mode)


SCALES = (1 / 3, 2 / 3, 4 / 3, 120 / 88, 0.7, 1.1, 0.3, 5 / 7, 2.5, 3, 1 / 49, 0.29)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scale", thinned(SCALES, 4))
def test_scales_are_what_torch_makes_of_them(scale: float, mode: str) -> None:
    """Outputs, and the inputs that they read, are those of the real operation, for sizes up to a hundred."""
    for size in (*range(1, 40), 49, 58, 98, 100):
        if int(size * scale) < 1:
            continue
        derivation = derive(Resized, {"scale": scale, "mode": mode}, (1, size))
        resize = Resized(scale, mode)
        lit = resize(torch.eye(size, dtype=torch.float64).unsqueeze(1))
        assert derivation.output == (1, lit.shape[-1])
        assert derivation.layers[0].taps == int((lit.abs() > 1e-9).sum())


@pytest.mark.parametrize(
    ("scale", "size", "output"), [(1 / 3, 3 * H, H), (2 / 3, 6 * H, 4 * H), (0.5, 2 * H, H)]
)
def test_scales_go_with_letters_where_rounding_cannot_tell(scale: float, size: Any, output: Any) -> None:
    """A third of 3h is h, though a third is no number of the machine."""
    derivation = derive(Resized, {"scale": scale, "mode": "nearest"}, (1, size))
    prove(derivation)
    assert derivation.output == (1, output)


def test_a_scale_that_rounds_differently_takes_numbers() -> None:
    """0.29 of 100 is 28 for the machine: no formula in h says so."""
    assert derive(Resized, {"scale": 0.29, "mode": "nearest"}, (1, 100)).output == (1, 28)
    with pytest.raises(UsageError, match=r"a scale of 0.29 gives no closed form for 100\*h inputs"):
        derive(Resized, {"scale": 0.29, "mode": "nearest"}, (1, 100 * H))


class Padded(nn.Module):
    """A convolution with what its constructor is given."""

    def __init__(self, kernel: int, padding: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 2, kernel, padding=padding, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Pair(nn.Module):
    """Slides one input over the other."""

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return F.conv1d(x, z)


def said(net: Any, fixed: dict[str, Any], *sizes: Any, padding_counts: bool = True) -> list[str]:
    """What is said of the values for which the counts of a net hold."""
    derivation = derive(net, fixed, *sizes)
    return conditions([derivation], prove(derivation).grid, padding_counts=padding_counts)


D, P = map(symbol, ("dilation", "padding"))


def test_what_the_first_values_do_not_imply_is_told() -> None:
    """Upper bounds of any letter, and relations between two, belong to the claim like lower bounds."""
    assert said(Padded, {"kernel": 3, "dilation": 1, "padding": 0}, (1, H)) == ["h >= 3"]
    assert said(Padded, {"dilation": 1, "padding": 0}, (1, 9)) == ["odd k", "k <= 9"]
    assert said(Padded, {"dilation": 1, "padding": 0}, (1, 5000)) == ["odd k", "k <= 4999"]
    assert said(Padded, {"kernel": 3, "padding": 0}, (1, 9)) == ["dilation <= 4"]
    assert said(Padded, {"dilation": 1, "padding": 0}, (1, H))[1:] == ["odd k", "h + 1 > k"]


def test_padding_beyond_the_image_bounds_only_counts_that_leave_it_out() -> None:
    """Where taps on padding count like others, it does not matter how far they lie from the image."""
    fixed = {"kernel": 3, "dilation": 1}
    assert said(Padded, fixed, (1, 4)) == []
    (bound,) = said(Padded, fixed, (1, 4), padding_counts=False)
    derivation = derive(Padded, fixed, (1, 4))
    assert bound == "padding <= 3"
    for padding in range(1, 6):
        lit = F.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 3), padding=padding).sum()
        taps, outside = (
            int(count.subs(P, padding)) for count in (derivation.layers[0].taps, derivation.layers[0].padded)
        )
        assert (taps - outside == 2 * int(lit)) == (padding <= 3), padding


def test_letters_of_two_inputs_move_alone() -> None:
    """A kernel that is an input must be shorter than the line: that moves up, and the relation is told."""
    assert said(Pair, {}, (2, H), (2, W)) == ["h >= 3", "h + 1 > w"]


def test_a_length_in_front_may_move_too() -> None:
    """A sequence has its length where an image has its channels."""
    net = nn.Conv1d(5, 2, 3)

    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x.transpose(1, 2))

    assert said(Sequence, {}, (N, 5)) == ["n >= 3"]


def test_an_input_must_not_vanish() -> None:
    """A size with a letter taken off begins where something is left of it."""
    assert said(nn.ReLU, {"inplace": False}, (1, H - 3)) == ["h >= 4"]
