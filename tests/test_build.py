"""The whole pipeline, in a copy of the project whose files the tests may change.

What changes files of the library runs the copy's library, in a process of its own.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Ended, run
from pypdf import PdfReader

from cnnreport.project import PACKAGE, Project
from cnnreport.report.page import outline as outlines

SMALL = ("--smoke", "--seeds", "1", "--data", "drawn")
IN_REPORT = ("pool-upsample", "pool-upsample-formulas", "handwritten-answer", "other-tools")
CUT = (*SMALL, "--device", "cpu", *(word for name in IN_REPORT for word in ("--only", name)))
"""Part A and the checks, in seconds."""

PART = (*SMALL, "--device", "cpu", "--only", "handwritten-answer")
"""A report of a few pages, for what any report shows."""

TEMPLATE = "templates/a2-writeup/a3.html.j2"
PART_TEMPLATE = "templates/a2-writeup/supplement/audit.html.j2"
PART_FILE = "a2-supplement"
"""The document that it belongs to."""

PAGES, PRINTED = (
    tuple(f"a2-{name}.{kind}" for name in ("writeup", "supplement")) for kind in ("html", "pdf")
)
LAYOUT = Path(__file__).parent / "report"
"""Where the checker of laid-out pages lies."""

TRAINING = "cnnreport/training/fast/cross_entropy.py"

pytestmark = pytest.mark.slow  # what any build does is tested on smaller projects


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a smoke build of Part A in it."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("cnnreport", "experiments", "templates"):
        shutil.copytree(PACKAGE.parent / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE.parent / "pyproject.toml", root)  # which of the reports is built where none is named
    done = here(root, "build", *CUT, "--formats", "html", "--workers", "1")
    assert done.code == 0, done.err
    return root


@pytest.fixture(scope="module")
def printed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with the same runs and a report of a few pages, which take seconds to print."""
    out = tmp_path_factory.mktemp("part") / "build"
    shutil.copytree(project / "build", out)
    done = here(project, "build", *PART, "--out", str(out))
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def second(project: Path) -> Ended:
    """How the same build ends once more."""
    return here(project, "build", *CUT, "--formats", "html")


@pytest.fixture
def part(printed: Path, tmp_path: Path) -> Path:
    """A copy of that folder, which a test may change."""
    return Path(shutil.copytree(printed, tmp_path / "part"))


def here(root: Path, *words: str) -> Ended:
    """Run a command on the copy in this process."""
    return run("--project", str(root), *words)


def cnnreport(root: Path, *words: str, timeout: float = 180) -> "subprocess.CompletedProcess[str]":
    """Run the copy's command line."""
    return subprocess.run(
        [sys.executable, "-m", "cnnreport", *words], capture_output=True, text=True, cwd=root, timeout=timeout
    )


