"""Templates and the text that comes out of them, true whatever the runs say."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_runs import MakeRun

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report import compose, outline, page
from cnnreport.report.ledger import Ledger
from cnnreport.report.quantity import Quantity, Source
from cnnreport.runs.artefact import Run

GOOD = {"edge_share_predicted": 0.21, "colours_predicted": 19}
SHARP = {"edge_share_predicted": 0.6, "colours_predicted": 24}


def text_of(project: Project, runs: Sequence[Run], *, smoke: bool = False) -> str:
    """Compose the write-up and return its words, without tags and line breaks."""
    loaded = outline.load(project, "a2-writeup")
    page_html = compose.compose(project, loaded, {"pool-upsample": runs}, compose.Context(smoke=smoke))
    body = page_html[page_html.index("<body>") :]
    words = html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)


def rendered(tmp_path: Path, template: str, ledger: Ledger | None = None, **values: object) -> str:
    """Render one template and fill in its references."""
    (tmp_path / "t.html.j2").write_text(template)
    kept = ledger or Ledger()
    return kept.resolve(page.open_templates([tmp_path], kept, {})("t.html.j2", **values))


def test_good_runs_read_well(project: Project, make_run: MakeRun) -> None:
    """A net better than the table, but flat and dull, is told as such, with its means."""
    text = text_of(project, [make_run(n, measures=GOOD) for n in range(3)])
    assert "Only in part. The net has learnt to colour, but its pictures are flatter and duller" in text
    assert "It ends at a validation loss of 1.591 ± 0.010" in text
    assert "The net beats it by 9.6 ± 1.0 percentage points" in text
    assert "The validation loss was still falling at the end" in text


def test_bad_runs_read_badly(project: Project, make_run: MakeRun) -> None:
    """With the order reversed, worse than the table and sharper than the truth, every claim is reversed."""
    runs = [make_run(n, accuracy=0.05, loss=(2.9, 3.4), train_loss=1.2, measures=SHARP) for n in range(3)]
    text = text_of(project, runs)
    assert "No. The net colours no better than a method that does not look at shapes at all." in text
    assert "It does not even beat the most frequent colour." in text
    assert "The predictions do not lack edges." in text
    assert "It leaves none out" in text
    assert "The net overfits: the validation loss has risen by" in text
    assert "it even rose by" in text
    assert "that is no better than a plain table" in text
    assert "still falling" not in text[: text.index("How the verdicts were reached")]


def test_seeds_that_disagree_leave_it_open(project: Project, make_run: MakeRun) -> None:
    """Where the interval contains the threshold, the text does not take sides."""
    text = text_of(project, [make_run(0, accuracy=0.36), make_run(1, accuracy=0.28)])
    assert "Hardly. Over the seeds, the net cannot be told apart" in text
    assert "that cannot be told apart from a plain table" in text


def test_one_seed_says_so(project: Project, make_run: MakeRun) -> None:
    """A single run claims no spread."""
    text = text_of(project, [make_run()])
    assert "There is a single run" in text
    assert "(on the one run there is)" in text
    assert "With one finished run the spread over seeds is not known" in text


def test_a_diverged_run_is_told(project: Project, make_run: MakeRun) -> None:
    """One diverged run is named and left out of the means; the others still speak."""
    text = text_of(project, [make_run(0), make_run(1, diverged=True), make_run(2)])
    assert "Not every run came through: seed 1 diverged." in text
    assert "(over 2 of 3 seeds)" in text


def test_all_diverged_is_told(project: Project, make_run: MakeRun) -> None:
    """Where nothing came through, the report says that and judges nothing."""
    text = text_of(project, [make_run(n, diverged=True) for n in range(2)])
    assert "No. Every run diverged" in text
    assert "Every run of PoolUpsampleNet diverged, so this report has no result to show." in text
    assert "Against simple rules" not in text


def test_stand_in_smoke_and_imported_are_marked(project: Project, make_run: MakeRun) -> None:
    """The cover says what a reader must not overlook; every caption that depends on data marks them."""
    text = text_of(project, [make_run(imported=True)], smoke=True)
    assert "Stand-in data." in text
    assert "Smoke build." in text
    assert "Runs made elsewhere." in text
    assert "imported 2026-11-20 from gpu-runs.zip" in text
    captions = re.findall(r"(?:Figure|Table) \d\..*?Data: Meadow stand-in", text)
    assert len(captions) == 4


def test_real_data_are_not_marked(project: Project, make_run: MakeRun) -> None:
    """Runs on the real data carry no badge."""
    text = text_of(project, [make_run(stand_in=False, title="CIFAR-10 horses")])
    assert "stand-in" not in text.lower()
    assert "Data: CIFAR-10 horses." in text


def test_a_section_without_runs_is_left_out_and_named(project: Project, make_run: MakeRun) -> None:
    """What could not be answered is named on the cover, not passed over."""
    loaded = outline.load(project, "a2-writeup")
    section = outline.Section("b2", "B2. Transposed", "Part B", "a3.html.j2", ("conv-transpose",))
    longer = outline.Outline(**{**vars(loaded), "sections": (*loaded.sections, section)})
    made = compose.compose(project, longer, {"pool-upsample": [make_run()]}, compose.Context())
    assert "<strong>Left out.</strong> This build has no runs for: B2. Transposed." in made
    assert 'id="b2"' not in made


def test_a_report_without_runs_is_refused(project: Project) -> None:
    """No runs, no report."""
    with pytest.raises(UsageError, match="there are no runs for the report a2-writeup"):
        compose.compose(project, outline.load(project, "a2-writeup"), {}, compose.Context())


def test_every_number_leads_to_its_origin(project: Project, make_run: MakeRun) -> None:
    """Each linked number has its row, and each row names file, field and runs that are there."""
    runs = [make_run(n) for n in range(2)]
    loaded = outline.load(project, "a2-writeup")
    made = compose.compose(project, loaded, {"pool-upsample": runs}, compose.Context())
    assert set(re.findall(r'href="#([^"]+)"', made)) <= set(re.findall(r' id="([^"]+)"', made))
    rows = re.findall(r'<tr id="number-\d+">.*?</tr>', made, flags=re.DOTALL)
    assert len(rows) > 20
    assert all(
        re.search(r"(history|measures|manifest)\.json.*#run-1.*#run-2", row, re.DOTALL) for row in rows
    )


def test_text_from_outside_is_escaped(project: Project, make_run: MakeRun) -> None:
    """A data set's name or a source that looks like HTML stays text."""
    runs = [make_run(title='<img src="http://example.org/x.png" alt="x">')]
    made = compose.compose(
        project, outline.load(project, "a2-writeup"), {"pool-upsample": runs}, compose.Context()
    )
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


