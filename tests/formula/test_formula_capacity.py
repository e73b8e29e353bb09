"""How many values a net holds behind each module: the formulas agree with what real nets compute."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from thinned import thinned
from torch import nn

from cnnreport.errors import UsageError, VerificationError
from cnnreport.formula.capacity import CapacityTask, verify
from cnnreport.formula.spec import Capacity
from cnnreport.formula.tracing.derive import derive
from cnnreport.kinds import kind as kinds
from cnnreport.nets import colourization
from cnnreport.project import PACKAGE, load_file

DECLARED = {
    each.name: each.spec
    for each in load_file(PACKAGE.parent / "experiments" / "a2-writeup" / "upsampling.py").EXPERIMENTS
    if isinstance(each.spec, Capacity)
}


def told(spec: Capacity) -> Any:
    """The measures of a run, after the trip through a file."""
    return json.loads(json.dumps(CapacityTask(spec, 0, {}, "cpu").results().measures))


@pytest.mark.parametrize("name", thinned(DECLARED, 3))
def test_the_values_are_those_of_an_image_that_went_through_the_net(name: str) -> None:
    """Module by module a real image leaves as many numbers as are printed, and the formulas say the same."""
    found = told(DECLARED[name])
    net = getattr(colourization, found["net"])(3, 32, 24, 1).eval()
    x = image = torch.rand(1, 1, 32, 32)
    seen = []
    for part, module in net.named_children():
        if found["net"] == "UNet" and part == "up2":
            x = torch.cat([net.down1(image), x], dim=1)
        if found["net"] == "UNet" and part == "logits":
            x = torch.cat([image, x], dim=1)
        x = module(x)
        seen.append((part, len(x.flatten())))
    assert seen == [(module["name"], module["value"]) for module in found["modules"]]
    assert found["input"]["value"] == len(image.flatten())
    for held in (found["input"], *found["modules"], found["around"]):
        assert eval(held["count"]["code"], {}, found["numbers"]) == held["value"]  # noqa: S307


def test_the_narrowest_place_holds_more_than_the_input() -> None:
    """Of PoolUpsampleNet it is the second block; its values are four times those of a grey image."""
    found = told(DECLARED["pool-upsample-capacity"])
    held = {module["name"]: module["value"] for module in found["modules"]}
    assert found["narrowest"] == "down2"
    assert (held["down2"], found["input"]["value"]) == (4096, 1024)


@pytest.mark.slow
def test_what_goes_around_the_narrowest_place() -> None:
    """Nothing does in the first two nets; in UNet the image and the output of the first block."""
    around = {name: told(spec)["around"]["count"]["code"] for name, spec in DECLARED.items()}
    assert around == {
        "pool-upsample-capacity": "0",
        "conv-transpose-capacity": "0",
        "unet-capacity": "1024*NIC + 256*NF",
    }


def test_the_run_leaves_what_its_kind_declares() -> None:
    """Its measures have the declared names."""
    spec = DECLARED["unet-capacity"]
    assert {*told(spec)} == {*kinds.load(spec.kind).declared("measures")}


def test_a_letter_without_a_number_is_told() -> None:
    """Nothing can be counted without it."""
    with pytest.raises(UsageError, match="PoolUpsampleNet has no number for NC, k; add it"):
        told(replace(DECLARED["pool-upsample-capacity"], numbers=(("NIC", 1), ("NF", 32))))


class Bare(nn.Module):
    """A net without modules."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu()


def test_a_net_without_modules_is_told() -> None:
    """It has no place behind which values could be counted."""
    spec = Capacity(net=f"{__name__}:Bare", input=("2", "4", "4"), numbers=())
    with pytest.raises(UsageError, match="Bare has no modules; name a net"):
        told(spec)


def test_a_wrong_count_is_refused() -> None:
    """The real net decides, and its numbers are named."""
    net = derive(colourization.PoolUpsampleNet)
    with pytest.raises(VerificationError, match=r"'NF': 2.*: up1 gives 512 values, not 511"):
        verify(net, {"up1": (511,)}, {"NIC": 1, "NF": 2, "NC": 3, "k": 3})
