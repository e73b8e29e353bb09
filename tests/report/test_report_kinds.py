"""Fakes and declarations, and a training of a kind that no module of the report half knows."""

from pathlib import Path
from typing import Any

import pytest
from fake_derivations import audit_measures, comparison_measures, derived_measures
from fake_segmentations import fake_tuning

from cnnreport.errors import UsageError
from cnnreport.kinds import kind as kinds
from cnnreport.kinds.kind import Kind, Recorded
from cnnreport.report.draw import figure
from cnnreport.report.say import training
from cnnreport.report.say.versus import versus
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

READING = Kind(
    "reading",
    (
        Recorded("rate", "learning rate", "number", "spec", "learning_rate"),
        Recorded("loss", "validation loss", "loss", "history", "nll", axis="loss (nats)"),
        Recorded("words", "words right", "share", "history", "words_right", axis="words right (%)",
                 best="highest"),
        Recorded("train_words", "words right, training", "share", "history"),
        Recorded("errors", "errors a page", "ratio", "history", best="lowest"),
        Recorded("pages", "pages", "count", "measures", of_data=True),
    ),
    texts=("alphabet",),
    table=("words", "words_best", "loss"),
)  # fmt: skip
"""A kind whose loss has no counterpart of the training data."""


class ReadingRun(Run):
    """A run that lies in no folder and is of a kind that this file declares."""

    kind = READING


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """A function that returns a run with the words right and the errors of each epoch."""

    def make(seed: int, words: list[float], errors: list[float]) -> Run:
        like = fake_tuning(tmp_path, seed)
        rows = [
            {"nll": 2.0 - right, "words_right": right, "train_words": right + 0.1, "errors": wrong}
            for right, wrong in zip(words, errors, strict=True)
        ]
        return ReadingRun(like.folder, like.manifest, rows, {"pages": 7, "alphabet": "Latin"}, {})

    return make


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("FORMULAS", derived_measures()),
        ("AUDIT", audit_measures()),
        ("COMPARISON", comparison_measures()),
    ],
)
def test_fake_derivations_leave_what_real_ones_do(name: str, measures: dict[str, Any]) -> None:
    """Their measures have the declared names; fakes of trainings are held against theirs when made."""
    declared = kinds.load(f"cnnreport.kinds.derivation:{name}")
    assert set(measures) == set(declared.declared("measures"))


def test_a_training_of_any_kind_is_read_from_its_declaration(read: Any) -> None:
    """Settings, last and best epochs, measures and table rows have the names and meanings that it gives."""
    answer = training.training(
        [read(0, [0.2, 0.7, 0.6], [9.0, 4.0, 5.0]), read(1, [0.2, 0.5, 0.8], [9, 8, 3])]
    )
    values = answer.values
    assert values["words"].values == {0: 0.6, 1: 0.8}
    assert values["words_best"].values == {0: 0.7, 1: 0.8}
    assert values["words_epoch"].values == {0: 2, 1: 3}
    assert values["errors_best"].values == {0: 4.0, 1: 3.0}
    assert values["errors_epoch"].meaning == "epoch of the best errors a page"
    assert values["rate"].mean == 0.05
    assert values["pages"].text == "7"
    assert values["first_loss"].values == {0: 1.8, 1: 1.8}
    assert [row.meaning for row in answer.tables["final"].rows] == [
        "words right", "words right, best epoch", "validation loss",
    ]  # fmt: skip
    assert answer.facts["several"]
    assert training.text([read(0, [0.1], [1.0])], "alphabet") == "Latin"


def test_what_a_kind_does_not_record_is_not_judged(read: Any) -> None:
    """Without a training loss there is no gap, without a number of epochs no movement."""
    answer = training.training([read(0, [0.2, 0.7], [9.0, 4.0])])
    assert "gap" not in answer.values
    assert answer.verdicts == {}


def test_curves_have_the_counterparts_that_are_recorded(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has an axis is drawn, with the training data where the kind records them."""
    drawn: dict[str, Any] = {}
    original = figure.curves

    def watch(curves: Any, y_label: str, *rest: Any, **options: Any) -> Any:
        drawn[y_label] = ([curve.label for curve in curves], options)
        return original(curves, y_label, *rest, **options)

    monkeypatch.setattr(figure, "curves", watch)
    runs = [read(0, [0.2, 0.7], [9.0, 4.0])]
    pictures = training.plots(runs, training.numbers(runs), {"loss": "surprise (nats)"})
    assert drawn == {
        "surprise (nats)": (["validation"], {"per_cent": False}),
        "words right (%)": (["training", "validation"], {"per_cent": True}),
    }
    assert pictures["loss"].alt == "Curves of the surprise over the epochs. At the end 1.300 for validation."
    assert pictures["words"].alt.endswith("At the end 70.0 % for validation, 80.0 % for training.")


def test_any_two_trainings_of_a_kind_are_compared(read: Any) -> None:
    """By the names that the caller gives, the first of which decides what the facts say."""
    left = [read(seed, [0.2, 0.8 + seed / 100], [9.0, 3.0]) for seed in range(3)]
    right = [read(seed, [0.2, 0.5 + seed / 90], [9.0, 3.0]) for seed in range(3)]
    answer = versus(left, right, ("words", "errors"), "A", "B")
    assert answer.contrasts["words"].higher
    assert answer.contrasts["errors"].open
    assert answer.facts == {"left": "A", "right": "B", "several": True, "all_lost": False}


def test_one_run_is_judged_by_what_seeds_make(read: Any) -> None:
    """Against several runs of the other training, by where one more of these would lie."""
    left = [read(0, [0.2, 0.9], [9.0, 3.0])]
    right = [read(seed, [0.2, 0.5 + seed / 50], [9.0, 3.0]) for seed in range(3)]
    answer = versus(left, right, ("words",), "A", "B")
    assert answer.contrasts["words"].higher
    assert (answer.contrasts["words"].basis, answer.facts["several"]) == ("predicted", False)


def test_a_table_has_a_row_for_each_training(read: Any) -> None:
    """Any declared number can be a column."""
    rows = {"long": [read(0, [0.2, 0.7], [9.0, 4.0])], "short": [read(0, [0.2], [9.0])]}
    grid = training.side_by_side(rows, {"words": "words", "pages": "pages"}, "training")
    assert grid.columns == ("training", "words", "pages")
    assert [[str(cell) if isinstance(cell, str) else cell.text for cell in row] for row in grid.rows] == [
        ["long", "70.0\u00a0%", "7"],
        ["short", "20.0\u00a0%", "7"],
    ]


def test_a_run_of_an_earlier_version_is_named(tmp_path: Path) -> None:
    """A run that does not say of which kind it is cannot be read, and the reader is told what to do."""
    run = fake_tuning(tmp_path)
    del run.manifest["circumstances"]["kind"]
    with pytest.raises(UsageError, match="does not say of which kind it is; run the experiment again"):
        training.numbers([run])