def test_a_bare_number_is_refused(tmp_path: Path) -> None:
    """Numbers enter the text only as quantities with an origin."""
    with pytest.raises(UsageError, match=r"t.html.j2:1: the bare value 0.5 was printed"):
        rendered(tmp_path, "{{ value }}", value=0.5)


def test_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    """A text cannot point at a figure that is not there."""
    with pytest.raises(UsageError, match="refers to 'fig-x', which is not there; places: fig-y"):
        rendered(tmp_path, '{{ ref("fig-x") }}{{ "" if place("Figure", "fig-y") }}{% if false %}{% endif %}')


def test_references_may_point_ahead(tmp_path: Path) -> None:
    """A figure is numbered where it stands, and known before."""
    made = rendered(tmp_path, '{{ ref("b") }}: {{ place("Figure", "a") }}, {{ place("Figure", "b") }}')
    assert made == '<a class="ref" href="#b">Figure 2</a>: Figure 1, Figure 2'


def test_one_name_is_one_number(tmp_path: Path) -> None:
    """Two different numbers under one name would share one row, so they are refused."""
    ledger = Ledger()
    ledger.quote(Quantity("n", "n", {0: 1.0}, "loss", Source(("r",), "f", "x")))
    with pytest.raises(UsageError, match="two different numbers are called n"):
        ledger.quote(Quantity("n", "n", {0: 2.0}, "loss", Source(("r",), "f", "x")))


@pytest.mark.parametrize(
    "file", sorted((PACKAGE.parent / "templates").glob("*/*.html.j2")), ids=lambda f: f.name
)
def test_no_template_types_a_decimal_number(file: Path) -> None:
    """Every number of the text comes from a run."""
    text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", file.read_text(), flags=re.DOTALL)
    assert not re.search(r"\d[.,]\d|\d\s*%", text)
