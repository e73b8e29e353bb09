"""The numbers of other tools, measured again, and their explanations on more nets and numbers.

The golden numbers are in experiments/a2-writeup/other-tools.toml. Renew them, after an update of a
tool, with ``CNNREPORT_RENEW=1 python -m pytest tests/formula/test_formula_other_tools.py``.
"""

import importlib.metadata
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from thinned import thinned
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnreport.formula import target
from cnnreport.formula.comparison import explain
from cnnreport.formula.spec import Reading
from cnnreport.formula.tracing.derive import Derivation, derive
from cnnreport.project import PACKAGE, load_file

# fvcore applies torch.jit.script when it is imported, and torch.jit.trace when it counts.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit")

GOLDEN = PACKAGE.parent / "experiments" / "a2-writeup" / "other-tools.toml"
(DECLARED,) = load_file(GOLDEN.with_name("other_tools.py")).EXPERIMENTS
LOCK = PACKAGE.parent / "requirements.lock"
RENEW = "CNNREPORT_RENEW"

KINDS: Mapping[str, tuple[type[nn.Module], ...]] = {
    "transposed convolution": (nn.ConvTranspose2d,),
    "convolution": (nn.Conv2d,),
    "normalisation": (nn.BatchNorm2d,),
    "pooling": (nn.MaxPool2d,),
    "upsampling": (nn.Upsample,),
    "activation": (nn.ReLU,),
}

Counted = tuple[int, dict[str, int]]
"""The total that a tool states, and its numbers by kind of layer."""

ELSEWHERE = (
    {"NIC": 3, "NF": 5, "NC": 7, "k": 5},
    {"NIC": 2, "NF": 3, "NC": 11, "k": 1},
    {"NIC": 4, "NF": 6, "NC": 2, "k": 3},
)
"""Numbers at which none of the golden ones was measured."""


