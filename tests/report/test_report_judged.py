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
    ("losses", "shape", "valley"),
    [
        ((1.0, 1.1, 1.2, 1.3, 1.4), "turns", False),
        ((1.32, 1.3, 1.4, 1.6, 1.7), "valley", True),
        ((1.6, 1.4, 1.3, 1.7, 2.1), "valley", False),
        ((1.6, 1.4, 1.7, 1.3, 2.1), "turns", False),
        ((1.0, 1.3, 1.5, 1.3, 1.1), "peak", False),
    ],
)
def test_the_course_of_the_loss_is_that_of_its_means(
    make_run: MakeRun, losses: Sequence[float], shape: str, valley: bool
) -> None:
    """A valley has one lowest size and rises on both sides; with one seed each its slope is clear, too."""
    loss = colourization.sweep(by_size(sweep_runs(make_run, losses))).trends["loss"]
    assert loss.turn is not None
    assert (loss.turn.shape, loss.valley) == (shape, valley)
    assert loss.turn.lowest[1].mean == pytest.approx(min(losses), abs=0.01)


@pytest.mark.parametrize(
    ("small", "large", "across"),
    [((0.5, 0.45), (0.4, 0.43), True), ((0.4, 0.43), (0.5, 0.45), True), ((0.5, 0.43), (0.4, 0.43), False),
     ((0.3, 0.3), (0.4, 0.43), False)],
)  # fmt: skip
def test_whether_the_edges_pass_the_truth(
    make_run: MakeRun, small: Sequence[float], large: Sequence[float], across: bool
) -> None:
    """Every seed has to lie above 44 % at one end, and below it at the other."""
    runs = [
        [
            make_run(
                seed, experiment=f"batch-size-{size}", batch_size=size, measures={"edge_share_predicted": x}
            )
            for seed, x in enumerate(shares)
        ]
        for size, shares in ((32, small), (64, large), (128, large))
    ]
    assert colourization.sweep(runs).facts["across"] is across


# Sentences


@pytest.fixture
def said(tmp_path: Path) -> Callable[..., str]:
    """A function that prints a macro of batch sizes as words, for means by size that spread a little."""

    def printed(called: str, *means: float) -> str:
        numbers = {
            float(size): quantity(f"{size}", mean - 0.002, mean, mean + 0.002)
            for size, mean in zip(SIZES, means, strict=False)
        }
        sizes = [quantity(f"size {size}", size, form="count") for size in (SIZES[0], SIZES[len(means) - 1])]
        first, *_, last = numbers.values()
        (tmp_path / "t.html.j2").write_text(
            f'{{% from "shared/sweep.html.j2" import but_alike, gap_trended %}}{{{{ {called} }}}}'
        )
        render = templating.open_templates([tmp_path, compose.TEMPLATES], Ledger(), {})
        words = render(
            "t.html.j2",
            t=trend("t", numbers, "batch size"),
            c=contrast("c", last, first, "large", "small"),
            v={"smallest": sizes[0], "largest": sizes[1]},
        )
        return " ".join(read_as_prose(str(words)).split())

    return printed


@pytest.mark.parametrize(
    ("gaps", "says"),
    [
        ((-0.09, -0.06, -0.03), "narrows (p < 0.001): the validation loss is 0.090 below the training loss"),
        ((0.09, 0.06, 0.03), "narrows"),
        ((-0.03, -0.06, -0.09), "widens"),
        ((0.03, 0.06, 0.09), "widens"),
        ((-0.03, 0.0, 0.03), "with batches of 32 and 0.030 above it with 128."),
        ((-0.03, 0.0, 0.03), "changes its sign"),
        ((-0.09, -0.03, -0.02, -0.07), "first narrows, then widens"),
        (
            (-0.09, -0.03, -0.02, -0.07),
            "with batches of 32, 0.020 below it with 128 and 0.070 below it with 256.",
        ),
        ((0.02, 0.06, 0.09, 0.05), "first widens, then narrows"),
        ((0.09, -0.03, -0.02, 0.07), "does not go one way"),
        ((0.05, 0.09, 0.03, 0.08, 0.02), "does not go one way"),
        ((0.03, 0.03, 0.03), "shows no clear trend (p = 1.00): the validation loss is 0.030 above"),
    ],
)
def test_the_gap_between_the_losses_is_spoken_of(
    said: Callable[..., str], gaps: Sequence[float], says: str
) -> None:
    """It narrows or widens by its size, whichever loss is the lower one."""
    assert says in said("gap_trended(t, c, v)", *gaps)


@pytest.mark.parametrize(
    ("means", "says"),
    [
        ((1.0, 1.1, 1.2), ""),
        ((1.0, 0.999, 1.2), "; batches of 32 and 64 do not clearly differ"),
        ((1.0, 0.999, 0.998, 1.3, 1.5), "; batches of 32, 64 and 128 do not clearly differ"),
        ((1.0, 0.999, 1.2, 1.4, 1.399), "; batches of 32 and 64 do not clearly differ, nor do 256 and 512"),
        ((1.2, 1.0, 1.4), ""),
    ],
)
def test_sizes_that_do_not_differ_are_named(
    said: Callable[..., str], means: Sequence[float], says: str
) -> None:
    """Those over which the mean seems to go back; none where it clearly does."""
    assert said("but_alike(t)", *means) == says


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
