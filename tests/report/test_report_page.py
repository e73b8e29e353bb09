"""Templates and the text that comes out of them, true whatever the runs say."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from composed import bodies, whole
from fake_derivations import AUDIT, FORMULAS, MakeDerivation, audit_measures
from fake_runs import MakeRun
from markupsafe import Markup
from printed import number_lines

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.answer import Answer
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.page import compose, outline, templating
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.provenance import trace
from cnnreport.report.page.report import Document, Report
from cnnreport.report.page.waiting import Awaited, Waiting
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")


def text_of(project: Project, runs: Sequence[Run], *, smoke: bool = False) -> str:
    """Compose the write-up and return its words, without tags and line breaks."""
    loaded = outline.load(project, "a2-writeup")
    page_html = whole(compose.compose(project, loaded, {"pool-upsample": runs}, compose.Context(smoke=smoke)))
    words = html.unescape(re.sub(r"<[^>]*>", "", bodies(page_html))).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)


def rendered(tmp_path: Path, template: str, ledger: Ledger | None = None, **values: object) -> str:
    """Render one template and fill in its references."""
    (tmp_path / "t.html.j2").write_text(template)
    kept = ledger or Ledger()
    return kept.resolve(templating.open_templates([tmp_path], kept, {})("t.html.j2", **values))


def test_the_words_for_the_curves_fit_the_number_of_seeds(project: Project, make_run: MakeRun) -> None:
    """A figure of one seed has no mean to describe."""
    loaded = outline.load(project, "a2-writeup")
    for seeds, there in ((1, False), (2, True)):
        runs = {"pool-upsample": [make_run(n) for n in range(seeds)]}
        made = whole(compose.compose(project, loaded, runs, compose.Context()))
        assert ("a thick one for their mean" in made) == there


def test_stand_in_smoke_and_imported_are_marked(project: Project, make_run: MakeRun) -> None:
    """The cover says what a reader must not overlook; every caption that depends on data marks them."""
    text = text_of(project, [make_run(imported=True)], smoke=True)
    assert "Stand-in data." in text
    assert "Smoke build." in text
    assert "Runs made elsewhere." in text
    assert "imported 2026-11-20 from gpu-runs.zip" in text
    captions = re.findall(r"(?:Figure|Table) S?\d\..*?Data: Meadow \(stand-in\)", text)
    assert len(captions) == 7


def test_real_data_are_not_marked(project: Project, make_run: MakeRun) -> None:
    """Runs on the real data carry no badge."""
    text = text_of(project, [make_run(stand_in=False, title="CIFAR-10 horses")])
    assert "stand-in" not in text.lower()
    assert "Data: CIFAR-10 horses." in text


def test_a_section_says_what_it_waits_for(project: Project, make_run: MakeRun) -> None:
    """While its runs are computed, in its place; what nobody computes is left out as ever."""
    loaded = outline.load(project, "a2-writeup")
    experiments = {
        "unet": Awaited("UNet, trained", "here", "3 of 25 epochs are done", "about 40 s"),
        "unet-formulas": Awaited("UNet, counted", "here"),
        "conv-transpose": Awaited("ConvTransposeNet, trained", "waits", left="about 2 min 05 s"),
        "conv-transpose-formulas": Awaited("ConvTransposeNet, counted", "elsewhere"),
    }
    how_far = Waiting("14:05", "3 of 40 runs are done; about 12 min left in all", experiments)
    context = compose.Context(waiting=how_far, unfinished=True)
    page = whole(compose.compose(project, loaded, {"pool-upsample": [make_run()]}, context))
    words = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", bodies(page)))).replace("\u00a0", " ")
    assert "Being computed. At 14:05: 3 of 40 runs are done; about 12 min left in all." in words
    assert "Not finished." not in words
    until = "This section is shown as soon as one run of each of these is done:"
    assert (
        f"C2. Training and results {until} UNet, trained: 3 of 25 epochs are done, about 40 s left" in words
    )
    assert "UNet, counted: being computed" in words
    assert "ConvTransposeNet, trained: waits, then takes about 2 min 05 s" in words
    assert "ConvTransposeNet, counted: another process computes it" in words
    assert "– C2: plot of training and validation curves (being computed)" in words
    assert "– B4: answer (padding for other kernel sizes) (not in this build)" in words
    assert "B4. Paddings for" not in words


def test_a_section_without_runs_is_left_out_and_named(project: Project, make_run: MakeRun) -> None:
    """What could not be answered is named on the cover, not passed over."""
    loaded = outline.load(project, "a2-writeup")
    made = whole(compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context()))
    left_out = re.findall(
        r"<strong>Left out.</strong> This build has no runs for:(.*?)\.\s*</p>", made, re.DOTALL
    )
    titles = {
        s.id: s.title for s in loaded.sections if not s.beyond and {*s.experiments} != {"pool-upsample"}
    }
    told = [" ".join(each.split()).split("; ") for each in left_out]
    assert told == [[s.title for s in loaded.sections if s.id in titles and not s.asks]]
    unticked = re.findall(r'<li class="missing"><span class="tick">–&nbsp;</span>([^:]*): ', made)
    assert unticked == [s.label for s in loaded.sections if s.id in titles and s.asks]
    assert re.findall(r'href="#(\w+)"><span class="tick">✓', made) == ["a1", "a2"]
    assert not re.search(f' id="({"|".join(titles)})"', made)
    assert 'id="a1"' in made


@pytest.mark.slow
def test_one_function_is_asked_once(project: Project, make_run: MakeRun) -> None:
    """A question and its part of the supplement, answered by the same function, have the same answer."""
    answered: dict[str, Answer] = {}
    loaded = outline.load(project, "a2-writeup")
    compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context(), answered)
    assert answered["a2"] is answered["a2more"]


def test_a_report_without_runs_is_refused(project: Project) -> None:
    """No runs, no report."""
    with pytest.raises(UsageError, match="there are no runs for the report a2-writeup"):
        compose.compose(project, outline.load(project, "a2-writeup"), {}, compose.Context())


def test_every_number_leads_to_its_origin(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """Each linked number has its line in the supplement, below file and runs that are there."""
    runs = {
        "pool-upsample": [make_run(n) for n in range(2)],
        FORMULAS: [make_derivation()],
        AUDIT: [make_derivation(audit_measures(), AUDIT)],
    }
    made = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context())
    places = {f"{d.file}#{name}" for d in made.documents for name in re.findall(r' id="([^"]+)"', d.page)}
    for document in made.documents:
        addresses = re.findall(r'href="([^"]*)"', document.page)
        full = {document.file + each if each.startswith("#") else each for each in addresses}
        assert {each for each in full if "#" in each} <= places
        assert any(re.search("a2-supplement.html#number-", each) for each in full)
    rows = number_lines(made.document("supplement").page)
    assert len(rows) > 60
    origin = r"#run-[1-4].*((history|measures|manifest)\.json|samples\.safetensors)"
    assert all(re.search(origin, row, re.DOTALL) for row in rows)


RENDERING = """
import sys
from pathlib import Path
from jinja2 import Environment
from cnnreport.report.page import templating
from cnnreport.report.page.ledger import Ledger

