"""What answers make of contrasts and trends, and how their tables print them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from composed import read_as_prose
from fake_runs import MakeRun
from fake_trainings import SIZES, better, sweep_runs, worse

from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.images import over_images
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.numbers.trend import Trend, trend
from cnnreport.report.page import compose, templating
from cnnreport.report.page.ledger import Ledger
from cnnreport.report.say import colourization
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")


def quantity(name: str, *values: float, form: Any = "loss") -> Quantity:
    """Return a number with a value for each seed."""
    return Quantity(name, name, dict(enumerate(values)), form, Source(("r",), "f", "x"))


def by_size(runs: Sequence[Run]) -> list[list[Run]]:
    """Return runs in groups of one batch size each."""
    return [[run for run in runs if run.spec["batch_size"] == size] for size in SIZES]


# Answers


def test_a_comparison_is_told_for_new_images_too(make_run: MakeRun) -> None:
    """From what runs keep of each image, with the loss as the primary measure again."""
    left, right = better(make_run, "conv-transpose"), worse(make_run, "pool-upsample")
    c = colourization.versus(left, right).contrasts
    kept = [reading.of_images(runs, "image_loss") for runs in (left, right)]
    assert kept[0] is not None
    assert kept[1] is not None
    wider = over_images(kept[0], kept[1])
    assert (c["loss_images"].basis, c["loss_images"].role, c["loss_images"].outcome) == (
        "images",
        "primary",
        "lower",
    )
    assert c["loss_images"].difference.half_width == pytest.approx(wider.half_width)
    assert c["accuracy_images"].role == "secondary"


@pytest.mark.parametrize("primary", [(), ("loss", "accuracy")])
def test_new_images_are_judged_with_the_same_measure_and_never_clearer(
    make_run: MakeRun, primary: Sequence[str]
) -> None:
    """They have its role and a p that is no smaller, in one family with all others of the question."""
    runs = better(make_run, "conv-transpose"), worse(make_run, "pool-upsample")
    c = colourization.versus(*runs, primary=primary).contrasts
    secondary = [each for each in c.values() if each.adjusted is not None]
    for name in ("loss", "accuracy"):
        plain, new = c[name], c[f"{name}_images"]
        assert plain.role == new.role == ("primary" if name in (primary or ("loss",)) else "secondary")
        decides, as_new = plain.adjusted or plain.p, new.adjusted or new.p
        assert decides is not None
        assert as_new is not None
        assert as_new.mean >= decides.mean
    assert all(
        f"for {len(secondary)} secondary" in each.adjusted.meaning for each in secondary if each.adjusted
    )


def test_runs_that_kept_no_images_are_compared_without_them(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of an earlier version, or all diverged, have nothing to say of new images."""
    lost = [make_run(seed, experiment="unet", diverged=True) for seed in range(2)]
    assert reading.of_images(lost, "image_loss") is None
    runs = better(make_run, "conv-transpose", 2)
    assert reading.of_images(runs, "image_beauty") is None
    monkeypatch.setattr(colourization, "KEPT", {"loss": ("image_beauty", None)})
    compared = colourization.versus(runs, worse(make_run, "pool-upsample", 2)).contrasts
    assert "loss_images" not in compared


def test_batch_sizes_are_judged_by_their_trend(make_run: MakeRun) -> None:
    """Over all runs of all sizes; the loss is primary, and what compares the ends is secondary."""
    runs = sweep_runs(make_run, (1.0, 1.1, 1.2, 1.3, 1.4))
    swept = colourization.sweep(by_size(runs))
    loss = swept.trends["loss"]
    assert (loss.role, loss.outcome, loss.bend) == ("primary", "upward", None)
    assert loss.slope.mean == pytest.approx(0.1, abs=0.005)
    assert {each.role for name, each in swept.trends.items() if name != "loss"} == {"secondary"}
    assert {each.role for each in swept.contrasts.values()} == {"secondary"}
    assert swept.verdicts["loss_trend"].yes


