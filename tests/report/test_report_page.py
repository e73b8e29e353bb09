"""Templates and the text that comes out of them, true whatever the runs say."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_derivations import AUDIT, FORMULAS, MakeDerivation, audit_measures
from fake_runs import MakeRun
from printed import number_lines

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.page import compose, outline, templating
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.page.provenance import trace
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

GOOD = {"edge_share_predicted": 0.21, "colours_predicted": 19}
BAD_TABLE = {"grey_table_accuracy": 0.2}
SHARP = {"edge_share_predicted": 0.6, "colours_predicted": 24}


def text_of(project: Project, runs: Sequence[Run], *, smoke: bool = False) -> str:
    """Compose the write-up and return its words, without tags and line breaks."""
    loaded = outline.load(project, "a2-writeup")
    page_html = compose.compose(project, loaded, {"pool-upsample": runs}, compose.Context(smoke=smoke)).page
    body = page_html[page_html.index("<body>") :]
    words = html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)


def rendered(tmp_path: Path, template: str, ledger: Ledger | None = None, **values: object) -> str:
    """Render one template and fill in its references."""
    (tmp_path / "t.html.j2").write_text(template)
    kept = ledger or Ledger()
    return kept.resolve(templating.open_templates([tmp_path], kept, {})("t.html.j2", **values))


def test_good_runs_read_well(project: Project, make_run: MakeRun) -> None:
    """A net better than the table, but flat and dull, is told as such, with its means."""
    text = text_of(project, [make_run(n, measures=GOOD) for n in range(3)])
    assert (
        "Only in part. The net has learnt to colour, but its pictures have fewer edges and fewer colours"
        in text
    )
    assert "It ends at a validation loss of 1.591 ± 0.010" in text
    assert "The net beats the table by 9.6 ± 1.0 percentage points" in text
    assert "The predictions have fewer edges, by 23.0 percentage points:" in text
    assert "It uses fewer than the truth." in text
    assert (
        "The validation loss had not levelled off: it fell by 0.011 ± 0.000 from the 5 epochs before" in text
    )


def test_bad_runs_read_badly(project: Project, make_run: MakeRun) -> None:
    """With the order reversed, worse than the table and sharper than the truth, every claim is reversed."""
    runs = [make_run(n, accuracy=0.05, loss=(2.9, 3.4), train_loss=1.2, measures=SHARP) for n in range(3)]
    text = text_of(project, runs)
    assert "No. The net colours no better than one flat colour would." in text
    assert "The net does not beat the most frequent colour: its accuracy less that colour’s is −" in text
    assert "The net does not beat the table" in text
    assert "The predictions do not clearly lack edges." in text
    assert "It uses no fewer than the truth" in text
    assert "The net overfits: the validation loss ends 0.497 above its lowest value" in text
    assert "At the end the validation loss was rising: it rose by 0.01" in text
    assert "that is no better than one flat colour, which reaches 11.2 %." in text
    prose = text[: text.index("How the verdicts were reached")]
    assert not re.search("levelled off|learnt to colour|outweighs|better than a|by −", prose)


def fall(late: float, epochs: int = 10, end: float = 1.6) -> list[float]:
    """A validation loss that falls steeply, then by `late` from the last window but one to the last."""
    window = max(1, epochs // 5)
    early = [3.0] * (epochs - 2 * window)
    return early + [end + late] * window + [end] * window


LEVEL = "The validation loss had levelled off: it changed by only 0.00"
FALLING = "The validation loss had not levelled off: it fell by"
RISING = "At the end the validation loss was rising: it rose by"
OVERFITS = "The net overfits: the validation loss ends"
LIMITS = "Too few images are then hardly what holds the net back."
MOVEMENTS = (LEVEL, FALLING, RISING, OVERFITS, LIMITS, "though it was falling again", "a gap, not yet",
             "overfitting does not explain that", "do not decide whether at the end")  # fmt: skip


@pytest.mark.parametrize(
    ("curves", "train_loss", "said"),
    [
        ([fall(0.003)], 1.59, {LEVEL, LIMITS}),
        ([fall(-0.003)], 1.59, {LEVEL, LIMITS}),
        ([fall(0.003)], 1.2, {LEVEL, "a gap, not yet"}),
        ([fall(0.1)], 1.59, {FALLING}),
        ([fall(0.1)], 1.2, {FALLING, "a gap, not yet"}),
        ([fall(-0.3)], 1.2, {RISING, OVERFITS}),
        ([fall(-0.3)], 1.59, {RISING, "overfitting does not explain that"}),
        ([fall(-0.01)], 1.59, {RISING}),
        ([[3.0, 1.5, *fall(0.1, 8)]], 1.2, {FALLING, "though it was falling again"}),
        ([[3.0, 1.5, *[1.6] * 8]], 1.2, {LEVEL, OVERFITS}),
        ([fall(-0.3, 2)], 1.2, {RISING, OVERFITS}),
        ([fall(0.01), fall(-0.03)], 1.59, {"do not decide whether at the end"}),
        ([fall(0.1), fall(0.003)], 1.59, {"do not decide whether at the end"}),
        ([fall(-0.1), fall(-0.003)], 1.2, {"do not decide whether at the end"}),
    ],
)
def test_the_training_is_told_as_the_loss_moved(
    project: Project, make_run: MakeRun, curves: list[list[float]], train_loss: float, said: set[str]
) -> None:
    """Falling, level and rising exclude each other; a rise is overfitting only beside a gap."""
    text = text_of(project, [make_run(n, validation=c, train_loss=train_loss) for n, c in enumerate(curves)])
    assert {sentence for sentence in MOVEMENTS if sentence in text} == said
    assert not re.search("(?:fell|rose|changed|lower|higher|beats?[^.]*|fewer edges,) by (?:only )?−", text)


@pytest.mark.parametrize(
    ("epochs", "window"),
    [
        (2, "from the last epoch but one to the last."),
        (4, "from the last epoch but one to the last."),
        (9, "from the last epoch but one to the last."),
        (10, "from the 2 epochs before to the last 2."),
        (29, "from the 5 epochs before to the last 5."),
    ],
)
def test_the_window_of_a_late_change_is_named(
    project: Project, make_run: MakeRun, epochs: int, window: str
) -> None:
    """The text names over which epochs the loss was compared, also where they are few."""
    assert f"it fell by 0.100 {window}" in text_of(project, [make_run(validation=fall(0.1, epochs))])


def test_one_epoch_says_nothing_of_movement(project: Project, make_run: MakeRun) -> None:
    """A single epoch has no late change, neither in the text nor among the verdicts."""
    text = text_of(project, [make_run(validation=[2.0])])
    assert "1 pass over" in text
    assert "With a single epoch, nothing can be said about how the loss was moving." in text
    assert not any(sentence in text for sentence in MOVEMENTS)
    assert "the validation loss was falling" not in text


@pytest.mark.parametrize(
    ("accuracies", "lead", "summary"),
    [
        ((0.05,), "No. The net colours no better than one flat colour would (on", "no better than one flat"),
        ((0.10, 0.13), "Hardly. Over the seeds, the net cannot be told apart from one flat colour.",
         "cannot be told apart from one flat"),
        ((0.2,), "No. The net colours better than one flat colour, but no better", "no better than a plain"),
        ((0.31, 0.32), "Hardly. The net colours better than one flat colour, but over the seeds",
         "cannot be told apart from a plain"),
        ((0.4,), "Only in part. The net has learnt to colour", "better than a plain"),
    ],
)  # fmt: skip
def test_one_flat_colour_comes_first(
    project: Project, make_run: MakeRun, accuracies: tuple[float, ...], lead: str, summary: str
) -> None:
    """The judgement begins with the weakest rule that the net does not surely beat."""
    text = text_of(project, [make_run(n, accuracy=a) for n, a in enumerate(accuracies)])
    assert f"Do these results look good? {lead}" in text
    assert f"that is {summary}" in text or f"that {summary}" in text


def test_a_flat_colour_better_than_the_table_is_no_reason_for_praise(
    project: Project, make_run: MakeRun
) -> None:
    """A net between a poor table and the flat colour is not praised for beating the table."""
    text = text_of(project, [make_run(accuracy=0.3, measures={"frequent_accuracy": 0.35, **BAD_TABLE})])
    assert "Do these results look good? No. The net colours no better than one flat colour" in text
    assert "The net beats the table by 10.0 percentage points." in text
    assert not re.search("learnt to colour|outweighs", text)


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        (0.439, "do not clearly lack edges"),
        (0.45, "do not clearly lack edges"),
        (0.42, "fewer edges, by 2.0"),
    ],
)
def test_a_tiny_lack_of_edges_is_none(
    project: Project, make_run: MakeRun, predicted: float, said: str
) -> None:
    """A tenth of a point makes no patches of one colour."""
    text = text_of(project, [make_run(measures={"edge_share_predicted": predicted})])
    assert f"The predictions {'have ' if 'fewer' in said else ''}{said}" in text
    assert ("patches of one colour" in text) == (predicted < 0.43)


def test_colours_are_counted_not_compared(project: Project, make_run: MakeRun) -> None:
    """As many colours may still be other ones, so the text speaks of their number only."""
    text = text_of(project, [make_run(measures={"colours_predicted": 24})])
    assert "It uses no fewer than the truth" in text
    assert not re.search("leaves (?:none|some) out", text)


def test_results_that_round_alike_make_no_range(project: Project, make_run: MakeRun) -> None:
    """Where the seeds differ by less than is printed, one number stands for them."""
    curve = [2.0, 1.6]
    # A fake run's seed shifts its results; that is taken back here, but for a trace.
    alike = [
        make_run(n, accuracy=0.4 + 0.0041 * n, validation=[x - 0.0041 * n for x in curve]) for n in range(2)
    ]
    text = text_of(project, alike)
    assert "Over the seeds, the accuracy is 40.0 % and the loss 1.600; a difference" in text
    text = text_of(project, [make_run(n) for n in range(2, 4)])
    assert "Over the seeds, the accuracy is 40.0 to 40.4 % and the loss 1.595 to 1.599; a difference" in text


def test_the_words_for_the_curves_fit_the_number_of_seeds(project: Project, make_run: MakeRun) -> None:
    """A figure of one seed has no mean to describe."""
    loaded = outline.load(project, "a2-writeup")
    for seeds, there in ((1, False), (2, True)):
        runs = {"pool-upsample": [make_run(n) for n in range(seeds)]}
        made = compose.compose(project, loaded, runs, compose.Context()).page
        assert ("a thick one for their mean" in made) == there


def test_seeds_that_disagree_leave_it_open(project: Project, make_run: MakeRun) -> None:
    """Where the interval contains the threshold, the text does not take sides."""
    text = text_of(project, [make_run(n, accuracy=a) for n, a in enumerate((0.36, 0.28, 0.33))])
    assert "but over the seeds it cannot be told apart from a method that does not look" in text
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
    assert len(captions) == 5


def test_real_data_are_not_marked(project: Project, make_run: MakeRun) -> None:
    """Runs on the real data carry no badge."""
    text = text_of(project, [make_run(stand_in=False, title="CIFAR-10 horses")])
    assert "stand-in" not in text.lower()
    assert "Data: CIFAR-10 horses." in text


def test_a_section_without_runs_is_left_out_and_named(project: Project, make_run: MakeRun) -> None:
    """What could not be answered is named on the cover, not passed over."""
    loaded = outline.load(project, "a2-writeup")
    made = compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context()).page
    left_out = re.search(r"<strong>Left out.</strong> This build has no runs for: (.*?)\.</p>", made)
    assert left_out is not None
    titles = {s.id: s.title for s in loaded.sections if s.id not in ("a1", "a2") and not s.beyond}
    assert left_out.group(1).split("; ") == list(titles.values())
    assert not re.search(f' id="({"|".join(titles)})"', made)
    assert 'id="a1"' in made


def test_a_report_without_runs_is_refused(project: Project) -> None:
    """No runs, no report."""
    with pytest.raises(UsageError, match="there are no runs for the report a2-writeup"):
        compose.compose(project, outline.load(project, "a2-writeup"), {}, compose.Context())


def test_every_number_leads_to_its_origin(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """Each linked number has its line, below file and runs that are there."""
    runs = {
        "pool-upsample": [make_run(n) for n in range(2)],
        FORMULAS: [make_derivation()],
        AUDIT: [make_derivation(audit_measures(), AUDIT)],
    }
    made = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()).page
    assert set(re.findall(r'href="#([^"]+)"', made)) <= set(re.findall(r' id="([^"]+)"', made))
    rows = number_lines(made)
    assert len(rows) > 60
    origin = r"(#run-1.*#run-2|#run-3|#run-4).*(history|measures|manifest)\.json"
    assert all(re.search(origin, row, re.DOTALL) for row in rows)


def test_text_from_outside_is_escaped(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """A data set's name or a source that looks like HTML stays text."""
    run = make_run(title='<img src="http://example.org/x.png" alt="x">')
    runs = {"pool-upsample": [run], FORMULAS: [make_derivation()]}
    made = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()).page
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


