"""Coloured pixels and others: how many are right, and what a report says of them, whatever the nets do."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import page_of, prose_of, read_as_prose
from fake_runs import MakeRun
from fake_trainings import trained
from scipy import stats
from unwritten import FakeRun

from cnnreport.project import Project
from cnnreport.report.numbers.family import holm
from cnnreport.report.say import colourization
from cnnreport.report.say.colours import in_colour
from cnnreport.report.say.colours.words import word
from cnnreport.runs.artefact import Run

pytestmark = pytest.mark.usefixtures("undrawn")

Golden = Callable[[str, str], None]
Right = tuple[float, float]
"""The share of right pixels among the coloured ones, and among the others."""

GREEN, BROWN, GREY, BLACK, WHITE = (0.2, 0.6, 0.2), (0.5, 0.35, 0.2), (0.5, 0.5, 0.5), (0, 0, 0), (1, 1, 1)
PALETTE = np.array([GREEN, GREY, BROWN, BLACK, WHITE], np.float32)
IN_COLOUR = np.array([True, False, True, False, False])

POOL, CONV, UNET = "pool-upsample", "conv-transpose", "unet"
SHARE, PIXELS = 0.35, 1_000_000_000
"""The share of coloured pixels in made-up runs, and all of their pixels."""


def leaving(run: Run, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Run:
    """Return a run that left these arrays and no other."""
    assert isinstance(run, FakeRun)
    return replace(run, arrays=arrays)


def counted(truth: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Count pixels by their true and their given colour."""
    counts = np.zeros((len(PALETTE),) * 2, np.int64)
    np.add.at(counts, (truth.ravel(), given.ravel()), 1)
    return counts


@pytest.mark.parametrize("seed", range(5))
def test_each_number_is_that_of_the_label_arrays(make_run: MakeRun, seed: int) -> None:
    """Masks over the pixels themselves give the same shares as the counts that runs leave."""
    generator = np.random.default_rng(seed)
    truth, net, table = generator.integers(0, len(PALETTE), (3, 4, 8, 8))
    arrays = {"confusion": counted(truth, net), "table_confusion": counted(truth, table), "palette": PALETTE}
    found = in_colour.numbers([leaving(make_run(0), arrays), leaving(make_run(1), arrays)])
    on = IN_COLOUR[truth]
    expected = {
        "uncoloured": (~on).mean(),
        "coloured_right": (net == truth)[on].mean(),
        "uncoloured_right": (net == truth)[~on].mean(),
        "table_coloured_right": (table == truth)[on].mean(),
        "table_uncoloured_right": (table == truth)[~on].mean(),
        "table_uncoloured": (~IN_COLOUR[table]).mean(),
        "coloured_over_table": (net == truth)[on].mean() - (table == truth)[on].mean(),
    }
    assert {name: each.mean for name, each in found.items()} == pytest.approx(expected)
    assert all(list(each.values) == [0, 1] for each in found.values())


def test_the_words_are_those_of_the_names() -> None:
    """What counts as coloured here is what the figures call by the name of a colour."""
    assert [word(colour) not in ("grey", "black", "white") for colour in PALETTE] == IN_COLOUR.tolist()


@pytest.mark.parametrize("lacking", ["coloured", "uncoloured", "confusion", "table_confusion"])
def test_nothing_is_said_where_one_kind_of_pixel_is_missing(make_run: MakeRun, lacking: str) -> None:
    """A palette may have such colours that no pixel has; and older runs left no counts of the table."""
    counts = np.ones((len(PALETTE),) * 2, np.int64)
    if lacking.endswith("coloured"):
        counts[IN_COLOUR if lacking == "coloured" else ~IN_COLOUR] = 0
    arrays = {"confusion": counts, "table_confusion": counts, "palette": PALETTE}
    arrays.pop(lacking, None)
    runs = [leaving(make_run(), arrays)]
    assert (in_colour.numbers(runs), in_colour.verdicts(runs), in_colour.colouring(runs)) == ({}, {}, None)


def test_runs_that_diverged_leave_the_numbers_of_the_data(make_run: MakeRun) -> None:
    """The truth and the table are the same whatever became of a net; without any net nothing is said."""
    runs = [make_run(0), make_run(1, diverged=True)]
    found = in_colour.numbers(runs)
    assert found["coloured_right"].lost == [1]
    assert not any(found[name].lost for name in found if name.startswith("table") or name == "uncoloured")
    assert in_colour.numbers(runs[1:]) == {}