@pytest.mark.parametrize(
    ("losses", "outcome"),
    [
        ((1.0, 1.1, 1.2, 1.3, 1.4), "rises"),
        ((1.4, 1.3, 1.2, 1.1, 1.0), "falls"),
        ((1.6, 1.4, 1.3, 1.7, 2.1), "valley"),
        ((1.6, 1.4, 1.7, 1.3, 2.1), "turns"),
        ((1.0, 1.3, 1.5, 1.3, 1.1), "turns"),
    ],
)
def test_the_course_of_the_loss_is_that_of_its_means(
    make_run: MakeRun, losses: Sequence[float], outcome: str
) -> None:
    """A valley has one lowest size and rises on both sides of it; anything else that turns only turns."""
    swept = colourization.sweep(by_size(sweep_runs(make_run, losses)))
    assert swept.decisions["course"].outcome == outcome
    assert swept.values["best_loss"].mean == pytest.approx(min(losses), abs=0.01)


# Tables


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """A function that prints a table of the shared macros as words."""

    def printed(kind: str, rows: Mapping[str, Contrast | Trend], *arguments: str) -> str:
        called = f"{kind}('t', rows, names, {', '.join(map(repr, arguments))}{', ' * bool(arguments)}())"
        if kind == "trend_table":
            called = f"{{% call {called} %}}Said first.{{% endcall %}}"
        else:
            called = f"{{{{ {called} }}}}"
        (tmp_path / "t.html.j2").write_text(f'{{% from "shared/macros.html.j2" import {kind} %}}{called}')
        render = templating.open_templates([tmp_path, compose.TEMPLATES], Ledger(), {})
        return read_as_prose(str(render("t.html.j2", rows=rows, names=list(rows))))

    return printed


SPREAD = (1.31, 1.28, 1.35), (1.47, 1.52, 1.49)


@pytest.mark.parametrize(
    ("left", "right", "says"),
    [
        (*SPREAD, "p: Welch’s test over the seeds of both"),
        ((1.3,), SPREAD[1], "where one more run of the other side would lie in 95 % of cases"),
        ((1.3,), (1.4,), "There is one seed, so the verdict is just the sign"),
        (
            (1.3, 1.3),
            (1.4, 1.4),
            "These numbers are the same for all seeds, so there is nothing to test",
        ),
        ((float("nan"),), (1.4,), "one side has no finite number"),
    ],
)
def test_a_table_says_how_its_rows_were_judged(
    table: Callable[..., str],
    left: Sequence[float],
    right: Sequence[float],
    says: str,
) -> None:
    """In words, whatever decided."""
    found = contrast("c", quantity("a", *left), quantity("b", *right), "A", "B")
    printed = table("contrast_table", {"c": found}, "A", "B")
    assert says in printed
    assert "primary" not in printed


def test_a_table_of_trends_shows_slope_test_and_bend(table: Callable[..., str]) -> None:
    """With the numbers of runs and sizes that they are made of, each once."""
    numbers = {float(size): quantity(str(size), n, n + 0.02) for n, size in enumerate(SIZES)}
    printed = table("trend_table", {"t": trend("t", numbers, "batch size")})
    assert (
        "Said first.\nThe change is the slope of a least-squares line through 10 runs of 5 sizes" in printed
    )
    assert "| 32 | 1.000 ± 0.006 | < 0.001 | 1.00 | upward" in printed


def test_without_seeds_a_table_of_trends_says_what_cannot_be_tested(
    table: Callable[..., str],
) -> None:
    """A single run at each size tells nothing of a bend."""
    numbers = {float(size): quantity(str(size), n + 0.1 * (n % 2)) for n, size in enumerate(SIZES)}
    printed = table("trend_table", {"t": trend("t", numbers, "batch size")})
    assert "With one seed for each size it cannot be tested whether the means lie on a line." in printed
    assert "p of the bend" not in printed