def provenance_of(project: Project, runs: dict[str, list[Run]]) -> str:
    """What the appendix says about the origin of a report."""
    made = compose.compose(project, outline.load(project, "a2-writeup"), runs, compose.Context()).page
    return made.partition('id="provenance"')[2].partition('id="verdicts"')[0]


def test_the_appendix_names_what_cut_the_typefaces_down(make_run: MakeRun, project: Project) -> None:
    """The subsetter is named where the build asked for it, and a page that nobody asked about is silent."""
    runs = {"pool-upsample": [make_run(0)]}
    loaded = outline.load(project, "a2-writeup")
    made = compose.compose(project, loaded, runs, compose.Context(subsetter="fontTools")).page
    assert "cut down to the characters used by fontTools." in made.partition('id="provenance"')[2]
    assert "cut down to" not in provenance_of(project, runs)


def test_a_report_is_composed_of_sections(make_run: MakeRun, project: Project) -> None:
    """Outputs other than the page find each section with its part, heading, label and finished text."""
    loaded = outline.load(project, "a2-writeup")
    made = compose.compose(project, loaded, {"pool-upsample": [make_run()]}, compose.Context())
    (part,) = made.parts
    assert (part.id, part.title) == ("part-1", "Part A: Pooling and upsampling")
    assert [(s.id, s.label, s.title) for s in part.sections] == [
        ("a1", "A1", "A1. The network"),
        ("a2", "A2", "A2. Training and results"),
    ]
    assert [section.id for section in made.appendix] == ["provenance", "verdicts", "numbers"]
    texts = [made.cover, *(section.html for section in (*part.sections, *made.appendix))]
    assert all(text in made.page for text in texts)
    assert 'class="ref"' in part.sections[0].html
    assert len(number_lines(made.page)) == sum(len(origin.entries) for origin in made.ledger.origins)


def test_a_project_may_have_its_own_shared_templates(tmp_path: Path) -> None:
    """What a project's folder has of the templates for every report is taken before the package's."""
    (tmp_path / compose.SHARED).mkdir()
    (tmp_path / compose.SHARED / "cover.html.j2").write_text("mine")
    render = templating.open_templates([tmp_path, compose.TEMPLATES], Ledger(), {"verdicts": []})
    assert render("shared/cover.html.j2") == "mine"
    assert "A verdict of the text" in render("shared/verdicts.html.j2")
