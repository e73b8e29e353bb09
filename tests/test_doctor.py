"""Promises of the doctor's lines about the data; tests of the command line run all of its checks."""

from pathlib import Path

import pytest

from cnnreport.commands import doctor
from cnnreport.data.flowers import flowers
from cnnreport.data.pretrained import pretrained
from cnnreport.data.source import Source
from cnnreport.report.out import libraries
from cnnreport.runs.choices import Choices


@pytest.fixture(autouse=True)
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn flowers, embedded weights, and nothing else on this machine."""
    source = Source("meadow", "Meadow flowers", True, "drawn", "no others", "0" * 64, ())
    monkeypatch.setattr(flowers, "locate", lambda *_, **__: source)
    monkeypatch.setattr(pretrained, "EMBEDDED", tmp_path / "embedded.safetensors")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "embedded.safetensors").write_bytes(b"embedded")


def choices(data: str) -> Choices:
    """What the command line makes of --data."""
    return Choices(data=data, fetch=False)  # type: ignore[arg-type]


def test_a_stand_in_is_warned_of() -> None:
    """What nobody asked for is a warning, with the reason and what to do."""
    flower, weights = doctor._flowers(choices("auto")), doctor._weights(choices("auto"))
    assert (flower.name, flower.verdict, weights.name, weights.verdict) == (
        "flowers",
        "warn",
        "weights",
        "warn",
    )
    assert flower.finding == "Meadow flowers, drawn (no others)"
    assert weights.finding.startswith("a small DeepLabV3 (MobileNetV3-Small) pre-trained by this project")
    assert "only a build fetches them" in weights.finding
    assert "--data-dir" in flower.remedy
    assert "--data-dir" in weights.remedy


def test_what_was_asked_for_is_in_order() -> None:
    """Who asks for drawn data is not warned of them."""
    for check in (doctor._flowers(choices("meadow")), doctor._weights(choices("meadow"))):
        assert (check.verdict, check.remedy) == ("ok", "")
        assert "(no others)" not in check.finding


def test_missing_weights_fail() -> None:
    """An error becomes a check that fails, with its remedy."""
    pretrained.EMBEDDED.unlink()
    check = doctor._weights(choices("meadow"))
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
    check = doctor._pango()
    assert check.verdict == verdict
    assert finding in check.finding
