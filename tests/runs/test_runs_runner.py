"""The runner: resuming, failing and finishing a run."""

import dataclasses
import math
import mmap
import platform
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from counting import KIND, Counting, CountingTask
from planned import job

from cnnreport.errors import DataError, UsageError, VerificationError
from cnnreport.project import Project
from cnnreport.runs import arrays, artefact, checkpoint, device, runner
from cnnreport.runs.artefact import Run
from cnnreport.runs.runner import Job, Progress, execute
from cnnreport.system import durable, resident
from cnnreport.task import Results


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a run but the manifest, which also tells times."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != artefact.MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_finished_run_can_be_read_and_leaves_no_checkpoints(counting: Project) -> None:
    """What a task returns is found in the run, and its checkpoints are gone."""
    the_job = job(counting)
    execute(the_job, lambda _: None)
    run = artefact.load(the_job.folder)
    assert isinstance(run, Run)
    assert [row["train_loss"] for row in run.history] == [3.0, 9.0, 27.0, 81.0]
    assert run.measures == {"factor": 3}
    assert run.samples()["value"].tolist() == [[81.0, 2.0], [1.0, 3.0]]
    assert run.listings == {"Counting": "class Counting: ...\n"}
    assert run.circumstances["command"] == "a command"
    assert (the_job.folder / "sources" / "counting.py").read_text().startswith('"""A task')
    assert not the_job.checkpoints.exists()


def test_every_epoch_is_reported(counting: Project) -> None:
    """Whoever watches hears of the beginning and of each epoch."""
    heard: list[Progress] = []
    execute(job(counting), heard.append)
    assert [(progress.epoch, progress.epochs) for progress in heard] == [(n, 4) for n in range(5)]