class Enlarging(nn.Module):
    """A transposed convolution that doubles height and width, and a normalisation."""

    def __init__(self, kernel: int, num_filters: int) -> None:
        super().__init__()
        options = {"stride": 2, "padding": kernel // 2, "output_padding": 1}
        self.up = nn.ConvTranspose2d(num_filters, 2 * num_filters, kernel, **options)
        self.norm = nn.BatchNorm2d(2 * num_filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Enlarge and normalise."""
        return self.norm(self.up(x))


def by_kind(net: nn.Module, by_path: Mapping[str, int]) -> dict[str, int]:
    """Add up numbers of layers, given by their paths, by kind; what is no leaf or zero is left out."""
    found: dict[str, int] = {}
    for path, layer in net.named_modules():
        number = 0 if any(layer.children()) else int(by_path.get(path, 0))
        if number:
            kind = next(name for name, types in KINDS.items() if isinstance(layer, types))
            found[kind] = found.get(kind, 0) + number
    return found


def fvcore() -> ModuleType:
    """fvcore.nn, or the test is skipped."""
    return pytest.importorskip("fvcore.nn")  # type: ignore[no-any-return]


def summary(
    net: nn.Module, x: torch.Tensor, total: str, each: Callable[[Any], int], unit: int = 1
) -> Counted:
    """What torchinfo's summary states, in some unit."""
    tool = pytest.importorskip("torchinfo")
    found = tool.summary(net, input_size=tuple(x.shape), verbose=0, device="cpu")
    paths = {id(layer): path for path, layer in net.named_modules()}
    by_path = {paths[layer.layer_id]: each(layer) // unit for layer in found.summary_list}
    return getattr(found, total) // unit, by_kind(net, by_path)


def flops(net: nn.Module, x: torch.Tensor) -> Counted:
    """What fvcore counts as operations."""
    found = fvcore().FlopCountAnalysis(net, x).unsupported_ops_warnings(False)
    return int(found.total()), by_kind(net, found.by_module())


def activations(net: nn.Module, x: torch.Tensor) -> Counted:
    """What fvcore counts as activations."""
    found = fvcore().ActivationCountAnalysis(net, x).unsupported_ops_warnings(False)
    return int(found.total()), by_kind(net, found.by_module())


def parameters(net: nn.Module, x: torch.Tensor) -> Counted:
    """What fvcore counts as parameters."""
    found = fvcore().parameter_count(net)
    return found[""], by_kind(net, found)


def counter_mode(net: nn.Module, x: torch.Tensor) -> Counted:
    """What torch's FlopCounterMode counts; its paths begin with the name of the class."""
    with FlopCounterMode(display=False) as mode:
        net(x)
    counts = mode.get_flop_counts()
    by_path = {path.partition(".")[2]: sum(found.values()) for path, found in counts.items()}
    return mode.get_total_flops(), by_kind(net, by_path)


def _output_bytes(layer: Any) -> int:
    return 2 * layer.output_bytes if layer.num_params else 0


CALLS: Mapping[str, Callable[[nn.Module, torch.Tensor], Counted]] = {
    "summary(net, input_size).total_params":
        lambda net, x: summary(net, x, "total_params", lambda layer: layer.num_params),
    "parameter_count(net)['']": parameters,
    "summary(net, input_size).total_output_bytes / 4":
        lambda net, x: summary(net, x, "total_output_bytes", _output_bytes, unit=4),
    "ActivationCountAnalysis(net, x).total()": activations,
    "summary(net, input_size).total_mult_adds":
        lambda net, x: summary(net, x, "total_mult_adds", lambda layer: layer.macs),
    "FlopCountAnalysis(net.eval(), x).total()": lambda net, x: flops(net.eval(), x),
    "FlopCountAnalysis(net.train(), x).total()": lambda net, x: flops(net.train(), x),
    "FlopCounterMode().get_total_flops()": counter_mode,
}  # fmt: skip


def golden() -> dict[str, Any]:
    """What is kept."""
    return tomllib.loads(GOLDEN.read_text())


READINGS = golden()["readings"]
WHATS = [reading["what"] for reading in READINGS]


def derived() -> Derivation:
    """The net that the tools counted."""
    kept = golden()
    return derive(target.resolve(kept["net"]), size=target.read_size(",".join(kept["input"])))


def measured(what: str, derivation: Derivation, numbers: Mapping[str, int]) -> Counted:
    """Make the net with some numbers, and count."""
    values = {symbol: numbers[symbol.name] for symbol in derivation.symbols}
    net = derivation.net(**{name: int(s.subs(values)) for name, s in derivation.arguments.items()})
    shape = [size if isinstance(size, int) else int(size.subs(values)) for size in derivation.input]
    return CALLS[what](net, torch.zeros(1, *shape))


def render(kept: Mapping[str, Any], comment: str) -> str:
    """Write the golden numbers as the file has them."""

    def table(values: Mapping[str, int]) -> str:
        inner = ", ".join(f"{json.dumps(k) if ' ' in k else k} = {v}" for k, v in values.items())
        return f"{{ {inner} }}"

    def written(value: Any) -> str:
        return table(value) if isinstance(value, dict) else json.dumps(value)

    head = "\n".join(f"{key} = {written(kept[key])}" for key in ("net", "input", "numbers"))
    blocks = [
        "\n".join(["[[readings]]", *(f"{key} = {written(value)}" for key, value in reading.items())])
        for reading in kept["readings"]
    ]
    return comment + "\n\n".join([head, *blocks]) + "\n"


def renew(file: Path) -> None:
    """Measure everything and write it down."""
    kept, derivation = golden(), derived()
    for reading in kept["readings"]:
        number, parts = measured(reading["what"], derivation, kept["numbers"])
        version = importlib.metadata.version(reading["tool"]).partition("+")[0]
        reading |= {"version": version, "number": number, "parts": parts}
    comment = file.read_text().partition("net = ")[0]
    file.write_text(render(kept, comment))


def remeasured(what: str, derivation: Derivation, numbers: Mapping[str, int]) -> Reading:
    """What the tool counts of a net now, with the convention that is written down for it."""
    number, parts = measured(what, derivation, numbers)
    kept = next(reading for reading in DECLARED.spec.readings if reading.what == what)
    return replace(kept, number=number, parts=tuple(parts.items()))


@pytest.fixture(scope="module", autouse=True)
def _renewed() -> None:
    if os.environ.get(RENEW):
        renew(GOLDEN)


@pytest.mark.parametrize("what", thinned(WHATS, 3))
def test_the_tools_count_what_is_kept(what: str) -> None:
    """Run again, each tool gives the number that the report explains, and its parts (CNNREPORT_RENEW=1
    measures them anew).
    """
    kept = golden()
    reading = next(reading for reading in kept["readings"] if reading["what"] == what)
    assert measured(what, derived(), kept["numbers"]) == (reading["number"], reading["parts"])


def test_the_versions_are_the_locked_ones() -> None:
    """Each number is said to come from the version of its tool that the lock installs."""
    locked = dict(line.split(" ")[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    said = {reading["tool"]: reading["version"] for reading in golden()["readings"]}
    assert said == {tool: locked[tool] for tool in said}


def test_renewing_changes_nothing_but_the_measurements() -> None:
    """What is read from the file is written back to the byte."""
    text = GOLDEN.read_text()
    assert render(golden(), text.partition("net = ")[0]) == text


@pytest.mark.parametrize("numbers", thinned(ELSEWHERE, 4), ids=str)
@pytest.mark.parametrize("what", WHATS)
def test_explanations_hold_for_other_numbers(what: str, numbers: dict[str, int]) -> None:
    """The convention that is written down gives what the tool counts with other letters too, part by part."""
    derivation = derived()
    assert explain(remeasured(what, derivation, numbers), derivation, numbers).exact


@pytest.mark.parametrize(
    ("what", "factor", "additions"),
    [
        ("summary(net, input_size).total_mult_adds", 1, (("scale and shift", 1), ("enlarged", 1))),
        ("FlopCountAnalysis(net.eval(), x).total()", 1, (("normalised outputs", 2),)),
        ("FlopCounterMode().get_total_flops()", 2, ()),
    ],
)
def test_the_tools_disagree_on_a_transposed_convolution(
    what: str, factor: int, additions: tuple[tuple[str, int], ...]
) -> None:
    """torchinfo uses the kernel at every pixel of the output, fvcore and torch at those of the input."""
    derivation = derive(Enlarging, size=target.read_size("NF,8,8"))
    numbers = {"NF": 5, "k": 3}
    reading = replace(remeasured(what, derivation, numbers), factor=factor, additions=additions)
    assert explain(reading, derivation, numbers).exact


def test_the_disagreement_is_the_ratio_of_pixels() -> None:
    """A transposed convolution that doubles height and width has four times the products in torchinfo
    that it has in fvcore, beside a product for each bias; torch states twice those of fvcore.
    """
    derivation = derive(Enlarging, size=target.read_size("NF,8,8"))
    counted = {
        what: measured(what, derivation, {"NF": 5, "k": 3})[1]["transposed convolution"]
        for what in CALLS
        if what.startswith(("FlopCount", "summary(net, input_size).total_mult"))
    }
    torchinfo, evaluated, trained, torch_own = counted.values()
    biases = 10 * 16 * 16
    assert (torchinfo - biases, trained, torch_own) == (4 * evaluated, evaluated, 2 * evaluated)
