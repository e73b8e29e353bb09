"""The phases of doubling a grid: what is printed of them is what real modules answer to impulses."""

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.phases import check
from cnnreport.formula.phases.effective import Phase, Way, phases, weight
from cnnreport.formula.phases.task import PhasesTask
from cnnreport.formula.spec import Phases
from cnnreport.kinds import kind as kinds
from cnnreport.nets.ablation import ResizeConvNet
from cnnreport.nets.colourization import PoolUpsampleNet
from cnnreport.project import PACKAGE, load_file

DECLARED = load_file(PACKAGE.parent / "experiments" / "a2-writeup" / "upsampling.py").EXPERIMENTS[0].spec

Response = dict[tuple[int, int], set[tuple[int, int, int, int]]]
"""By the row and column of a weight: the parities and offsets at which it meets a one that stands alone."""


@pytest.fixture(scope="module")
def told() -> Any:
    """The measures of the declared run, after the trip through a file."""
    return json.loads(json.dumps(PhasesTask(DECLARED, 0, {}, "cpu").results().measures))


def module(way: str, kernel: int) -> nn.Module:
    """The real layer, with one channel and no bias."""
    if way == "transposed":
        return nn.ConvTranspose2d(1, 1, kernel, 2, kernel // 2, 1, bias=False)
    convolution = nn.Conv2d(1, 1, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), convolution)


def answer(way: str, kernel: int, coarse: torch.Tensor) -> torch.Tensor:
    """What the real layer makes of a coarse image with each weight alone: (k, k, 2H, 2W)."""
    layer = module(way, kernel)
    parameter = next(layer.parameters())
    fine = []
    with torch.no_grad():
        for i, j in product(range(kernel), repeat=2):
            parameter.zero_()
            parameter[0, 0, i, j] = 1
            fine.append(layer(coarse[None, None])[0, 0])
    return torch.stack(fine).reshape(kernel, kernel, *fine[0].shape)