def refuse(*_):
    sys.exit("it was compiled")

if sys.argv[2] == "kept":
    Environment.compile = refuse
print(templating.open_templates([Path(sys.argv[1])], Ledger(), {})("t.html.j2"))
"""


@pytest.mark.slow
def test_what_was_compiled_is_kept_for_the_next_build(tmp_path: Path) -> None:
    """As long as its text is the same; a text of the same length is compiled again."""

    def built(text: str, what: str) -> str:
        (tmp_path / "t.html.j2").write_text(text)
        command = [sys.executable, "-c", RENDERING, str(tmp_path), what]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return (done.stdout + done.stderr).strip()

    assert built("Said.", "new") == "Said."
    assert built("Said.", "kept") == "Said."
    assert built("Told.", "kept") == "it was compiled"
    assert built("Told.", "new") == "Told."


def test_text_from_outside_is_escaped(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """A data set's name or a source that looks like HTML stays text."""
    run = make_run(title='<img src="http://example.org/x.png" alt="x">')
    runs = {"pool-upsample": [run], FORMULAS: [make_derivation()]}
    made = whole(compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()))
    assert "&lt;script&gt;" in made
    assert "<script" not in made
    assert "<img src=&#34;" not in made
    assert 'src="http' not in made


def test_an_unknown_name_stops_the_build(tmp_path: Path) -> None:
    """A template that asks for what is not there is named with its line."""
    with pytest.raises(UsageError, match=r"t.html.j2:2: 'beauty' is undefined"):
        rendered(tmp_path, "one\n{{ beauty }}")