def text(file: Path) -> str:
    """The text of a PDF."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(file).pages).split())


def words_of(out: Path) -> str:
    """The text of all pages of a build, which is what is printed; to read it from PDFs takes seconds."""
    pages = "".join(page.read_text() for page in sorted(out.glob("*.html")))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", pages)).split())


def page(root: Path) -> Path:
    """The report."""
    return root / "build" / "a2-writeup.html"


def test_the_last_lines_tell_path_data_and_results(project: Path, second: Ended) -> None:
    """Who looks at the end of the output finds all that came out, and that the data are a stand-in."""
    lines = second.out.splitlines()
    pages = [line for line in lines if line.endswith(".html")]
    assert str(page(project)) in pages
    assert lines[-len(pages) :] == pages
    results = lines[: -len(pages)]
    assert results[-2] == "handwritten-answer: proved on 180 points"
    assert results[-4].startswith("pool-upsample: validation loss ")
    assert results[-5] == "data: Meadow scenes (stand-in, not the real data)"


def test_the_cover_says_smoke_and_stand_in(project: Path) -> None:
    """A reader cannot mistake a cut-down build on drawn data for results."""
    cover = page(project).read_text().partition("<main>")[0]
    assert "Smoke build." in cover
    assert "Stand-in data." in cover


def test_the_report_is_printed(printed: Path) -> None:
    """What was built is on paper: the cover says what build it is, and its sections are in the PDFs."""
    told = " ".join(text(file) for file in printed.glob("*.pdf"))
    assert "Smoke build." in PdfReader(printed / "a2-writeup.pdf").pages[0].extract_text()
    assert "An audit" in told


def test_the_six_values_are_printed_proved_and_audited(project: Path) -> None:
    """What the derivations found is in the report: the equations, the proof of each layer, the audit."""
    words = words_of(project / "build")
    assert "The six values: weights, outputs and connections of PoolUpsampleNet" in words
    (table,) = re.findall(r'<table id="tab-layers".*?</table>', page(project).read_text(), re.DOTALL)
    assert table.count('<th scope="row">') == 17
    # This is said where no row is without a proof.
    assert "Verified on 180 points" in " ".join(re.sub(r"<[^>]*>", "", table).split())
    assert "Of the 6 hand-written formulas 5 hold and 1 does not" in words


def test_a_part_of_the_report_is_built_alone(project: Path, tmp_path: Path) -> None:
    """An experiment alone makes a report of what it answers, and names the rest on the cover."""
    out = tmp_path / "part"
    shutil.copytree(project / "build", out)
    done = here(project, "build", *PART, "--formats", "html", "--out", str(out))
    assert done.code == 0, done.err
    words = words_of(out)
    assert "This build has no runs for what is not ticked below." in words
    assert "A1" in re.findall(
        r'<li class="missing"><span class="tick">–&nbsp;</span>([^:]*): ',
        (out / "a2-writeup.html").read_text(),
    )
    assert "An audit" in words


def test_a_second_build_computes_and_prints_nothing(project: Path, second: Ended) -> None:
    """Where nothing changed the report is not touched."""
    assert second.out.splitlines()[0] == "No run had to be computed; the report stands as it is"
    before = page(project).stat()
    here(project, "build", *CUT, "--formats", "html")
    assert page(project).stat() == before


@pytest.mark.slow
def test_a_damaged_report_is_printed_again(project: Path, part: Path) -> None:
    """A PDF with a flipped bit is not what was written; the same bytes are made again."""
    file = part / "a2-writeup.pdf"
    before = file.read_bytes()
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    done = cnnreport(project, "build", *PART, "--out", str(part))
    assert done.stdout.splitlines()[0] == "No run had to be computed; the report is new"
    assert file.read_bytes() == before


@pytest.mark.slow
def test_a_changed_template_prints_again_and_trains_nothing(project: Path, part: Path) -> None:
    """Runs do not depend on templates, the report does."""
    file = project / PART_TEMPLATE
    before = file.read_text()
    file.write_text(before + "<p>A sentence that was not there.</p>\n")
    done = cnnreport(project, "build", *PART, "--out", str(part))
    file.write_text(before)
    assert done.stdout.splitlines()[0] == "No run had to be computed; the report is new"
    assert "A sentence that was not there." in text(part / f"{PART_FILE}.pdf")


COMMENT = "\n# changed\n"
CHANGED_ANSWER = """
ANSWERS = {"tools": tools, "audit": lambda runs: Answer(parts={"audit": _lacking(runs)})}


def _lacking(runs: Runs) -> audits.Audit:
    import dataclasses

    return dataclasses.replace(audits.audit(runs[HANDWRITTEN][0]), complete=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "change", "rewritten"),
    [
        (f"{PACKAGE.name}/report/templates/shared/page.html.j2", "<!-- changed -->\n", (*PAGES, *PRINTED)),
        ("experiments/a2-writeup/answers/checks.py", COMMENT, ()),
        (
            "experiments/a2-writeup/answers/checks.py",
            CHANGED_ANSWER,
            (f"{PART_FILE}.html", f"{PART_FILE}.pdf"),
        ),
        (f"{PACKAGE.name}/report/out/pdf.py", COMMENT, PRINTED),
        (f"{PACKAGE.name}/report/out/html.py", COMMENT, PAGES),
    ],
    ids=["template", "remark", "answer", "printing", "page"],
)
def test_what_a_report_is_made_of_makes_it_again_and_no_run(
    project: Path, part: Path, file: str, change: str, rewritten: tuple[str, ...]
) -> None:
    """Templates, answers and writers: what says something else, or is written otherwise, is new, no other."""
    place = project / file
    written = {name: (part / name).stat().st_mtime_ns for name in (*PAGES, *PRINTED)}
    before = place.read_text()
    place.write_text(before + change)
    done = cnnreport(project, "build", *PART, "--out", str(part))
    place.write_text(before)
    state = "is new" if rewritten else "stands as it is"
    assert done.stdout.splitlines()[:1] == [f"No run had to be computed; the report {state}"], done.stderr
    new = [name for name, time in written.items() if (part / name).stat().st_mtime_ns != time]
    assert new == list(rewritten)