def impulse_responses(way: str, kernel: int) -> Response:
    """Which coarse pixel each weight reads for which phase, seen from a one in the middle of 9 x 9."""
    coarse = torch.zeros(9, 9)
    coarse[4, 4] = 1
    seen: Response = {(i, j): set() for i, j in product(range(kernel), repeat=2)}
    for i, j, y, x in answer(way, kernel, coarse).nonzero().tolist():
        # The one lies at 4, so from the block of the lit pixel it is that far away.
        seen[i, j].add((y % 2, x % 2, 4 - y // 2, 4 - x // 2))
    return seen


def printed(way: dict[str, Any]) -> Response:
    """The same, read off the effective kernels as they are printed."""
    found: Response = {}
    for phase in way["phases"]:
        for row, sums in zip(phase["rows"], phase["sums"], strict=True):
            for column, entry in zip(phase["columns"], sums, strict=True):
                for i, j in entry["weights"]:
                    found.setdefault((i, j), set()).add((*phase["parity"], row, column))
    return found


@pytest.mark.parametrize("kernel", thinned([1, 3, 5], 3))
def test_the_effective_kernels_are_the_impulse_responses_of_real_modules(kernel: int) -> None:
    """Each weight, alone, lights the pixels of a lone one that the sums of the phases say, and no others."""
    found = PhasesTask(Phases(DECLARED.net, DECLARED.upsampling, kernel), 0, {}, "cpu").results().measures
    for way in found["ways"]:
        assert printed(way) == impulse_responses(way["name"], kernel)


def test_the_sums_as_they_are_written(told: Any) -> None:
    """LaTeX and words name the weights that are in a sum."""
    entry = told["ways"][0]["phases"][1]["sums"][0][0]
    assert entry == {
        "latex": ["w_{00} + w_{01}"], "words": "w00 plus w01", "zero": False, "weights": [[0, 0], [0, 1]],
    }  # fmt: skip


def test_how_many_weights_each_phase_has(told: Any) -> None:
    """Four sums of all nine weights each after upsampling; one, two, two and four weights transposed."""
    nearest, transposed = told["ways"]
    assert [(phase["entries"], phase["weights"]) for phase in nearest["phases"]] == [(4, 9)] * 4
    assert [(p["entries"], p["weights"]) for p in transposed["phases"]] == [(1, 1), (2, 2), (2, 2), (4, 4)]
    assert (nearest["shared"], transposed["shared"]) == (9, 0)


def surroundings() -> dict[str, torch.Tensor]:
    """Coarse images of 9 x 9 around the block in the middle."""
    images = {name: torch.zeros(9, 9) for name in ("edge", "corner", "alone")}
    images["edge"][:, :5] = 1
    images["corner"][:5, :5] = 1
    images["alone"][4, 4] = 1
    return {"flat": torch.ones(9, 9), **images}


@pytest.mark.parametrize("number", [0, 1])
def test_the_freedom_of_a_block_is_the_rank_of_what_real_modules_do(told: Any, number: int) -> None:
    """Of the four pixels of a block, as many are free as the outputs for single weights have dimensions."""
    way = told["ways"][number]
    for name, coarse in surroundings().items():
        block = answer(way["name"], 3, coarse)[:, :, 8:10, 8:10].reshape(9, 4)
        assert way["freedom"][name] == np.linalg.matrix_rank(block.numpy()), name


@pytest.mark.parametrize("number", [0, 1])
def test_ties_are_what_is_missing_of_the_rank(told: Any, number: int) -> None:
    """All sums of all phases, computed for random weights, span as many dimensions as are said to be free."""
    way = told["ways"][number]
    values = np.random.default_rng(0).normal(size=(40, 3, 3))
    sums = [entry["weights"] for p in way["phases"] for row in p["sums"] for entry in row]
    table = np.array([[sum(value[i, j] for i, j in places) for places in sums] for value in values])
    assert way["entries"] == len(sums)
    assert way["free"] == np.linalg.matrix_rank(table)
    assert way["ties"] == len(sums) - way["free"]


@pytest.mark.parametrize("kernel", thinned([3, 5], 2))
def test_equal_sums_are_all_that_ties_the_phases(kernel: int) -> None:
    """Rows of phases side by side and columns of phases above each other have equal sums, for any weights."""
    found = PhasesTask(Phases(DECLARED.net, DECLARED.upsampling, kernel), 0, {}, "cpu").results().measures
    nearest, transposed = found["ways"]
    weights = np.random.default_rng(1).integers(-9, 9, size=(kernel, kernel))
    upper_left, upper_right, lower_left, _ = (
        np.array([[sum(weights[i, j] for i, j in e["weights"]) for e in row] for row in phase["sums"]])
        for phase in nearest["phases"]
    )
    assert upper_left.sum(axis=1).tolist() == upper_right.sum(axis=1).tolist()
    assert upper_left.sum(axis=0).tolist() == lower_left.sum(axis=0).tolist()
    many = (
        kernel + 1
    ) // 2  # rows of each effective kernel: 4 equations each way for k = 3, one of them twice
    assert nearest["ties"] == 4 * many - 1
    assert (nearest["sums_tie"], transposed["sums_tie"]) == (True, False)


def test_the_difference_inside_a_block_is_made_of_steps(told: Any) -> None:
    """On images that are constant along columns real modules give what the equation says."""
    nearest, transposed = told["ways"]
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(-9, 9, (3, 3), generator=generator).float()
    columns = torch.randint(-9, 9, (9,), generator=generator).float()
    fine = torch.einsum("ij,ijyx->yx", weights, answer("nearest", 3, columns.expand(9, 9)))
    expected = sum(
        sum(weights[i, j] for i, j in term["sum"]["weights"])
        * (columns[4 + term["column"] + 1] - columns[4 + term["column"]])
        for term in nearest["step"]["terms"]
    )
    assert fine[8, 9] - fine[8, 8] == expected
    assert nearest["step"]["latex"] == [
        r"y_{\mathrm{right}} - y_{\mathrm{left}} = (w_{00} + w_{10} + w_{20})(x_{J} - x_{J-1})"
        r" + (w_{02} + w_{12} + w_{22})(x_{J+1} - x_{J})"
    ]
    assert transposed["step"] is None


def test_a_flat_image_stays_flat_after_upsampling_alone(told: Any) -> None:
    """With any weights, real modules make one value of it; a transposed convolution makes several."""
    flat = torch.ones(9, 9)
    for way, same in zip(told["ways"], (True, False), strict=True):
        blocks = answer(way["name"], 3, flat)[:, :, 8:10, 8:10].reshape(9, 4)
        assert bool((blocks == blocks[:, :1]).all()) is same
        assert way["same_totals"] is same


def test_a_lone_pixel_needs_separate_weights(told: Any) -> None:
    """Least squares over real responses finds no weights for a lone fine pixel, or finds them."""
    coarse = surroundings()["alone"]
    for way in told["ways"]:
        responses = answer(way["name"], 3, coarse).reshape(9, -1).numpy().T
        rests = []
        for y, x in product((8, 9), repeat=2):
            wanted = np.zeros((18, 18))
            wanted[y, x] = 1
            weights = np.linalg.lstsq(responses, wanted.ravel(), rcond=None)[0]
            rests.append(float(np.abs(responses @ weights - wanted.ravel()).max()))
        assert way["lone_pixel"] == (min(rests) < 1e-6)


def test_the_example_is_drawn_by_a_real_module(told: Any) -> None:
    """Its weights make of a one that stands alone what is said; the block's halves differ."""
    coarse = torch.zeros(3, 3)
    coarse[1, 1] = 1
    for way in told["ways"]:
        drawn = sum(value * answer(way["name"], 3, coarse)[i, j] for i, j, value in way["example"]["weights"])
        assert isinstance(drawn, torch.Tensor)
        assert drawn.tolist() == way["example"]["drawn"]
        assert [row[2:4] for row in way["example"]["drawn"][2:4]] == [[0, 1], [0, 1]]


def test_the_run_leaves_what_its_kind_declares(told: Any) -> None:
    """Its measures have the declared names, and say which layers of the nets were tried."""
    assert {*told} == {*kinds.load(DECLARED.kind).declared("measures")}
    assert [(net["name"], net["layers"]) for net in told["nets"]] == [
        ("PoolUpsampleNet", ["up2.0", "logits"]),
        ("ConvTransposeNet", ["up1.0", "up2.0"]),
    ]
    assert told["points"] == 2 * 4 * 9 + 2 * 2 * 9


@pytest.mark.parametrize("kernel", [0, 2, 4, 11])
def test_other_kernel_sizes_are_refused(kernel: int) -> None:
    """An even size has no middle, and larger ones would be misread."""
    with pytest.raises(UsageError, match=rf"kernel of size {kernel} are not derived.*give an odd size"):
        phases(Way.NEAREST, kernel)


def mirrored(phase: Phase) -> Phase:
    """The phase with its rows the other way round."""
    return Phase(phase.parity, {(-down, right): entry for (down, right), entry in phase.kernel.items()})


def swapped(phase: Phase) -> Phase:
    """The phase with w_00 in place of w_22."""
    return Phase(
        phase.parity, {at: entry.subs(weight(2, 2), weight(0, 0)) for at, entry in phase.kernel.items()}
    )


@pytest.mark.parametrize("wrong", [mirrored, swapped])
@pytest.mark.parametrize("way", list(Way))
def test_a_wrong_derivation_does_not_pass(way: Way, wrong: Callable[[Phase], Phase]) -> None:
    """A mirrored kernel or a wrong weight is told with the layer and the phase."""
    with pytest.raises(VerificationError, match=r"nn\..*k = 3: on .* pixels phase \(., .\) is not what was"):
        check.verify(check.alone(way, 3), [wrong(p) for p in phases(way, 3)], [(2, 3)], [0])


def test_the_border_is_compared_too() -> None:
    """A layer that pads with copies of the border differs there alone, and that is found."""
    doubler = check.alone(Way.NEAREST, 3)
    doubler.layer.padding_mode = "replicate"
    doubler.layer._reversed_padding_repeated_twice = [1, 1, 1, 1]
    with pytest.raises(VerificationError, match="on 5 x 4 pixels phase"):
        check.verify(doubler, phases(Way.NEAREST, 3), [(5, 4)], [0])


def test_a_net_with_other_paddings_is_refused() -> None:
    """A transposed convolution that gives another size than twice the input's is told."""
    net = nn.Sequential(nn.ConvTranspose2d(4, 4, 3, 2, 1, 0))
    with pytest.raises(VerificationError, match=r"0: 1 x 1 pixels become \(1, 1\)"):
        check.verify_net(net, [(1, 1)], [0])


def test_what_mixes_pixels_before_the_convolution_is_refused() -> None:
    """Only what works on each pixel alone makes no difference to the phases."""
    net = nn.Sequential(nn.Upsample(scale_factor=2), nn.AvgPool2d(3, 1, 1), nn.Conv2d(4, 4, 3, padding=1))
    with pytest.raises(VerificationError, match=r"1 stands between an upsampling and .*: AvgPool2d"):
        check.verify_net(net, [(2, 2)], [0])


def test_a_net_that_doubles_nothing_is_refused() -> None:
    """There is nothing to derive of it."""
    with pytest.raises(VerificationError, match="no layer of Sequential doubles a grid"):
        check.verify_net(nn.Sequential(nn.Conv2d(4, 4, 3)), [(2, 2)], [0])


def test_the_upsampling_of_any_net_is_found() -> None:
    """Upsampling right before a convolution, and with a normalisation between them."""
    found = [check.verify_net(net(3, 4, 4, 4), [(2, 3)], [0]) for net in (PoolUpsampleNet, ResizeConvNet)]
    assert found == [{"up2.0": 1, "logits": 1}, {"up1.1": 1, "up2.1": 1}]
