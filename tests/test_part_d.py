"""Part D from the command line: what is computed once, what the report says, what the embedded file is."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from pypdf import PdfReader

from cnnreport.data.data_set import Request
from cnnreport.data.drawn import declaration, scenes
from cnnreport.data.pretrained import pretrained
from cnnreport.nets import deeplab
from cnnreport.project import PACKAGE, find
from cnnreport.runs.experiment import load_all
from cnnreport.system import durable
from cnnreport.training.segmentation.pretraining import APPEARANCE
from cnnreport.training.specs.optimiser import Optimiser
from cnnreport.training.specs.schedule import Schedule

FAMILIES = ("fine-tune", "fine-tune-handout", "fine-tune-random", "fine-tuning-costs")


def build(out: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Build Part D in small, with no network and no weights but the embedded ones."""
    only = [word for name in FAMILIES for word in ("--only", name)]
    command = [sys.executable, "-m", "cnnreport", "build", "--smoke", "--data", "drawn", "--seeds", "2"]
    command += ["--device", "cpu", "--out", str(out), *only, *words]
    nowhere = {"TORCH_HOME": str(out / "none"), "CNNREPORT_CACHE": str(out / "none")}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=PACKAGE.parent,
        env={**os.environ, **nowhere},
    )


@pytest.mark.slow
def test_part_d_is_built_and_stands(tmp_path: Path) -> None:
    """One command computes the features once for all trainings and prints the answers; then all stands."""
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    names = sorted(folder.name.partition("-seed")[0] for folder in (tmp_path / "runs").iterdir())
    assert names.count("flower-features") == 1
    assert names.count("fine-tune-iou") == 2
    pages = " ".join(page.extract_text() for page in PdfReader(tmp_path / "a2-writeup.pdf").pages)
    text = re.sub(r"\s+", " ", pages)
    for said in ("D.1 Q1. The parameters that learn", "D.2 Q1. The IoU loss", "Honest splits", "stand-in",
                 "pre-trained by this project on drawn meadow scenes without flowers"):  # fmt: skip
        assert said in text
    again = build(tmp_path)
    assert again.returncode == 0
    assert "No run had to be computed; the report stands as it is" in again.stdout


def test_the_embedded_weights_are_those_of_their_run() -> None:
    """The file's hash is the one in its name and in the manifest of the run that made it, beside it."""
    file = pretrained.EMBEDDED
    digest = durable.sha256(file.read_bytes())
    manifest = json.loads(file.with_suffix(".json").read_bytes())
    assert file.stem.endswith(f"-{digest[:8]}")
    assert manifest["files"]["weights.safetensors"] == digest
    assert manifest["experiment"] == "pretrain"
    what = manifest["key"]["what"]
    # What the task of that time did without being told.
    what["spec"] |= {"optimiser": asdict(Optimiser()), "schedule": asdict(Schedule("cosine"))}
    declared = load_all(find(PACKAGE.parent))["pretrain"].spec
    assert what["spec"] == asdict(declared)
    assert what["data"]["fingerprint"] == declaration.locate(Request()).fingerprint


def test_the_embedded_weights_are_small_and_fit() -> None:
    """At most twelve million bytes in half precision, finite, and the weights of the small DeepLabV3."""
    content = pretrained.EMBEDDED.read_bytes()
    assert len(content) <= 12_000_000
    state = safetensors.torch.load(content)
    assert {t.dtype for t in state.values()} == {torch.float16, torch.int64}
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state.values())
    net = deeplab.load(deeplab.SMALL, content)
    assert net.classifier[4].out_channels == len(scenes.KINDS) + APPEARANCE
