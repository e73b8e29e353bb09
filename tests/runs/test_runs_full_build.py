"""What goes beyond the handout: when a build computes it, and when its report has it."""

import errno
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from counting import CountingTask
from executing import Here, compute_with
from planned import PACES, plan

from cnnreport.commands import build as pipeline
from cnnreport.commands import watch
from cnnreport.errors import EnvironmentFailure, UsageError
from cnnreport.project import Project
from cnnreport.report.out import html, notebook, pdf, writers
from cnnreport.report.out.screen import typefaces
from cnnreport.report.out.writer import record_of
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.planned import make_job
from cnnreport.runs.runner import execute
from cnnreport.system import durable

REPORT = "demo"
CPU = Choices(device="cpu")

OUTLINE = """
title = "Counts"
subtitle = "Ordinary and not"
course = "Counting"
output = "demo.pdf"

[[section]]
id = "c1"
title = "C1. Counting"
part = "Counts"
template = "text.html.j2"
experiments = ["count"]

[[section]]
id = "paces"
title = "Other paces"
part = "Counts"
template = "text.html.j2"
experiments = ["count", "pace-2", "pace-3"]
beyond = true

[[section]]
id = "two"
title = "The pace of two"
part = "Counts"
template = "text.html.j2"
experiments = ["pace-2"]
beyond = true
"""

ORDINARY = """
from cnnreport.report.answer import Answer

ANSWERS = {"c1": lambda runs: Answer()}
"""

BEYOND = """
import telling
from cnnreport.report.answer import Answer

ANSWERS = {"paces": lambda runs: Answer(), "two": lambda runs: Answer()}
"""


COUNTED = """
from pathlib import Path

import telling
from cnnreport.report.answer import Answer


def told(runs):
    with Path({asked!r}).open("a") as file:
        file.write(".")
    return Answer()


ANSWERS = {{"c1": told}}
"""


@pytest.fixture
def report(counting: Project) -> Project:
    """The counting project with a report of one ordinary section and two that go beyond."""
    answers = counting.experiments / REPORT / "answers"
    templates = counting.templates / REPORT
    for folder in (answers, templates):
        folder.mkdir()
    (answers.parent / "paces.py").write_text(PACES)
    (answers / "ordinary.py").write_text(ORDINARY)
    (answers / "beyond.py").write_text(BEYOND)
    (counting.root / "telling.py").write_text("")
    (templates / "report.toml").write_text(OUTLINE)
    (templates / "text.html.j2").write_text("<p>Told.</p>\n")
    return counting


@pytest.fixture
def build(report: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pipeline.Built]:
    """Build that report in this process, as HTML in place of the PDF."""

    def write(page: str, path: Path) -> str:
        return durable.write(path, page.encode())

    compute_with(monkeypatch, Here)
    monkeypatch.setattr(typefaces, "rules", lambda *pages: "")  # to cut them takes seconds, and nobody looks
    printer = replace(pdf.WRITER, write=write, apart=False)
    monkeypatch.setattr(writers, "WRITERS", (html.WRITER, notebook.WRITER, printer))
    monkeypatch.syspath_prepend(report.root)
    CountingTask.calls.clear()

    def built(
        only: Sequence[str] = (), formats: str | None = None, *, full: bool = False, as_is: bool = False
    ) -> pipeline.Built:
        return pipeline.build(report, REPORT, CPU, only, full=full, formats=formats, as_is=as_is)

    return built


def finish(project: Project, *names: str) -> None:
    """Make the runs of some experiments."""
    for name in names:
        for planned in plan(project, name):
            execute(make_job(planned, None, "a command"), lambda _: None)


def planned(project: Project, choices: Choices = CPU, only: tuple[str, ...] = (), *, full: bool = False):
    """Plan the report and return the experiments planned, each once."""
    made = pipeline.plan_report(project, REPORT, choices, only, full=full)
    return list(dict.fromkeys(one.experiment.name for one in made))


def body(built: pipeline.Built) -> str:
    """What a build laid out, without the style sheets."""
    page = built.paths[-1].read_text()
    return page[page.index("<body") :]


