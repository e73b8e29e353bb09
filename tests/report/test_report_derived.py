"""Formulas that were derived and proved: read from their runs, and told as they came out."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from composed import bodies, prose_of, whole
from fake_derivations import (
    AUDIT,
    FORMULAS,
    MakeDerivation,
    audit_measures,
    derived_measures,
    finding,
    layer,
    layers,
)
from fake_runs import MakeRun
from printed import number_lines
from sentences import outcomes

from cnnreport.errors import UsageError
from cnnreport.project import Project
from cnnreport.report.draw import architecture
from cnnreport.report.page import compose, outline
from cnnreport.report.say.formulas import audits, derived, doubling
from cnnreport.runs.artefact import Run


def composed(project: Project, **runs: Run) -> str:
    """Compose the write-up from one run of some experiments; underscores stand for hyphens."""
    loaded = outline.load(project, "a2-writeup")
    told = {name.replace("_", "-"): [run] for name, run in runs.items()}
    return whole(compose.compose(project, loaded, told, compose.Context()))


def words_of(made: str) -> str:
    """Return the words of a page; a formula is told by what a screen reader is given."""
    body = re.sub(r'<span [^>]*role="math" aria-label="([^"]*)">.*?</span>', r" \1 ", bodies(made))
    body = re.sub(r'<img[^>]* alt="([^"]*)"[^>]*>', r" \1 ", body)
    body = re.sub(r"<br>|</t[dh]>|</div>", " ", body)
    words = html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words)


def told(project: Project, make: MakeDerivation, **chosen: Any) -> str:
    """Return the words of A3 for some measures."""
    return words_of(composed(project, pool_upsample_formulas=make(derived_measures(**chosen))))


def test_letters_come_in_the_order_of_the_spec(make_derivation: MakeDerivation) -> None:
    """Measures are sorted by name, people think of channels first and of the kernel last."""
    found = derived.derivation(make_derivation())
    assert [letter.name for letter in found.proof.letters] == ["NIC", "NF", "NC", "k"]
    assert found.proof.combinations.mean == 90


def test_the_six_values_are_those_of_the_convention_in_use(make_derivation: MakeDerivation) -> None:
    """Of all totals, the three in use are taken by their names."""
    found = derived.derivation(make_derivation())
    assert [(total.quantity, total.name) for total in found.six] == [
        ("weights", "learnable"),
        ("outputs", "layers"),
        ("connections", "layers"),
    ]


def test_a_convention_that_is_not_there_is_named(make_derivation: MakeDerivation) -> None:
    """A report that asks for another convention is told which there are."""
    found = derived.derivation(make_derivation())
    with pytest.raises(
        UsageError, match="no outputs under 'pixels'; choose from: layers, with normalisation"
    ):
        found.total("outputs", "pixels")


@pytest.mark.parametrize(
    "measures", [{"net": "N"}, {"validation_images": 200}, derived_measures(layers=[{"path": "a"}])]
)
def test_foreign_measures_are_refused(make_derivation: MakeDerivation, measures: dict[str, Any]) -> None:
    """A run of another kind, or of an older version, is named with its folder and what to do."""
    run = make_derivation(measures)
    with pytest.raises(UsageError, match=rf"{run.folder.name} does not fit .* has no .*run the exper"):
        derived.derivation(run)
    with pytest.raises(UsageError, match=rf"{run.folder.name} does not fit .* has no .*run the exper"):
        audits.audit(run)


def test_the_architecture_in_words_follows_the_modules(make_derivation: MakeDerivation) -> None:
    """The alternative text of a drawing says modules, layers and shapes, and where a tensor skips layers."""
    skip = [*layers(), layer("cat", "concatenation", [-1, 2])]
    found = derived.derivation(make_derivation(derived_measures(layers=skip)))
    assert found.described() == (
        "Input NIC × 32 × 32; down: Convolution, Pooling, Activation, giving NF × 16 × 16; "
        "logits: Convolution, giving NF × 16 × 16; "
        "cat: Concatenation of the input and down, giving NF × 16 × 16."
    )


def test_boxes_are_grouped_by_module(make_derivation: MakeDerivation) -> None:
    """Layers of one module touch in a drawing, one of the net itself stands alone; it can be drawn."""
    boxes = derived.derivation(make_derivation()).boxes()
    assert [box.group for box in boxes] == ["down", "down", "down", ""]
    assert architecture.draw(boxes, "NIC × 32 × 32", "a net").alt == "a net"


def test_what_never_runs_is_neither_drawn_nor_ticked(
    project: Project, make_derivation: MakeDerivation
) -> None:
    """A parameter that the forward pass never touches has a row, but no box and no tick."""
    unused = {**layer("spare", "unused", []), "output": {"text": "", "latex": "", "words": ""}}
    run = make_derivation(derived_measures(layers=[*layers(), unused]))
    assert len(derived.derivation(run).boxes()) == 4
    words = words_of(composed(project, pool_upsample_formulas=run))
    assert words.count("✓ 180") == 4
    assert "spare Unused – – – –" in words


def test_a_layer_that_counts_nothing_stays_quiet(project: Project, make_derivation: MakeDerivation) -> None:
    """Its zeros are dashes and its row is grey, but it is there, and proved."""
    made = composed(project, pool_upsample_formulas=make_derivation())
    assert made.count('<tr class="still">') == 1
    words = words_of(made)
    assert "down.2 Activation NF by 16 by 16 NF by 16 by 16 – – –" in words
    assert "Verified on 180 points." in words
    assert "✓ 180" not in words


def test_the_six_values_are_numbered_equations(project: Project, make_derivation: MakeDerivation) -> None:
    """Each value stands once for each size, in order, with a number of its own."""
    words = told(project, make_derivation)
    box = words[words.index("The six values: weights") : words.index("The six values as numbers")]
    names = {"weights": "learnable", "outputs": "layers", "connections": "layers"}
    both = [(size, quantity) for size in ("original", "doubled") for quantity in names]
    for number, (size, quantity) in enumerate(both, 1):
        assert f"{quantity} {size} {quantity} under {names[quantity]} ({number})" in box


def decided(make: MakeDerivation, **factors: int | None) -> list[str]:
    """Return what is decided of weights, outputs and connections for these factors."""
    six = derived.derivation(make(derived_measures(factors=factors))).six
    return [decision.outcome for decision in doubling.doubling(six).values()]


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({}, ["unchanged", "area", "as_outputs"]),
        ({"weights": 3, "outputs": 2, "connections": 5}, ["scaled", "otherwise", "otherwise"]),
        ({"outputs": 2, "connections": 2}, ["unchanged", "otherwise", "as_outputs"]),
        ({"outputs": 1, "connections": 1}, ["unchanged", "unchanged", "unchanged"]),
        (dict.fromkeys(("weights", "outputs", "connections")), ["varies", "varies", "varies"]),
    ],
)
def test_what_doubling_changes_is_decided_by_the_factors(
    make_derivation: MakeDerivation, factors: dict[str, int | None], expected: list[str]
) -> None:
    """One, four, another factor or none: each is an outcome of its own."""
    assert decided(make_derivation, **factors) == expected


@pytest.mark.parametrize(
    ("loose", "outcome"),
    [
        ((), "none"),
        (("layers, without padding",), "padding"),
        (("layers, normalisation all to all",), "pairs"),
        (("layers, without padding", "layers, normalisation all to all"), "padding_and_pairs"),
        (("kernels",), "others"),
    ],
)
def test_a_missing_factor_has_the_reason_of_its_convention(
    make_derivation: MakeDerivation, loose: tuple[str, ...], outcome: str
) -> None:
    """Only conventions without a fixed factor are given a reason for it, each its own."""
    found = derived.derivation(make_derivation(derived_measures(loose=loose)))
    assert doubling.loose(found.totals).outcome == outcome


def test_a3_as_it_came_out(
    project: Project, make_derivation: MakeDerivation, golden: Callable[[str, str], None]
) -> None:
    """The six values, what doubling changes, the proof and its limits, as the derivation has them."""

    def told(measures: dict[str, Any]) -> str:
        return prose_of(project, [make_derivation(measures)], "a3", "a3more")

    grid = {"NC": [1, 2, 3], "NF": [1, 2, 3], "NIC": [1, 2, 3, 4], "k": [1, 2, 3, 4, 5]}
    limitless = derived_measures(grid=grid)
    limitless["proof"]["largest_kernel"] = None
    unpadded, all_to_all = "layers, without padding", "layers, normalisation all to all"
    others = {
        "other factors": derived_measures(factors={"weights": 3, "outputs": 2, "connections": 5}),
        "no factors": derived_measures(factors=dict.fromkeys(("weights", "outputs", "connections"))),
        "nothing changes": derived_measures(factors={"outputs": 1, "connections": 1}),
        "no factor without padding": derived_measures(loose=(unpadded,)),
        "no factor all to all": derived_measures(loose=(all_to_all,)),
        "no factor in both": derived_measures(loose=(unpadded, all_to_all)),
        "no factor elsewhere": derived_measures(loose=("kernels",)),
        "a proof without limits": limitless,
    }
    usual = told(derived_measures())
    golden("a3", usual)
    golden("a3-outcomes", outcomes(usual, {what: told(measures) for what, measures in others.items()}))
    assert not re.search("odd|kernel sizes up to", told(limitless))


def test_captions_name_the_run_and_no_data(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """A derivation has no data to name; its tables and its drawing lead to the row of its run."""
    made = composed(project, pool_upsample=make_run(), pool_upsample_formulas=make_derivation())
    captions = re.findall(r"<(?:fig)?caption>.*?</(?:fig)?caption>", made, flags=re.DOTALL)
    named = [
        caption
        for caption in captions
        if re.search('Run:&nbsp;<a class="ref" href="(?:a2-supplement.html)?#run-2">R2</a>', caption)
    ]
    assert len(named) == 6
    assert not any("Data:" in caption for caption in named)


def test_a_report_of_derivations_alone_speaks_of_no_data(
    project: Project, make_derivation: MakeDerivation
) -> None:
    """Without training there is no data set, and nothing refers to a section that was left out."""
    runs = {FORMULAS: make_derivation(), AUDIT: make_derivation(audit_measures(), AUDIT)}
    made = composed(project, **{name.replace("-", "_"): run for name, run in runs.items()})
    words = words_of(made)
    assert "This build has no runs for what is not ticked below." in words
    assert not re.search("Data |Fingerprint|stand-in", words)
    assert re.search("R1 pool-upsample-formulas, 0 [0-9a-f]{16} .*? exact", words)


def test_every_formula_has_words(
    project: Project, make_run: MakeRun, make_derivation: MakeDerivation
) -> None:
    """No picture of the report, formulas and shapes included, goes without its alternative text."""
    made = composed(
        project,
        pool_upsample=make_run(),
        pool_upsample_formulas=make_derivation(),
        handwritten_answer=make_derivation(audit_measures((0, 4)), AUDIT),
    )
    pictures = re.findall(r"<img [^>]*>", made)
    assert len(pictures) > 5
    assert all(re.search(r' alt="[^"]+"', picture) for picture in pictures)
    spoken = re.findall(r"<[^>]* role=\"math\"[^>]*>", made)
    assert len(spoken) > 30
    assert all(re.search(r' aria-label="[^"]+"', formula) for formula in spoken)


def test_a_number_of_a_derivation_leads_to_its_field(
    project: Project, make_derivation: MakeDerivation
) -> None:
    """The appendix names file, field and run of each number."""
    made = composed(project, pool_upsample_formulas=make_derivation())
    rows = number_lines(made)
    assert len(rows) > 30
    assert all("measures.json" in row and "#run-1" in row for row in rows)
    assert any("totals / weights / learnable / value</p>" in row for row in rows)


def test_a_hand_written_formula_is_escaped(project: Project, make_derivation: MakeDerivation) -> None:
    """Whatever was written stays text."""
    measures = audit_measures(findings=[finding("weights", "original", claimed="<b>NF</b> & 1")])
    made = composed(project, handwritten_answer=make_derivation(measures, AUDIT))
    assert "&lt;b&gt;NF&lt;/b&gt; &amp; 1" in made


def test_conventions_of_an_audit_are_told_once(make_derivation: MakeDerivation) -> None:
    """Both sizes are judged by one convention of each count, which is explained once."""
    found = audits.audit(make_derivation(audit_measures(), AUDIT))
    assert [quantity for quantity, _, _ in found.conventions] == ["weights", "outputs", "connections"]
