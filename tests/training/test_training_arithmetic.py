import subprocess
import sys

import pytest

from cnnreport.system import hardware
from cnnreport.training.fast import memory
from cnnreport.training.specs.arithmetic import arithmetic


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_exact_is_float32_everywhere(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hardware turns an exact training into a less exact one."""
    monkeypatch.setattr(hardware, "processor_flags", lambda: frozenset({"amx_bf16"}))
    monkeypatch.setattr(hardware, "cuda_generation", lambda: 9)
    assert arithmetic("exact", device) == "float32"


@pytest.mark.parametrize(
    ("flags", "generation", "expected"),
    [
        ({"avx2", "avx512_bf16"}, 8, "bfloat16"),
        ({"amx_bf16"}, 9, "bfloat16"),
        ({"avx2", "avx512f"}, 7, "float32"),
        (set(), 0, "float32"),
    ],
)
def test_fast_follows_the_hardware(
    flags: set[str], generation: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast is bfloat16 only where the device multiplies it, and never on MPS."""
    monkeypatch.setattr(hardware, "processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(hardware, "cuda_generation", lambda: generation)
    assert arithmetic("fast", "cpu") == arithmetic("fast", "cuda") == expected
    assert arithmetic("fast", "mps") == "float32"


def test_asking_needs_no_torch() -> None:
    """The planner can ask, on this machine's real hardware, without paying for torch."""
    code = (
        "import sys; from cnnreport.training.specs.arithmetic import arithmetic as a;"
        "assert a('fast', 'cpu') in ('float32', 'bfloat16'); a('fast', 'cuda');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_memory_is_left_alone_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on glibc nothing is called and nothing fails."""
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))  # type: ignore[attr-defined]
    assert memory.keep_freed_blocks() is False