@pytest.mark.slow
def test_the_page_can_be_had_without_the_pdf(project: Path, part: Path) -> None:
    """With --formats html a changed template is seen in the page, and the PDF waits for the next build."""
    file, page, printed = project / PART_TEMPLATE, part / f"{PART_FILE}.html", part / f"{PART_FILE}.pdf"
    old = printed.read_bytes()
    before = file.read_text()
    file.write_text(before + "<p>A sentence for the page.</p>\n")
    asked = ("build", *PART, "--out", str(part))
    done = cnnreport(project, *asked, "--formats", "html")
    again = cnnreport(project, *asked, "--formats", "html")
    file.write_text(before)
    assert str(page) in done.stdout.splitlines()
    assert "A sentence for the page." in page.read_text()
    assert printed.read_bytes() == old
    assert again.stdout.splitlines()[0] == "No run had to be computed; the report stands as it is"


@pytest.mark.parametrize(
    ("mistake", "code", "says"),
    [
        pytest.param("{{ nowhere }}", 2, "'nowhere' is undefined", marks=pytest.mark.slow),
        pytest.param("{{ 1 / 0 }}", 2, "division by zero", marks=pytest.mark.slow),
        pytest.param("{% if %}", 2, "Expected an expression", marks=pytest.mark.slow),
        ("<p>We reach 41.6 % accuracy.</p>", 3, "the number 41.6 was typed into the text"),
    ],
)
def test_a_mistake_in_a_template_is_told_with_its_line(
    project: Path, mistake: str, code: int, says: str
) -> None:
    """Whatever is wrong in a template is told by file and line, and the old report stands."""
    file, before, old = project / TEMPLATE, (project / TEMPLATE).read_text(), page(project).read_bytes()
    file.write_text(f"{before}{mistake}\n")
    done = here(project, "build", *CUT, "--formats", "html")
    file.write_text(before)
    assert (done.code, page(project).read_bytes() == old) == (code, True)
    assert f"a3.html.j2:{before.count(chr(10)) + 1}: " in done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_changed_training_module_makes_exactly_its_runs_stale(project: Path) -> None:
    """status says stale, explain names the file; with the old source the runs are good again."""
    file = project / TRAINING
    before = file.read_text()
    file.write_text(before + "\n# changed\n")
    plan = json.loads(cnnreport(project, "status", "--json").stdout)
    explained = cnnreport(project, "explain", "pool-upsample").stdout
    file.write_text(before)
    assert [each["experiment"] for each in plan if each["state"] == "stale"] == ["pool-upsample"]
    assert f"source {TRAINING} changed" in explained
    plan = json.loads(here(project, "status", "--json").out)
    assert {each["state"] for each in plan if each["experiment"] in IN_REPORT} == {"cached"}


def test_a_dry_run_trains_nothing_and_says_why(project: Path) -> None:
    """-n tells the plan: what is cached and what would be run."""
    done = here(project, "build", "-n", *CUT, "--seeds", "2")
    rows = [line.split(maxsplit=3) for line in done.out.splitlines()[1:]]
    assert rows == [
        ["pool-upsample", "0", "cached"],
        ["pool-upsample", "1", "new", "it has never been run"],
        ["pool-upsample-formulas", "0", "cached"],
        ["handwritten-answer", "0", "cached"],
        ["other-tools", "0", "cached"],
    ]