def test_two_nets_are_compared_by_welch_and_holm(make_run: MakeRun) -> None:
    """Both kinds of pixels are secondary measures of the question, corrected with all others."""
    nets: dict[str, Right] = {CONV: (0.205, 0.75), POOL: (0.2, 0.5)}
    left, right = (runs_of(make_run, TABLE, {name: each}) for name, each in nets.items())
    contrasts = colourization.versus(left, right).contrasts
    for place, name in enumerate(in_colour.COMPARED):
        mine, theirs = ([shifted(each, seed)[place] for seed in range(3)] for each in nets.values())
        p = contrasts[name].p
        assert p is not None
        assert p.mean == pytest.approx(stats.ttest_ind(mine, theirs, equal_var=False).pvalue, rel=1e-4)
        assert contrasts[name].outcome == ("open", "higher")[place]
        assert contrasts[name].role == "secondary"
    secondary = [each for each in contrasts.values() if each.role == "secondary" and each.p is not None]
    corrected = holm([each.p.mean for each in secondary if each.p])
    assert [each.adjusted.mean for each in secondary if each.adjusted] == pytest.approx(corrected)


def shifted(right: Right, seed: int) -> Right:
    """Return what a seed of a net gets right: seeds differ, and unlike on the two kinds of pixels."""
    return right[0] + (0.003, -0.004, 0.0)[seed], right[1] + (0.002, 0.0, -0.003)[seed]


