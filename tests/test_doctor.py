"""Promises of the doctor's lines about the data; tests of the command line run all of its checks."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from cards import NAME, offer

from cnnreport.commands import doctor
from cnnreport.commands.doctor import Check
from cnnreport.data.pretrained import pretrained
from cnnreport.project import PACKAGE, find
from cnnreport.report.out import libraries
from cnnreport.runs import device
from cnnreport.runs.planning.choices import Choices


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Embedded weights, and nothing else on this machine, which does not remember a GPU."""
    device.gpu.cache_clear()
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")
    yield
    device.gpu.cache_clear()


def checks(**wish: str) -> dict[str, Check]:
    """Examine this project's data as the command line is asked to, by their names."""
    examined = doctor.examine(find(PACKAGE.parent), Choices(data=wish, fetch=False))
    return {check.name: check for check in examined}


def test_a_stand_in_is_warned_of() -> None:
    """What nobody asked for is a warning, with the reason and what to do."""
    named = checks()
    assert {name: named[name].verdict for name in ("horses", "flowers", "weights", "scenes")} == {
        "horses": "warn",
        "flowers": "warn",
        "weights": "warn",
        "scenes": "ok",
    }
    assert named["flowers"].finding.startswith(
        "Meadow flowers, drawn by cnnreport (The Oxford-17 flowers are"
    )
    assert "only a build fetches them" in named["weights"].finding
    assert "--data-dir" in named["flowers"].remedy


def test_what_was_asked_for_is_in_order() -> None:
    """Who asks for drawn data is not warned of them."""
    named = checks(all="drawn")
    for name in ("horses", "flowers", "weights", "scenes"):
        assert (named[name].verdict, named[name].remedy) == ("ok", "")


def test_missing_weights_fail() -> None:
    """An error becomes a check that fails, with its remedy."""
    pretrained.EMBEDDED.unlink()
    check = checks(all="drawn")["weights"]
    assert check.verdict == "fail"
    assert "are missing" in check.finding
    assert "install cnnreport again" in check.remedy


@pytest.mark.parametrize(
    ("subsetter", "verdict", "finding"),
    [
        ("HarfBuzz-Subset", "ok", "found, HarfBuzz-Subset too"),
        ("fontTools", "warn", "fontTools cuts the typefaces down instead"),
    ],
)
def test_a_missing_harfbuzz_subset_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, subsetter: str, verdict: str, finding: str
) -> None:
    """A build works without it, so it is no failure."""
    monkeypatch.setattr(libraries, "missing", list)
    monkeypatch.setattr(libraries, "subsetter", lambda: subsetter)
    check = checks()["pango"]
    assert check.verdict == verdict
    assert finding in check.finding


def test_the_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, memory, driver, and what torch brings for it."""
    offer(monkeypatch)
    check = checks()["device"]
    assert check.verdict == "ok"
    assert check.finding == (
        f"{NAME}, 80.0 GiB, compute capability 9.0; driver 580.65.06; CUDA 13.0, cuDNN 91300"
    )


def test_a_gpu_that_torch_cannot_use_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build works without it, on the CPU, and the reason is told."""
    offer(monkeypatch, problem="no kernel image is available")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    check = checks()["device"]
    assert check.verdict == "warn"
    assert "torch cannot compute on it: no kernel image is available" in check.finding
    assert "install a torch build" in check.remedy


def test_torch_says_for_which_cuda_it_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch for CPUs alone is the usual reason for an idle GPU."""
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "for CUDA 13.0" in checks()["torch"].finding
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "without CUDA" in checks()["torch"].finding


def test_a_machine_without_typesetting_is_fit_for_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare GPU machine lacks what only reports need, and each half is judged by what it needs."""
    monkeypatch.setattr(libraries, "missing", lambda: ["pango"])
    monkeypatch.setattr(doctor, "versions", lambda names: dict.fromkeys(names, "absent"))
    examined = doctor.examine(find(PACKAGE.parent), Choices(data={"all": "drawn"}, fetch=False))
    failed = {check.name: check.needed_for for check in examined if check.verdict == "fail"}
    assert failed == {"typesetting": "report", "pango": "report"}
    sentence = "Runs can be computed here (with `run`); a whole report cannot be made: typesetting, pango."
    assert doctor.fitness(examined) == sentence


def test_a_machine_without_torch_is_fit_for_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are made of runs from elsewhere, and nothing of that needs torch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    examined = doctor.examine(find(PACKAGE.parent), Choices(data={"all": "drawn"}, fetch=False))
    assert [check.name for check in examined if check.verdict == "fail"] == ["torch"]
    assert doctor.fitness(examined).startswith("Reports can be made here of imported runs")


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ([], "Runs can be computed here and reports made."),
        (["both"], "Neither runs can be computed here nor reports made: 0."),
        (["runs", "report"], "Neither runs can be computed here nor reports made: 0, 1."),
    ],
)
def test_what_both_halves_need_stops_both(failing: list[doctor.Half], sentence: str) -> None:
    """One sentence sums the checks up."""
    failed = [Check(str(n), "fail", "", needed_for=half) for n, half in enumerate(failing)]
    assert doctor.fitness([Check("data", "warn", ""), *failed]) == sentence