def test_imported_runs_are_marked_in_the_report(project: Path, tmp_path: Path) -> None:
    """A report from runs made elsewhere says so on its cover and in the table of runs."""
    archive, elsewhere = tmp_path / "runs.zip", tmp_path / "elsewhere"
    assert here(project, "runs", "export", str(archive)).code == 0
    assert here(project, "runs", "import", str(archive), "--out", str(elsewhere)).code == 0
    done = here(project, "build", *SMALL, *PART[-2:], "--formats", "html", "--out", str(elsewhere))
    assert done.out.startswith("No run had to be computed"), done.err
    words = words_of(elsewhere)
    assert "Runs made elsewhere." in words
    assert "runs.zip" in words


@pytest.fixture(scope="module")
def full(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a full build."""
    out = tmp_path_factory.mktemp("full")
    done = cnnreport(project, "build", *SMALL, "--out", str(out), "--full", timeout=1200)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_a_full_build_prints_every_section(project: Path, full: Path) -> None:
    """--full leaves nothing out; a plain build afterwards finds the report as it is to be."""
    outline = outlines.load(Project(project, full), "a2-writeup")
    told = " ".join(text(full / name) for name in PRINTED)
    # The supplement has a table of contents, too.
    times = {section.title: 2 if outline.in_supplement(section) else 1 for section in outline.sections}
    assert [title for title, least in times.items() if told.count(title) < least] == []
    assert told.count("goes beyond the handout") == sum(section.beyond for section in outline.sections)
    done = cnnreport(project, "build", *SMALL, "--out", str(full))
    assert done.stdout.splitlines()[0] == "No run had to be computed; the report stands as it is"


@pytest.mark.slow
def test_the_write_up_is_laid_out_to_be_handed_in(full: Path) -> None:
    """At most 24 pages; nothing is left alone at the end of one, and nothing reaches into the margins."""
    assert len(PdfReader(full / PRINTED[0]).pages) <= 24
    looking = [sys.executable, "-m", "check_layout", str(full / PAGES[0])]
    place = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (PACKAGE.parent, LAYOUT)))}
    done = subprocess.run(looking, capture_output=True, text=True, env=place)
    assert re.match(r"\d+ pages, full by ", done.stdout), done.stderr
    grave = re.compile(r" alone$| into the margin$| line of a paragraph$|fewer than three lines")
    assert [line for line in done.stdout.splitlines() if grave.search(line)] == []


def test_a_shortened_sweep_is_told_from_what_is_left_of_it(project: Path, tmp_path: Path) -> None:
    """The cover says what is missing; page and notebook tell of three batch sizes."""
    words = (
        "--smoke",
        "--cut",
        "seeds=1,sizes=3",
        "--data",
        "drawn",
        "--device",
        "cpu",
        "--only",
        "batch-size",
    )
    done = here(project, "build", *words, "--formats", "html,ipynb", "--out", str(tmp_path))
    assert done.code == 0, done.err
    cover = (tmp_path / "a2-writeup.html").read_text().partition("<main>")[0]
    assert "1 seed of an experiment instead of 2; sweeps without batch-size-64, batch-size-256." in " ".join(
        cover.split()
    )
    told = words_of(tmp_path)
    assert "ConvTransposeNet was trained with 3 batch sizes, in 3 runs, each for 2 epochs." in told
    assert "BATCH_SIZES = [32, 128, 512]" in (tmp_path / "a2-cnn.ipynb").read_text()
    assert here(project, "build", *words, "--formats", "html", "--out", str(tmp_path)).out.startswith(
        "No run had to"
    )


def test_clean_removes_stale_runs_and_keeps_the_others(project: Path, tmp_path: Path) -> None:
    """What a changed source has outdated goes, what stands stays, whatever the last build asked for."""
    out = tmp_path / "out"
    shutil.copytree(project / "build", out)
    assert here(project, "clean", "--yes", "--out", str(out)).out == "There is nothing to remove.\n"
    file = project / TRAINING
    before = file.read_text()
    file.write_text(before + "\n# changed\n")
    cnnreport(project, "clean", "--yes", "--out", str(out))
    file.write_text(before)
    left = {folder.name.rpartition("-seed")[0] for folder in (out / "runs").iterdir()}
    assert left == set(IN_REPORT) - {"pool-upsample"}
    here(project, "clean", "--all", "--yes", "--out", str(out))
    assert list(out.iterdir()) == []