def words(built: pipeline.Built) -> str:
    """The same without tags."""
    return " ".join(re.sub("<[^>]*>", "", body(built)).split())


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        ((), ["count"]),
        (("pace-3",), ["count"]),
        (("pace-2",), ["count", "pace-2"]),
        (("pace-2", "pace-3"), ["count", "pace-2", "pace-3"]),
    ],
)
def test_a_plain_build_takes_what_stands_whole(
    report: Project, finished: tuple[str, ...], expected: list[str]
) -> None:
    """Of sections beyond the handout those are planned whose own runs all stand, whatever else is to run."""
    finish(report, *finished)
    assert planned(report) == expected


def test_seeds_of_a_full_build_are_left_out_of_a_plain_one_until_all_of_them_stand(report: Project) -> None:
    """A plain build neither computes them nor prints a part of them; --seeds says how many, whatever else."""
    file = report.experiments / REPORT / "counts.py"
    file.write_text(file.read_text().replace("seeds=2", "seeds=1, full_seeds=3"))

    def seeds(choices: Choices = CPU, *, full: bool = False) -> list[int]:
        plan = pipeline.plan_report(report, REPORT, choices, ("count",), full=full)
        return [one.seed for one in plan]

    assert (seeds(), seeds(full=True), seeds(replace(CPU, seeds=2))) == ([0], [0, 1, 2], [0, 1])
    whole = pipeline.plan_report(report, REPORT, CPU, full=True)
    for place, expected in ((1, [0]), (2, [0, 1, 2])):
        execute(make_job(whole[place], None, "a command"), lambda _: None)
        assert seeds() == expected


def test_a_section_with_a_seed_missing_counts_as_not_there(report: Project) -> None:
    """Half of a section is neither computed in passing nor told of."""
    finish(report, "pace-2", "pace-3")
    assert planned(report, Choices(device="cpu", seeds=2)) == ["count"]


@pytest.mark.parametrize(
    ("choices", "only", "full", "expected"),
    [
        (CPU, (), True, ["count", "pace-2", "pace-3"]),
        (CPU, ("pace",), False, ["pace-2", "pace-3"]),
        (CPU, ("pace-3",), False, ["pace-3"]),
        (CPU, ("count",), True, ["count"]),
        (Choices(device="cpu", force=("pace-3",)), (), False, ["count", "pace-3"]),
        (Choices(device="cpu", force=("pace",)), (), False, ["count", "pace-2", "pace-3"]),
    ],
)
def test_what_is_asked_for_is_planned(
    report: Project, choices: Choices, only: tuple[str, ...], full: bool, expected: list[str]
) -> None:
    """--full asks for everything, --only and --force for what they name, an experiment or a family."""
    assert planned(report, choices, only, full=full) == expected


def test_an_experiment_of_no_section_is_refused(report: Project) -> None:
    """What the report does not tell of is run alone."""
    with pytest.raises(UsageError, match="the report demo does not use fail; run it alone: "):
        planned(report, only=("fail",))


def test_an_outline_that_names_no_experiment_is_told(report: Project) -> None:
    """A slip in report.toml is a sentence with the names that there are."""
    file = report.templates / REPORT / "report.toml"
    file.write_text(file.read_text().replace('"count", ', '"cuont", '))
    with pytest.raises(UsageError, match="there is no experiment 'cuont'; choose from: count"):
        planned(report)


def test_a_plain_page_passes_over_what_goes_beyond(build: Callable[..., pipeline.Built]) -> None:
    """Neither contents nor cover name a section that nobody asked for, and nothing of it is computed."""
    built = build()
    assert {run.experiment for run in built.runs} == {"count"}
    assert words(built).count("C1. Counting") == 2
    assert not re.search("pace|Left out|beyond|--full", words(built))


def test_a_full_page_marks_what_goes_beyond(build: Callable[..., pipeline.Built]) -> None:
    """Below each such heading stands a mark, and the appendix tells how to make the report again."""
    told = words(build(full=True))
    assert "Counts C1. Counting Told. Other paces goes beyond the handout Told. The pace of two goes" in told
    assert told.count("goes beyond the handout") == 2
    assert "python -m cnnreport build demo --device cpu --full" in told


@pytest.mark.slow
def test_a_plain_build_after_a_full_one_leaves_the_report_alone(build: Callable[..., pipeline.Built]) -> None:
    """What a full build printed is there as long as its runs stand."""
    whole = body(build(full=True))
    again = build()
    assert (again.trained, again.printed, body(again)) == (0, False, whole)


