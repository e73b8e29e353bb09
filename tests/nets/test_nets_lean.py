"""Part D without PyTorch's compiler: what the stand-in spares, and that it is in nobody's way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import cnnreport
from cnnreport.nets import deeplab
from cnnreport.nets.lean import form_alone

FINE_TUNED = """
import json, sys
import flower_data
from cnnreport.training.segmentation.fine_tuning import FineTuningTask
from cnnreport.training.specs.segmentation import FineTuning
data = flower_data.with_features(flower_data.flower_data())
task = FineTuningTask(FineTuning(loss="iou", epochs=1, batch_size=4), 0, data, "cpu")
task.run_epoch()
task.results()
trained = [*sys.modules]
from torchvision.ops.roi_align import is_compile_supported
answer = is_compile_supported("cpu"), is_compile_supported("meta")
import torch._dynamo.utils as real
assert answer == (real.is_compile_supported("cpu"), real.is_compile_supported("meta"))
print(json.dumps([trained, [*sys.modules], real.__file__]))
"""

ASKED_FOR_MORE = """
import sys
import torch
from cnnreport.nets.lean import without_compiler
with without_compiler():
    from torch._dynamo.{module} import {name}
    import torch._dynamo
    assert torch._dynamo.__file__ and torch._dynamo.utils.__file__ and {name} is not None
    {name}
"""


def python(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a fresh process."""
    package = Path(cnnreport.__file__).parents[1]
    places = (package, Path(__file__).parents[1] / "training")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_fine_tuning_needs_no_compiler() -> None:
    """Neither it nor what it brings is imported; afterwards torchvision and torch have the true one."""
    done = python(FINE_TUNED)
    assert done.returncode == 0, done.stderr
    trained, later, file = json.loads(done.stdout)
    assert "torchvision.ops.roi_align" in trained
    assert not {"torch._dynamo", "torch._inductor", "sympy"} & {*trained}
    assert {"torch._dynamo", "torch._dynamo.utils"} <= {*later}
    assert file.endswith("utils.py")


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name"), [("utils", "counters"), ("config", "cache_size_limit")])
def test_who_asks_for_more_gets_the_compiler(module: str, name: str) -> None:
    """Another function of the module that stands in, and a module that does not."""
    done = python(ASKED_FOR_MORE.format(module=module, name=name))
    assert done.returncode == 0, done.stderr


def test_a_form_is_the_net_without_its_values() -> None:
    """The same names and shapes as those of a net that was drawn; no number is drawn, no memory taken."""
    before = torch.get_rng_state()
    with form_alone():
        form = deeplab.build(deeplab.SMALL).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    drawn = deeplab.build(deeplab.SMALL).state_dict()
    assert {name: tensor.shape for name, tensor in form.items()} == {
        name: tensor.shape for name, tensor in drawn.items()
    }
    assert all(tensor.is_meta for tensor in form.values())
