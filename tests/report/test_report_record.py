"""The record beside a written file: when it stands, and when it is made again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_runs import MakeRun

from cnnreport.report.out import html, pdf, record, writers
from cnnreport.report.out.record import Output
from cnnreport.report.out.writer import Writer, record_of
from cnnreport.report.page.compose import Context
from cnnreport.report.page.outline import Outline, Section
from cnnreport.runs import artefact
from cnnreport.system import durable

TOLD = "<p>Told.</p>"
PLAIN = Writer(
    "plain text", ".txt", __name__, ("pypdf",), lambda: None,
    lambda content, path: durable.write(path, content.encode()),
)  # fmt: skip


@pytest.fixture
def output(tmp_path: Path, make_run: MakeRun) -> Callable[..., Output]:
    """Collect anew what a text file of one run and one template depends on."""
    run, template, code = make_run(), tmp_path / "text.html.j2", tmp_path / "writer.py"
    template.write_text(TOLD)
    code.write_text("pass")

    def collected(writer: Writer = PLAIN, context: Context | None = None) -> Output:
        sources = {"text": template, "code": code}
        paths = {"write-up": tmp_path / "t.txt"}
        asked = context or Context(command="build")
        (made,) = record.outputs(writer, paths, [run], sources, ["code"], asked)
        return made

    return collected


def write(output: Output, content: str = TOLD) -> None:
    """Write a file as a build does."""
    digest = output.writer.write(content, output.path)
    output.written(content, digest, {"composing": 2.0, "writing": 1.0})


def test_what_was_written_stands(output: Callable[..., Output]) -> None:
    """A file is made once, and not again while nothing changes."""
    assert not output().stands
    write(output())
    assert output().stands
    assert output().path.read_text() == TOLD


@pytest.mark.parametrize(
    "changed",
    [
        lambda folder: (folder / "text.html.j2").write_text("<p>Told anew.</p>"),
        lambda folder: next(folder.rglob(artefact.MANIFEST)).write_text("{}"),
        lambda folder: (folder / "t.txt").write_text("<p>Told!</p>"),
        lambda folder: (folder / "t.txt").unlink(),
        lambda folder: record_of(folder / "t.txt").unlink(),
        lambda folder: record_of(folder / "t.txt").write_text("[1]"),
        lambda folder: record_of(folder / "t.txt").write_bytes(b"\xff"),
    ],
    ids=["template", "run", "file", "no file", "no record", "other record", "damaged record"],
)
def test_whatever_changes_it_is_made_again(
    tmp_path: Path, output: Callable[..., Output], changed: Callable[[Path], object]
) -> None:
    """A template, a run, and the file and record themselves: none may differ from what was written."""
    write(output())
    changed(tmp_path)
    assert not output().stands


def test_another_command_or_library_makes_it_again(
    output: Callable[..., Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the report says of the build counts, and the versions of what lays it out and writes it."""
    write(output())
    assert not output(context=Context(command="build --full")).stands
    assert not output(replace(PLAIN, libraries=())).stands
    monkeypatch.setattr(record, "version", lambda library: "0" if library == "jinja2" else "1")
    assert not output().stands


def test_each_output_depends_on_its_own_libraries(output: Callable[..., Output]) -> None:
    """Another WeasyPrint makes the PDF anew and leaves the page alone; another Jinja both."""
    versions = [output(writer).depends["versions"] for writer in (html.WRITER, pdf.WRITER)]
    assert ["weasyprint" in names for names in versions] == [False, True]
    assert ["jinja2" in names for names in versions] == [True, True]


def test_a_file_of_which_the_same_was_composed_stands(tmp_path: Path, output: Callable[..., Output]) -> None:
    """A change that changes nothing in this document is noted in the record; the file is left alone."""
    write(output())
    (tmp_path / "text.html.j2").write_text("<p>Told.</p>{# a comment #}")
    assert not output().stands
    assert output().holds(TOLD)
    assert output().stands
    assert record.last_time([tmp_path / "t.txt"]) == 3.0


@pytest.mark.parametrize(
    "changed",
    [
        lambda folder: (folder / "writer.py").write_text("pass  # otherwise"),
        lambda folder: (folder / "t.txt").write_text("<p>Told!</p>"),
        lambda folder: record_of(folder / "t.txt").unlink(),
    ],
    ids=["writer", "file", "no record"],
)
def test_the_same_content_is_written_again_where_it_may_look_otherwise(
    tmp_path: Path, output: Callable[..., Output], changed: Callable[[Path], object]
) -> None:
    """What writes it counts as much as what is written, and the file has to be what was written."""
    write(output())
    changed(tmp_path)
    assert not output().holds(TOLD)


def test_another_content_is_written(output: Callable[..., Output]) -> None:
    """One letter of the page is enough."""
    write(output())
    assert not output().holds(TOLD.replace("T", "t"))


def test_the_last_time_is_known_once_all_were_written(tmp_path: Path, output: Callable[..., Output]) -> None:
    """Composing counts once, and a file that was never written leaves the whole unknown."""
    write(output())
    assert record.last_time([tmp_path / "t.txt"]) == 3.0
    assert record.last_time([tmp_path / "t.txt", tmp_path / "u.txt"]) is None


def test_no_two_outputs_are_one_file() -> None:
    """Each writer has a place of its own for each document, and the PDF is called as the outline says."""
    section = Section("a", "A", "P", "a.html.j2")
    report = Outline(
        "n", "T", "S", "C", "report.v2.pdf", (section,), supplement="more.pdf", notebook="n.ipynb"
    )
    paths = writers.files(report)
    assert len({*paths}) == len(paths)
    assert {Path("report.v2.pdf"), Path("more.pdf"), Path("report.v2.html")} <= {*paths}