def test_a_part_is_asked_for_by_name_alone(build: Callable[..., pipeline.Built]) -> None:
    """With --only the command line says that, not --full, and the cover names ordinary sections left out."""
    told = words(build(only=("pace-2",)))
    assert "python -m cnnreport build demo --device cpu --only pace-2" in told
    assert "This build has no runs for: C1. Counting." in told
    assert "The pace of two goes beyond the handout Told." in told
    assert "--full" not in told


def test_an_interrupted_full_build_repeats_no_finished_run(
    build: Callable[..., pipeline.Built], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command goes on with the epoch after the last finished one."""
    step = CountingTask.run_epoch

    def interrupted(task: CountingTask) -> dict[str, float]:
        if len(CountingTask.calls) == 10:
            raise KeyboardInterrupt
        return step(task)

    monkeypatch.setattr(CountingTask, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(full=True)
    monkeypatch.setattr(CountingTask, "run_epoch", step)
    assert build(full=True).trained == 2
    assert CountingTask.calls == [1, 2, 3, 4] * 4


@pytest.mark.slow
def test_a_report_depends_on_all_its_answers(report: Project, build: Callable[..., pipeline.Built]) -> None:
    """Each file of answers counts, and what it imports: after a change it is composed anew."""

    def sources(built: pipeline.Built) -> dict[str, str]:
        return json.loads(record_of(built.paths[-1]).read_text())["sources"]

    before = sources(build())
    files = ["answers/beyond.py", "answers/ordinary.py", "telling.py"]
    assert [name for name in files if any(path.endswith(name) for path in before)] == files
    (report.root / "telling.py").write_text("# changed\n")
    again = build()
    assert sources(again)["telling.py"] != before["telling.py"]
    # What came out is the same, so that nothing has to be written.
    assert (again.trained, again.printed) == (0, False)


def test_the_page_can_be_had_without_the_pdf(report: Project, build: Callable[..., pipeline.Built]) -> None:
    """What is not asked for stays as it is, and is told to be of an earlier build."""
    page, printed = build().paths
    old = printed.read_text()
    (report.templates / REPORT / "text.html.j2").write_text("<p>Told anew.</p>\n")
    first, second = build(formats="html"), build(formats="html")
    assert (first.printed, second.printed) == (True, False)
    assert first.paths == [page]
    assert f"{printed.name} is of an earlier build" in " ".join(first.lines())
    assert "Told anew." in page.read_text()
    assert printed.read_text() == old


@pytest.mark.slow
def test_page_and_pdf_are_made_again_each_for_itself(build: Callable[..., pipeline.Built]) -> None:
    """Whichever is gone comes back alone, with the same bytes."""
    page, printed = build().paths
    kept, inode = page.read_bytes(), printed.stat().st_ino
    page.write_text("damaged")
    assert build().printed
    assert page.read_bytes() == kept
    assert printed.stat().st_ino == inode


@pytest.mark.parametrize(
    ("formats", "complaint"),
    [
        ("docx", "--formats: there is no format 'docx'; choose from: html, pdf"),
        ("html,ipynb", "--formats: the report demo has no ipynb file; choose from: html, pdf"),
        (" , ", "--formats names none; choose from: html, pdf"),
    ],
)
def test_a_format_that_is_not_there_is_told_before_anything_runs(
    report: Project, build: Callable[..., pipeline.Built], formats: str, complaint: str
) -> None:
    """The sentence names what there is."""
    with pytest.raises(UsageError, match=re.escape(complaint)):
        build(formats=formats)
    assert not report.runs.exists()


def test_formats_are_asked_for_in_any_order(build: Callable[..., pipeline.Built]) -> None:
    """Capitals, spaces and twins do no harm."""
    assert [path.name for path in build(formats="PDF, html,pdf").paths] == ["demo.html", "demo.pdf"]


def test_a_change_of_one_document_leaves_the_other_alone(
    report: Project, build: Callable[..., pipeline.Built]
) -> None:
    """What goes beyond is in the supplement; each document is written where something else stands in it."""
    templates = report.templates / REPORT
    outline = templates / "report.toml"
    outline.write_text(outline.read_text().replace('"demo.pdf"', '"demo.pdf"\nsupplement = "more.pdf"'))
    (templates / "further.html.j2").write_text("<p>Told of more.</p>\n")
    outline.write_text(
        re.sub(r'(id = "two"\n(?:.*\n)*?template = )"text', r'\1"further', outline.read_text())
    )
    built = build(full=True)
    assert [path.name for path in built.paths] == ["demo.html", "more.html", "demo.pdf", "more.pdf"]
    (templates / "further.html.j2").write_text("<p>Told of much more.</p>\n")
    written = build(full=True).written
    assert [path.name for path, new in written.items() if new] == ["more.html", "more.pdf"]


def test_a_report_can_be_written_as_it_is(report: Project, build: Callable[..., pipeline.Built]) -> None:
    """Nothing is computed: what stands is told, and that it is not all; without any run that is said."""
    with pytest.raises(UsageError, match="no run of the report demo stands yet; build it without --as-is"):
        build(as_is=True)
    first, _ = plan(report, "count")
    execute(make_job(first, None, "a command"), lambda _: None)
    calls = len(CountingTask.calls)
    unfinished = build(as_is=True)
    assert len(CountingTask.calls) == calls
    assert "C1. Counting" in words(unfinished)
    assert "Not finished." in words(unfinished)
    assert unfinished.lines()[0] == "Nothing was computed; 1 run is missing; the report is new"
    assert [run.seed for run in unfinished.runs] == [0]
    build()
    finished = build(as_is=True)
    assert finished.lines()[0] == "No run had to be computed; the report stands as it is"
    assert "Not finished." not in words(finished)


def watched(report: Project, monkeypatch: pytest.MonkeyPatch, *edits: Callable[[], object]) -> None:
    """Watch the report, make an edit at each look at its files, and end as on Ctrl-C after the last."""
    waiting = iter(edits)

    def sleep(_: float) -> None:
        try:
            next(waiting)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(watch.time, "sleep", sleep)
    watch.watch(watch.Watch(report, REPORT, CPU))


def test_a_watch_renders_each_change_and_goes_on_after_a_mistake(
    report: Project,
    build: Callable[..., pipeline.Built],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is wrong is said with its line; the page follows what is right, once for each change."""
    text = report.templates / REPORT / "text.html.j2"
    page = report.output / "demo.html"
    pages = []

    def look() -> None:
        pages.append(page.read_text().partition("<main")[2])

    watched(
        report,
        monkeypatch,
        look,
        lambda: text.write_text("<p>Told {{ nowhere }}.</p>\n"),
        look,
        lambda: text.write_text("<p>Told anew.</p>\n"),
        look,
    )
    told = capsys.readouterr()
    assert told.out.startswith("http://127.0.0.1:")
    assert "Error: text.html.j2:1: 'nowhere' is undefined; mend the template." in told.err
    assert told.err.count("demo.html (") == 1
    assert told.err.endswith("The watch is over; the pages are as they were last written.\n")
    assert pages[0] == pages[1]
    assert "Told anew." in pages[2]
    assert not (report.output / "demo.pdf").exists()


@pytest.mark.slow
def test_a_watch_tells_what_is_wrong_in_cells_and_goes_on(
    report: Project,
    build: Callable[..., pipeline.Built],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A template of cells shows on no page, yet its mistake has a sentence with file and line."""
    templates = report.templates / REPORT
    outline, cells, text = (templates / name for name in ("report.toml", "text.py.j2", "text.html.j2"))
    outline.write_text(
        outline.read_text()
        .replace("output =", 'notebook = "demo.ipynb"\noutput =', 1)
        .replace('template = "text.html.j2"', 'template = "text.html.j2"\ncells = "text.py.j2"', 1)
    )
    cells.write_text("# %%\none = 1\n")
    watched(
        report,
        monkeypatch,
        lambda: cells.write_text("# %%\none = 1\n{% if %}\n"),
        lambda: cells.write_text("# %%\none = 1\none = (\n"),
        lambda: cells.write_text("# %%\none = 2\n"),
        lambda: text.write_text("<p>Told anew.</p>\n"),
    )
    told = [line for line in capsys.readouterr().err.splitlines() if "Error" in line]
    assert len(told) == 2
    assert re.match(r"Error: text\.py\.j2:3: Expected an expression.*; mend the template\.", told[0])
    assert re.match(r"Error: text\.py\.j2:3: .*never closed.*\.", told[1])
    assert "Told anew." in (report.output / "demo.html").read_text()


@pytest.mark.slow
def test_a_watch_follows_runs_and_answers(
    report: Project,
    build: Callable[..., pipeline.Built],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run that is finished elsewhere has its section at once; a mistake in an answer has its line."""
    answers = report.experiments / REPORT / "answers" / "ordinary.py"
    watched(
        report,
        monkeypatch,
        lambda: finish(report, "pace-2"),
        lambda: answers.write_text(answers.read_text() + "\n1 / 0\n"),
    )
    assert "The pace of two" in (report.output / "demo.html").read_text()
    line = len(answers.read_text().splitlines())
    assert f"ordinary.py:{line}: ZeroDivisionError: division by zero" in capsys.readouterr().err


@pytest.mark.slow
def test_a_watch_asks_an_answer_again_only_when_it_may_be_another(
    report: Project, build: Callable[..., pipeline.Built], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after a change of a template; but after one of its own code, or of a module that this imports."""
    answers = report.experiments / REPORT / "answers" / "ordinary.py"
    asked = report.root / "asked.txt"
    answers.write_text(COUNTED.format(asked=str(asked)))
    counts: list[int] = []

    def add(file: Path, line: str) -> Callable[[], None]:
        def edit() -> None:
            counts.append(len(asked.read_text()))
            file.write_text(file.read_text() + line)

        return edit

    text = report.templates / REPORT / "text.html.j2"
    telling = report.root / "telling.py"
    watched(report, monkeypatch, add(text, "<p>A.</p>"), add(text, "<p>B.</p>"), add(answers, "# C\n"),
            add(telling, "# D\n"), add(text, "<p>E.</p>"))  # fmt: skip
    first, *others = [*counts, len(asked.read_text())]
    assert [count - first for count in others] == [1, 1, 2, 3, 3]


def test_a_watch_follows_styles_and_scripts_of_the_page(report: Project) -> None:
    """Plain style sheets and scripts decide what a browser shows; what an editor leaves does not."""
    watched_report = watch.Watch(report, REPORT, CPU)
    watched_report.changed()
    shared = report.templates / "shared"
    shared.mkdir(exist_ok=True)
    noticed = []
    for name in ("screen.css", "screen.js", "screen.css~"):
        (shared / name).write_text("")
        noticed.append(watched_report.changed())
    assert noticed == [True, True, False]


@pytest.mark.slow
def test_a_project_may_have_its_own_look_on_a_screen(
    report: Project, build: Callable[..., pipeline.Built]
) -> None:
    """Its style sheet and script come in the place of the package's; a change makes the page anew."""
    (report.templates / "shared").mkdir()
    for word in ("first", "second"):
        (report.templates / "shared" / "screen.css").write_text(f".{word} {{}}")
        (report.templates / "shared" / "screen.js").write_text(f"'{word}';")
        page = build(formats="html").paths[-1].read_text()
        assert f"<style>.{word} {{}}</style>" in page
        assert f"<script>'{word}';</script>" in page
        assert "querySelector" not in page


@pytest.mark.slow
def test_a_full_disk_costs_files_and_no_run(
    report: Project, build: Callable[..., pipeline.Built], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that finds no room is named, with one remedy for all; with room they are written, no more."""
    replaced = os.replace

    def replace_while_there_is_room(old: str, new: Path) -> None:
        if Path(new).suffix in {".html", ".pdf"}:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replaced(old, new)

    names = r"cannot write \S*demo\.html: no space left on device; cannot write \S*demo\.pdf: no space left"
    with monkeypatch.context() as full:
        full.setattr(os, "replace", replace_while_there_is_room)
        with pytest.raises(EnvironmentFailure, match=names + " on device; free some space [^;]*--out\\.$"):
            build()
    computed = [*CountingTask.calls]
    assert [path.name for path, new in build().written.items() if new] == ["demo.html", "demo.pdf"]
    assert CountingTask.calls == computed