def spread(right: Right, palette: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return counts of a net that gets so many right, and gives all others a colour of the other kind."""
    on = np.array([word(colour) not in ("grey", "black", "white") for colour in palette])
    true = PIXELS * np.where(on, SHARE / on.sum(), (1 - SHARE) / (~on).sum())
    counts = np.diag(np.round(true * np.where(on, *right)))
    counts[on, np.flatnonzero(~on)[0]] = true[on] - counts.diagonal()[on]
    counts[~on, np.flatnonzero(on)[0]] = true[~on] - counts.diagonal()[~on]
    return np.round(counts).astype(np.int64)


def runs_of(make_run: MakeRun, table: Right, nets: Mapping[str, Right]) -> list[Run]:
    """Return three runs of each net; what is more accurate over all pixels has a lower loss."""
    made = []
    for experiment, right in nets.items():
        accuracy = over_all(right)
        for run in trained(
            make_run, experiment, accuracy=accuracy, loss=(3.0, 2 - accuracy),
            measures={"grey_table_accuracy": over_all(table)},
        ):  # fmt: skip
            kept = run.samples()
            counts = {"confusion": shifted(right, run.seed), "table_confusion": table}
            made.append(
                leaving(
                    run, {**kept, **{name: spread(each, kept["palette"]) for name, each in counts.items()}}
                )
            )
    return made


def over_all(right: Right) -> float:
    """Return the share of right pixels among all."""
    return SHARE * right[0] + (1 - SHARE) * right[1]


TABLE = (0.10, 0.91)
REAL = {POOL: (0.21, 0.51), CONV: (0.21, 0.75), UNET: (0.213, 0.785)}

CASES: dict[str, tuple[Right, dict[str, Right]]] = {
    "as it was with real images": (TABLE, REAL),
    "worse than the table on both": (TABLE, {POOL: (0.04, 0.51), CONV: (0.05, 0.52), UNET: (0.05, 0.53)}),
    "a gain on coloured pixels alone": (TABLE, {POOL: (0.2, 0.7), CONV: (0.4, 0.7), UNET: (0.6, 0.7)}),
    "better than the table, but not in colour": (
        (0.5, 0.3), {POOL: (0.4, 0.6), CONV: (0.5, 0.7), UNET: (0.6, 0.7)}),
    "better on one kind, worse on the other": (TABLE, {POOL: (0.3, 0.6), CONV: (0.2, 0.9), UNET: (0.4, 0.6)}),
    "better than the table on both": ((0.1, 0.3), REAL),
    "a loss on grey ones alone": (TABLE, {POOL: (0.2, 0.7), CONV: (0.2, 0.5), UNET: (0.1, 0.4)}),
    "as coarse, and not behind": (TABLE, {POOL: (0.2, 0.3), CONV: (0.4, 0.9), UNET: (0.3, 0.7)}),
    "with skips, and farther": (TABLE, {POOL: (0.2, 0.3), CONV: (0.2, 0.7), UNET: (0.3, 0.6)}),
    "as coarse, and a little nearer": (TABLE, {POOL: (0.2, 0.3), CONV: (0.2, 0.4), UNET: (0.2, 0.5)}),
    "no net differs": (TABLE, dict.fromkeys(REAL, (0.1, 0.6))),
}  # fmt: skip

SAID = re.compile(
    r"coloured pixels|than a plain table|grey level to colour|The table paints|a table that looks"
    r"|another reason|as coarse|gets that grey directly|of the (?:reason|rest)"
)


def told(project: Project, make_run: MakeRun, name: str) -> dict[str, list[str]]:
    """Return what the summary and the sections say of the table, of coloured pixels, and of coarse grids."""
    runs, asked = runs_of(make_run, *CASES[name]), ("a2", "b2", "b3", "c2", "c3")
    cover = page_of(project, runs, *asked).partition('<div class="summary">')[2].partition("</div>")[0]
    body = prose_of(project, runs, *asked, "c3more", whole=False)
    parts = {"summary": read_as_prose(cover)}
    for title, text in re.findall(r"\n## ([ABC]\d)\. [^\n]*\n(.*?)(?=\n##? |\Z)", body, re.DOTALL):
        parts[title] = text
    parts["more"] = body[body.index("sets all three nets side by side") :]
    return {title: [line for line in text.splitlines() if SAID.search(line)] for title, text in parts.items()}


def test_what_is_said_is_the_golden_text(project: Project, make_run: MakeRun, golden: Golden) -> None:
    """A reader has agreed to what each outcome brings about, in every section that speaks of the table."""
    written = []
    for name in CASES:
        parts = told(project, make_run, name)
        lines = [f"{title}: {line}" for title, said in parts.items() for line in said]
        written.append("\n".join([f"## {name}", *lines, ""]))
    golden("in-colour", "\n".join(written))


@pytest.mark.parametrize(
    ("name", "says", "never"),
    [
        (
            "as it was with real images",
            "the gain shows only on grey, black and white ones, 75.0 % against 51.0 %",
            "B3: On coloured pixels ConvTransposeNet is better|Also on coloured",
        ),
        (
            "worse than the table on both",
            "Nor is the net better on coloured pixels: 4.0 ± 0.9 % against 10.0 %",
            "coloured pixels (?:the net is|both are|all three are) better|But on",
        ),
        (
            "a gain on coloured pixels alone",
            "B3: On coloured pixels ConvTransposeNet is better, 40.0 % against 20.0 %",
            "shows only on grey|better only on",
        ),
        (
            "better than the table, but not in colour",
            "But on coloured pixels the net is not better",
            "coloured pixels (?:the net is|both are|all three are) better",
        ),
        (
            "better on one kind, worse on the other",
            "B3: On coloured pixels ConvTransposeNet is worse, 20.0 % against 30.0 % (corrected p < 0.001), "
            "and on the others better, 90.0 % against 60.0 %",
            "shows only on|not clearly different",
        ),
        ("better than the table on both", "Also on coloured pixels the net is better", "But on|, but on"),
        ("a loss on grey ones alone", "the loss shows only on grey, black and white ones", "the gain"),
        ("a loss on grey ones alone", "is no nearer to the table", "another reason"),
        ("as coarse, and not behind", "not behind the table: the gap of PoolUpsampleNet", "most of the gap"),
        ("with skips, and farther", "the grid is not shown to explain the rest", "a part of the rest"),
        ("as coarse, and a little nearer", "a part of the gap of PoolUpsampleNet", "most of the gap|only 30"),
        ("no net differs", "On coloured pixels there is no clear difference", "net is (?:not )?better:"),
    ],
)  # fmt: skip
def test_a_contrary_outcome_says_the_contrary(name: str, says: str, never: str) -> None:
    """What the golden text claims fits the runs that it was made of, whoever renewed it."""
    whole = (Path(__file__).parent / "golden" / "in-colour.txt").read_text(encoding="utf-8")
    text = whole.partition(f"## {name}\n")[2].partition("\n\n")[0]
    assert says in text
    assert not re.search(never, text)