def test_a_mistake_of_syntax_is_named(tmp_path: Path) -> None:
    """A template that cannot be read is named with its line."""
    with pytest.raises(UsageError, match=r"t.html.j2:1: "):
        rendered(tmp_path, "{% if %}")


def test_no_block_of_text_ends_with_space(tmp_path: Path) -> None:
    """WeasyPrint breaks lines of such a block where it should not; what is set as it is written stays so."""
    made = rendered(tmp_path, "<p>one\n <em>two</em>\n</p><ul><li>three </li></ul><pre>four\n</pre>")
    assert made == "<p>one\n <em>two</em></p><ul><li>three</li></ul><pre>four\n</pre>"


def test_a_bare_number_is_refused(tmp_path: Path) -> None:
    """Numbers enter the text only as quantities with an origin."""
    with pytest.raises(UsageError, match=r"t.html.j2:1: the bare value 0.5 was printed"):
        rendered(tmp_path, "{{ value }}", value=0.5)


def test_links_between_documents_lead_to_files_of_one_format() -> None:
    """Each to its own, though the name of one file begins that of another."""
    page = '<a href="a.html#x"></a><a href="a.html.html#y"></a><a href="#z"></a>'
    files = {"write-up": "a.html", "supplement": "a.html.html"}
    documents = [Document(name, file, "T", Markup(), (), (), (), page) for name, file in files.items()]
    linked = Report("T", tuple(documents), Ledger()).page_as("write-up", ".pdf")
    assert linked == '<a href="a.pdf#x"></a><a href="a.html.pdf#y"></a><a href="#z"></a>'


def test_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    """A text cannot point at a figure that is not there."""
    with pytest.raises(UsageError, match="refers to 'fig-x', which is not there; places: fig-y"):
        rendered(tmp_path, '{{ ref("fig-x") }}{{ "" if place("Figure", "fig-y") }}{% if false %}{% endif %}')


def test_references_may_point_ahead(tmp_path: Path) -> None:
    """A figure is numbered where it stands, and known before; no line parts a name from its number."""
    made = rendered(tmp_path, '{{ ref("b") }}: {{ place("Figure", "a") }}, {{ place("Figure", "b") }}')
    assert made == '<a class="ref short" href="#b">Figure\u00a02</a>: Figure 1, Figure 2'


def test_one_name_is_one_number(tmp_path: Path) -> None:
    """Two different numbers under one name would share one row, so they are refused."""
    ledger = Ledger()
    ledger.quote(Quantity("n", "n", {0: 1.0}, "loss", Source(("r",), "f", "x")))
    with pytest.raises(UsageError, match="two different numbers are called n"):
        ledger.quote(Quantity("n", "n", {0: 2.0}, "loss", Source(("r",), "f", "x")))


@pytest.mark.parametrize(
    "file",
    sorted(
        file
        for place in (PACKAGE.parent / "templates", compose.TEMPLATES)
        for file in place.rglob("*.html.j2")
    ),
    ids=lambda f: f.name,
)
def test_no_template_types_a_decimal_number(file: Path) -> None:
    """Every number of the text comes from a run."""
    text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", file.read_text(), flags=re.DOTALL)
    assert not re.search(r"\d[.,]\d|\d\s*%", text)


def test_hashes_of_two_data_sets_are_no_difference_between_runs(make_run: MakeRun, project: Project) -> None:
    """Each data set has the hashes of its own runs, and only two of the same set are told to differ."""
    horses, again, scenes = (
        make_run(0, title="Horses"),
        make_run(1, title="Horses"),
        make_run(2, title="Scenes"),
    )
    for run, data, digest in ((horses, "a", "1" * 64), (again, "a", "1" * 64), (scenes, "b", "2" * 64)):
        run.manifest["circumstances"]["data_sha256"] = digest
        run.manifest["key"]["what"]["data"]["fingerprint"] = data * 64
    runs = {"pool-upsample": [horses, again, scenes]}
    assert trace(runs).data_hashes == {"a" * 64: ("1" * 64,), "b" * 64: ("2" * 64,)}
    assert "(runs differ)" not in provenance_of(project, runs)
    again.manifest["circumstances"]["data_sha256"] = "3" * 64
    assert provenance_of(project, runs).count("(runs differ)") == 2