def test_a_failed_run_goes_on_from_its_last_epoch(
    counting: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After a failure the finished epochs are not repeated, and the bytes are the same."""
    undisturbed = job(counting, seed=1)
    execute(undisturbed, lambda _: None)
    expected = contents(undisturbed.folder)
    for file in sorted(undisturbed.folder.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()

    original = CountingTask.run_epoch

    def torn(self: CountingTask) -> dict[str, float]:
        if int(self.done) == 2:
            raise DataError("the third image is torn", "mend it")
        return original(self)

    monkeypatch.setattr(CountingTask, "run_epoch", torn)
    with pytest.raises(DataError, match="third image"):
        execute(undisturbed, lambda _: None)
    assert checkpoint.failure(undisturbed.checkpoints) == "the third image is torn; mend it."
    monkeypatch.setattr(CountingTask, "run_epoch", original)
    CountingTask.calls.clear()
    execute(undisturbed, lambda _: None)
    assert CountingTask.calls == [3, 4]
    assert contents(undisturbed.folder) == expected


def test_a_damaged_checkpoint_costs_one_epoch(counting: Project) -> None:
    """When the newest checkpoint is not what was written, the one before it serves."""
    the_job = job(counting, "fail")
    with pytest.raises(DataError, match="torn"):
        execute(the_job, lambda _: None)
    newest = sorted(the_job.checkpoints.glob("*.safetensors"))[-1]
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    earlier = checkpoint.load(the_job.checkpoints)
    assert earlier is not None
    assert len(earlier.history) == 1
    heard: list[Progress] = []
    with pytest.raises(DataError, match="torn"):
        execute(the_job, heard.append)
    assert heard[0].warning == "the newest checkpoint is damaged; epochs done again: 1"


def test_only_two_checkpoints_are_kept(counting: Project) -> None:
    """The folder of a run under way does not grow with its epochs."""
    the_job = job(counting, "fail")
    with pytest.raises(DataError, match="torn"):
        execute(the_job, lambda _: None)
    assert len(list(the_job.checkpoints.glob("*.safetensors"))) == 2
    assert checkpoint.epochs(the_job.checkpoints) == 2


def test_epochs_of_less_than_a_second_share_a_checkpoint(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: of four epochs of 0.4 s the third is kept, and the fourth comes too soon after it."""
    now, step, kept = [0.0], CountingTask.run_epoch, []

    def timed(task: CountingTask) -> dict[str, float]:
        now[0] += 0.4
        return step(task)

    monkeypatch.setitem(checkpoint.SPACING, "cpu", checkpoint.SPACING["cuda"])
    monkeypatch.setattr(CountingTask, "run_epoch", timed)
    monkeypatch.setattr(
        runner, "time", types.SimpleNamespace(perf_counter=lambda: now[0], process_time=lambda: 0)
    )
    monkeypatch.setattr(checkpoint, "save", lambda _, state: kept.append(len(state.history)))
    execute(job(counting), lambda _: None)
    assert kept == [3]


def test_a_finished_run_is_not_computed_again(counting: Project) -> None:
    """A second execution finds the run and asks the task for nothing."""
    execute(job(counting), lambda _: None)
    CountingTask.calls.clear()
    execute(job(counting), lambda _: None)
    assert CountingTask.calls == []


def test_what_is_not_finite_survives_as_nan(counting: Project) -> None:
    """A NaN in the history is null on the disk and NaN again when read."""
    the_job = job(counting)
    execute(the_job, lambda _: None)
    assert b"null" in (the_job.folder / artefact.HISTORY).read_bytes()
    run = artefact.load(the_job.folder)
    assert isinstance(run, Run)
    assert run.history[0]["validation_accuracy"] != run.history[0]["validation_accuracy"]


def test_cuda_computes_in_float32_and_in_order() -> None:
    """While a run is computed on CUDA, convolutions neither round to TF32 nor choose their order by time."""
    cudnn = torch.backends.cudnn
    before = (cudnn.deterministic, cudnn.allow_tf32, cudnn.benchmark)
    with device.float32("cuda"):
        assert (cudnn.deterministic, cudnn.allow_tf32, cudnn.benchmark) == (True, False, False)
    assert (cudnn.deterministic, cudnn.allow_tf32, cudnn.benchmark) == before


def test_an_epoch_with_an_undeclared_number_ends_the_run(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first epoch, before it is kept: a number that is declared nowhere is shown nowhere."""
    monkeypatch.setattr(CountingTask, "run_epoch", lambda self: {"train_loss": 1.0, "beauty": 2.0})
    the_job = job(counting)
    with pytest.raises(
        VerificationError,
        match=r"lacks validation_accuracy and has undeclared beauty, by the declaration of counting; let the "
        r"task leave exactly what counting:KIND declares",
    ):
        execute(the_job, lambda _: None)
    assert checkpoint.epochs(the_job.checkpoints) == 0


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (Results(samples={"value": np.zeros(1)}), "in its measures lacks factor"),
        (Results(measures={"factor": 3}), "in its samples lacks value"),
        (Results(measures={"factor": 3, "more": 1}, samples={"value": np.zeros(1)}), "undeclared more"),
    ],
)
def test_results_other_than_declared_are_not_kept(
    counting: Project, monkeypatch: pytest.MonkeyPatch, left: Results, said: str
) -> None:
    """A run that lacks a measure or an array that its kind declares, or has another, is no run."""
    monkeypatch.setattr(CountingTask, "results", lambda self: left)
    the_job = job(counting)
    with pytest.raises(VerificationError, match=said):
        execute(the_job, lambda _: None)
    assert artefact.load(the_job.folder) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.int64(3), r"factor, which the run left in its measures, is int64 3, .* such as float"),
        (torch.tensor(3.0), "is Tensor tensor.3"),
        ("three", "is str three, by the declaration of counting"),
        ({"a": 1}, "is dict"),
    ],
)
def test_a_number_that_is_none_is_not_kept(
    counting: Project, monkeypatch: pytest.MonkeyPatch, value: object, said: str
) -> None:
    """Where the kind declares a number, a number of Python's is asked for, by the field's name."""
    left = Results(measures={"factor": value}, samples={"value": np.zeros(1)})
    monkeypatch.setattr(CountingTask, "results", lambda self: left)
    with pytest.raises(VerificationError, match=said):
        execute(job(counting), lambda _: None)


@pytest.mark.parametrize("value", [3, 2.5, 2**80, math.nan, math.inf, np.float64(1.5), True, None])
def test_a_number_that_is_one_is_kept(
    counting: Project, monkeypatch: pytest.MonkeyPatch, value: float | None
) -> None:
    """However large, and whether or not it is finite, which is then kept as none."""
    left = Results(measures={"factor": value}, samples={"value": np.zeros(1)})
    monkeypatch.setattr(CountingTask, "results", lambda self: left)
    run = artefact.load(execute(job(counting), lambda _: None))
    assert isinstance(run, artefact.Run)
    assert run.measures["factor"] == (value if value is not None and math.isfinite(value) else None)


def test_a_row_of_other_things_than_numbers_is_not_kept(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be averaged or drawn is refused after the first epoch, not after the last."""
    row = {"train_loss": torch.tensor(1.0), "validation_accuracy": 0.5}
    monkeypatch.setattr(CountingTask, "run_epoch", lambda self: row)
    with pytest.raises(VerificationError, match="train_loss, which the run left in its history, is Tensor"):
        execute(job(counting), lambda _: None)


def test_a_text_that_json_cannot_hold_is_not_kept(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is no number, too, the name is said."""
    kind = dataclasses.replace(KIND, texts=("names",))
    monkeypatch.setattr("counting.KIND", kind)
    left = Results(measures={"factor": 3, "names": {"a", "b"}}, samples={"value": np.zeros(1)})
    monkeypatch.setattr(CountingTask, "results", lambda self: left)
    with pytest.raises(VerificationError, match="names, which the run left in its measures, is set"):
        execute(job(counting), lambda _: None)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("", "Counting does not say of which kind it is"),
        ("nowhere:KIND", "there is no module nowhere; mend the name"),
        ("counting:Counting", "'counting:Counting' is no kind of training"),
    ],
)
def test_a_spec_without_a_kind_is_refused_before_its_first_epoch(
    counting: Project, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    """Nothing is trained for hours that nobody could show."""
    monkeypatch.setattr(Counting, "kind", kind)
    CountingTask.calls.clear()
    with pytest.raises(UsageError, match=said):
        execute(job(counting), lambda _: None)
    assert CountingTask.calls == []


def test_a_run_knows_its_kind(counting: Project) -> None:
    """What it declares is found from the finished run alone."""
    the_job = job(counting)
    execute(the_job, lambda _: None)
    run = artefact.load(the_job.folder)
    assert isinstance(run, Run)
    assert run.kind == KIND


def test_a_run_that_ended_with_a_number_that_is_none_diverged(counting: Project) -> None:
    """The counting task's accuracy is never finite."""
    the_job = job(counting)
    execute(the_job, lambda _: None)
    run = artefact.load(the_job.folder)
    assert isinstance(run, Run)
    assert run.diverged


def circumstances(job: Job) -> dict[str, Any]:
    """What the manifest of a run that is computed now says of its execution."""
    execute(job, lambda _: None)
    run = artefact.load(job.folder)
    assert isinstance(run, Run)
    return dict(run.circumstances)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_memory_that_was_free_again_before_a_run_is_not_counted(counting: Project) -> None:
    """A worker computes many runs: each tells its own peak, not the highest of all."""
    assert resident.forget_peak()
    before, size = resident.peak() or 0, 256 << 20
    with mmap.mmap(-1, size) as taken:  # given back to the system at once
        for start in range(0, size, mmap.PAGESIZE):
            taken[start] = 1
    assert (resident.peak() or 0) > before + size // 2
    told = circumstances(job(counting))
    assert told["peak_memory_of"] == "run"
    assert 0 < told["peak_memory_bytes"] < before + size // 2
    assert told["cpu_seconds"] > 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep and to trim")
def test_what_a_run_has_freed_is_given_back_before_the_next() -> None:
    """Within a run malloc keeps large blocks; the run after it must not begin with them."""
    code = """
from cnnreport.system import resident
from cnnreport.training.fast import memory

memory.keep_freed_blocks()
taken = bytearray(b"1") * (256 << 20)
del taken
resident.forget_peak()
kept = resident.peak()
resident.give_back()
resident.forget_peak()
print(kept - resident.peak() >> 20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 200 < int(done.stdout) <= 256


def test_runs_in_threads_do_not_claim_their_memory_for_themselves(counting: Project) -> None:
    """Side by side in one process, whose peak it is cannot be known."""
    with ThreadPoolExecutor(1) as threads:
        told = threads.submit(circumstances, job(counting)).result()
    assert told["peak_memory_of"] == "process"
    assert "cpu_seconds" not in told
    assert told["peak_memory_bytes"] > 0


def test_a_run_on_the_cpu_says_nothing_of_a_gpu(counting: Project) -> None:
    """There is none whose memory it could have taken."""
    assert "peak_gpu_memory_bytes" not in circumstances(job(counting))


def test_a_run_on_a_gpu_tells_the_memory_of_its_tensors(
    counting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch counted since the run began: it is told to forget what was before."""
    counted = [7 << 30]
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: counted.append(5 << 30))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: counted[-1])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    told = circumstances(dataclasses.replace(job(counting), device="cuda"))
    assert told["peak_gpu_memory_bytes"] == 5 << 30
    assert told["machine"]["device"] == "a GPU"


def test_arrays_are_mapped_as_they_were_written(tmp_path: Path) -> None:
    """Of every form that data may have; a change to one is nobody else's."""
    whole = [
        np.arange(-3, 9).astype(each).reshape(3, 4) for each in ("i1", "i2", "i4", "i8", "f2", "f4", "f8")
    ]
    whole += [np.arange(12).astype(each).reshape(2, 6) for each in ("u1", "u2", "u4", "u8", "?")]
    kept = {array.dtype.name: array for array in whole} | {"none": np.zeros((0, 3), np.uint8)}
    file = tmp_path / "arrays.safetensors"
    safetensors.numpy.save_file(kept, file)
    for _ in range(2):
        there = arrays.mapped(file)
        assert there.keys() == kept.keys()
        for name, array in there.items():
            assert array.dtype == kept[name].dtype
            np.testing.assert_array_equal(array, kept[name])
            array += array.dtype.type(1)


def test_large_files_are_checked_in_pieces(tmp_path: Path) -> None:
    """By the hash in the name; a file that changed, or that is not there, is not what was written."""
    file = durable.write_named(tmp_path, "data", ".safetensors", b"content")
    assert durable.holds_named(file)
    file.write_bytes(b"Content")
    assert not durable.holds_named(file)
    assert not durable.holds_named(tmp_path / "data.safetensors")
    file.unlink()
    assert not durable.holds_named(file)
