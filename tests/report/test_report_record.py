"""The record beside a written file: when it stands, and when it is made again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_runs import MakeRun
from markupsafe import Markup

from cnnreport.errors import VerificationError
from cnnreport.report.out import html, pdf, record
from cnnreport.report.out.record import Output
from cnnreport.report.out.writer import Writer, record_of
from cnnreport.report.out.writers import WRITERS
from cnnreport.report.page.compose import Context
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.report import Report
from cnnreport.runs import artefact
from cnnreport.system import durable

REPORT = Report("T", Markup(), (), (), (), Ledger(), "<p>Told.</p>")
PLAIN = Writer(
    "plain text", ".txt", __name__, ("pypdf",), lambda: None,
    lambda report, path: durable.write(path, report.page.encode()),
)  # fmt: skip


@pytest.fixture
def output(tmp_path: Path, make_run: MakeRun) -> Callable[..., Output]:
    """Collect anew what a text file of one run and one template depends on."""
    run, template = make_run(), tmp_path / "text.html.j2"
    template.write_text("<p>Told.</p>")

    def collected(writer: Writer = PLAIN, context: Context | None = None) -> Output:
        return record.output(
            writer, tmp_path / "t.txt", [run], {"text": template}, context or Context(command="build")
        )

    return collected


def test_what_was_written_stands(output: Callable[..., Output]) -> None:
    """A file is made once, and not again while nothing changes."""
    assert not output().stands
    output().write(REPORT, 0.0)
    assert output().stands
    assert output().path.read_text() == REPORT.page


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
    output().write(REPORT, 0.0)
    changed(tmp_path)
    assert not output().stands


def test_another_command_or_library_makes_it_again(
    output: Callable[..., Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the report says of the build counts, and the versions of what lays it out and writes it."""
    output().write(REPORT, 0.0)
    assert not output(context=Context(command="build --full")).stands
    assert not output(replace(PLAIN, libraries=())).stands
    monkeypatch.setattr(record, "version", lambda library: "0" if library == "jinja2" else "1")
    assert not output().stands


def test_each_output_depends_on_its_own_libraries(output: Callable[..., Output]) -> None:
    """Another WeasyPrint makes the PDF anew and leaves the page alone; another Jinja both."""
    versions = [output(writer).depends["versions"] for writer in (html.WRITER, pdf.WRITER)]
    assert ["weasyprint" in names for names in versions] == [False, True]
    assert ["jinja2" in names for names in versions] == [True, True]


def test_a_writer_that_fails_leaves_no_record(tmp_path: Path, output: Callable[..., Output]) -> None:
    """An error keeps what stood before, and says nothing new of it."""

    def failing(report: Report, path: Path) -> str:
        raise VerificationError("the text was not written", "mend it")

    output().write(REPORT, 0.0)
    before = record_of(tmp_path / "t.txt").read_bytes()
    with pytest.raises(VerificationError, match="the text was not written"):
        output(replace(PLAIN, write=failing)).write(REPORT, 0.0)
    assert record_of(tmp_path / "t.txt").read_bytes() == before


def test_the_last_time_is_known_once_all_were_written(tmp_path: Path, output: Callable[..., Output]) -> None:
    """Composing counts once, and a file that was never written leaves the whole unknown."""
    output().write(REPORT, 2.0)
    known = record.last_time([tmp_path / "t.txt"])
    assert known is not None
    assert known >= 2.0
    assert record.last_time([tmp_path / "t.txt", tmp_path / "u.txt"]) is None


def test_no_two_outputs_are_one_file() -> None:
    """Each writer has a place of its own beside what is handed in, which is the PDF."""
    paths = [writer.path(Path("build/report.v2.pdf")) for writer in WRITERS]
    assert len({*paths}) == len(paths)
    assert Path("build/report.v2.pdf") in paths