def test_memory_is_that_of_the_run_where_it_was_measured(make_run: MakeRun, project: Project) -> None:
    """The caption says whose memory it is; a GPU's stands beside it where a run used one."""
    runs = {"pool-upsample": [make_run(0), make_run(1)]}
    first, second = (run.manifest["circumstances"] for run in runs["pool-upsample"])
    first["peak_memory_of"] = "run"
    assert "earlier runs of that process included." in provenance_of(project, runs)
    second["peak_memory_of"] = "run"
    printed = provenance_of(project, runs)
    assert "the process\nwhile it computed the run." in printed
    assert "GPU" not in printed
    second["peak_gpu_memory_bytes"] = 5120 * 2**20
    printed = provenance_of(project, runs)
    assert "while it computed the run, and on a GPU also that of the tensors there." in printed
    first, second = re.findall(r"<td>([^<]*812.*?)</td>", printed)
    assert "GPU" not in first
    assert "; GPU 5120" in second


def provenance_of(project: Project, runs: dict[str, list[Run]]) -> str:
    """What the appendix says about the origin of a report."""
    made = whole(compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()))
    return made.partition('id="provenance"')[2].partition('id="verdicts"')[0]


def test_the_appendix_names_what_cut_the_typefaces_down(make_run: MakeRun, project: Project) -> None:
    """The subsetter is named where the build asked for it, and a page that nobody asked about is silent."""
    runs = {"pool-upsample": [make_run(0)]}
    loaded = outline.load(project, "a2-writeup")
    made = whole(compose.compose(project, loaded, runs, compose.Context(subsetter="fontTools")))
    assert "cut down to the characters used by fontTools." in made.partition('id="provenance"')[2]
    assert "cut down to" not in provenance_of(project, runs)


def test_a_report_is_composed_of_sections(make_run: MakeRun, project: Project) -> None:
    """Outputs other than the page find each section with its part, heading, label and finished text."""
    loaded = outline.load(project, "a2-writeup")
    made = compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context())
    write_up, supplement = made.documents
    (part,) = write_up.parts
    assert (part.id, part.title) == ("part-1", "Part A: Pooling and upsampling")
    printed = [(s.id, s.label, s.title) for s in part.sections]
    assert printed[:2] == [("a1", "A1", "A1. The network"), ("a2", "A2", "A2. Training and results")]
    assert [section.id for section in supplement.appendix] == ["provenance", "verdicts", "numbers"]
    assert [each.id for part in supplement.parts for each in part.sections] == ["a2more"]
    assert write_up.appendix == ()
    for document, sections in ((write_up, part.sections), (supplement, supplement.appendix)):
        assert all(text in document.page for text in (document.cover, *(s.html for s in sections)))
    assert 'class="ref short"' in part.sections[0].html
    lines = number_lines(supplement.page)
    assert len(lines) == sum(len(origin.entries) for origin in made.ledger.origins)


def test_a_project_may_have_its_own_shared_templates(tmp_path: Path) -> None:
    """What a project's folder has of the templates for every report is taken before the package's."""
    (tmp_path / compose.SHARED).mkdir()
    (tmp_path / compose.SHARED / "cover.html.j2").write_text("mine")
    render = templating.open_templates([tmp_path, compose.TEMPLATES], Ledger(), {"verdicts": []})
    assert render("shared/cover.html.j2") == "mine"
    assert "A claim holds where" in render("shared/verdicts.html.j2")


def test_the_name_of_a_class_is_marked_in_prose_alone(tmp_path: Path) -> None:
    """A hyphen would make another name of it; code, attributes and plain words stay as they are."""
    (tmp_path / "a.html.j2").write_text('<p title="UpNet">MaxNet and Max <code>MaxNet</code></p>')
    made = templating.open_templates([tmp_path], Ledger(), {})("a.html.j2")
    assert made == '<p title="UpNet"><span class="whole">MaxNet</span> and Max <code>MaxNet</code></p>'
