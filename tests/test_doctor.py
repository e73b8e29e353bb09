"""Promises of the doctor's lines about the data; tests of the command line run all of its checks."""

from pathlib import Path

import pytest

from cnnreport.commands import doctor
from cnnreport.commands.doctor import Check
from cnnreport.data.pretrained import pretrained
from cnnreport.project import PACKAGE, find
from cnnreport.report.out import libraries
from cnnreport.runs.planning.choices import Choices


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Embedded weights, and nothing else on this machine."""
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")


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
