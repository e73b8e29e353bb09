from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.proof import oracle
from cnnreport.formula.proof.grid import smallest
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


@pytest.mark.parametrize(("depth", "last"), [(3, 16), (5, 64), (6, 128)])
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
        ("instance", {"h": 2, "w": 2}),
        ("window", {"h": 4, "w": 2}),
        ("any", {}),
    ],
)
def test_the_smallest_size_follows_from_the_operations(kind: str, first: dict[str, int]) -> None:
    """The proof begins where torch first takes the size, and not at the size below."""
    derivation = derive(Small, {"kind": kind}, (1, H, W))
    assert smallest(derivation, prove(derivation).grid) == first
    for name in first:
        below = [first.get(letter, 1) - (letter == name) for letter in ("h", "w")]
        if kind == "instance":
            below = [1, 1]
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
@pytest.mark.parametrize("scale", SCALES)
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
