"""Promises of the reader of foreign pickles."""

import os
import pickle

import numpy as np
import pytest
from numpy._core.multiarray import _reconstruct
from numpy._core.numeric import _frombuffer

from cnnreport.data.horses import pickles
from cnnreport.errors import DataError


class _Attack:
    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.parts = function, arguments, state

    def __reduce__(self) -> tuple[object, ...]:
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol(protocol: int) -> None:
    """What numpy pickles comes back, in every protocol."""
    batch = {b"data": np.arange(12, dtype=np.uint8).reshape(3, 4), b"labels": [7, 1, 7], b"name": b"x\xff"}
    found = pickles.load(pickle.dumps(batch, protocol), "batch")
    assert np.array_equal(found[b"data"], batch[b"data"])
    assert found[b"data"].dtype == np.uint8
    assert found[b"labels"] == [7, 1, 7]
    assert found[b"name"] == b"x\xff"


@pytest.mark.parametrize("order", ["C", "F"])
def test_order_and_byte_order(order: str) -> None:
    """Arrays by columns and of the other byte order keep their values."""
    array = np.asarray(np.arange(6).reshape(2, 3), dtype=">f8", order=order)  # type: ignore[call-overload]
    assert np.array_equal(pickles.load(pickle.dumps(array, 2), "array"), array)


def test_python_2_spelling() -> None:
    """The pickles of the published CIFAR-10, written by Python 2, are read."""
    content = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01K\x02K\x02\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x04abcdtbu."
    )
    assert pickles.load(content, "batch")[b"data"].tolist() == [[97, 98], [99, 100]]


def test_object_arrays() -> None:
    """An object array of arrays comes back with its arrays."""
    array = np.empty(2, object)
    array[0], array[1] = np.ones((2, 3), np.float32), np.zeros(4)
    found = pickles.load(pickle.dumps(array), "array")
    assert np.array_equal(found[0], array[0])
    assert np.array_equal(found[1], array[1])


def test_a_command_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """A pickle that would run a command is refused by its name, and the command does not run."""
    attack = pickle.dumps({b"data": _Attack(os.system, "echo owned")})
    with pytest.raises(DataError, match=r"asks for (posix|nt)\.system, which is forbidden"):
        pickles.load(attack, "batch")
    assert "owned" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["builtins\neval", "numpy\nload", "numpy\ndtype.mro", "builtins\ngetattr"])
def test_other_names_are_refused(name: str) -> None:
    """Not even harmless-looking names beyond those of arrays are looked up."""
    with pytest.raises(DataError, match="forbidden"):
        pickles.load(f"c{name}\n.".encode(), "batch")


def test_permitted_names_cannot_be_altered() -> None:
    """A pickle cannot change what a permitted name does."""
    with pytest.raises(DataError, match="a change of what it calls"):
        pickles.load(b"\x80\x02cnumpy\ndtype\n}U\x05_nameU\x01xsb.", "batch")


def test_structured_arrays_are_refused() -> None:
    """Kinds of arrays that no data set here has are refused."""
    array = np.zeros(2, [("a", "u1"), ("b", "O")])
    with pytest.raises(DataError, match="structured array"):
        pickles.load(pickle.dumps(array, 2), "batch")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated(share: float) -> None:
    """A pickle cut off anywhere is damaged data, not a crash."""
    whole = pickle.dumps({b"data": np.zeros((20, 30), np.uint8), b"labels": list(range(20))}, 2)
    with pytest.raises(DataError, match="batch is damaged or cut off"):
        pickles.load(whole[: int(len(whole) * share)], "batch")


@pytest.mark.parametrize("shape", [(10**6, 10**6), (-1, 3), (2,) * 20, (2, 2**70)])
def test_absurd_shapes(shape: tuple[int, ...]) -> None:
    """A shape that does not fit the bytes is refused before anything is allocated."""
    honest = pickle.dumps(np.zeros((2, 3), np.uint8), 2)
    absurd = honest.replace(pickle.dumps((2, 3), 2)[2:-3], pickle.dumps(shape, 2)[2:-3])
    assert absurd != honest
    with pytest.raises(DataError, match="damaged or cut off"):
        pickles.load(absurd, "batch")


@pytest.mark.parametrize(
    ("kind", "content", "shape"),
    [
        ("u1", b"", (0, 2**62, 2**62)),
        ("u1", b"", (0, 2**70)),
        ("u1", b"", (0, -1)),
        ("u1", b"", (0.0, 1)),
        ("u1", b"x", (True,)),
        ("u1", [1], (1,)),
        ("O", [1, 2], (2**40,)),
        ("O", b"12345678", (1,)),
        ("O", b"1", (1,)),
    ],
)
def test_arrays_that_are_none(kind: str, content: object, shape: tuple[object, ...]) -> None:
    """Neither a shape that no bytes contradict, nor objects where there are none, make an array."""
    state = (1, shape, np.dtype(kind), False, content)
    forged = pickle.dumps(_Attack(_reconstruct, np.ndarray, (0,), b"b", state=state))
    with pytest.raises(DataError, match="damaged or cut off"):
        pickles.load(forged, "batch")


@pytest.mark.parametrize("content", [10**14, [1, 2], "text", None])
def test_a_buffer_that_is_none(content: object) -> None:
    """A number in the place of bytes makes no array of as many bytes."""
    forged = pickle.dumps(_Attack(_frombuffer, content, np.dtype("u1"), (2,), "C"))
    with pytest.raises(DataError, match="damaged or cut off"):
        pickles.load(forged, "batch")


def test_an_absurd_length() -> None:
    """Bytes that claim to be 4 EiB long are refused."""
    with pytest.raises(DataError, match="damaged or cut off"):
        pickles.load(b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b"x.", "batch")
