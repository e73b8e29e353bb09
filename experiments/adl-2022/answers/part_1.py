"""Answers to part 1 of KU Advanced Deep Learning 2022, assignment 1: traffic signs."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.draw import figure, matrix, thumbnails
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import Caption
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import classification, training
from cnnreport.report.say.formulas.network import network
from cnnreport.report.say.versus import versus
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.training.specs.optimiser import OPTIMISERS

from ..ranking import Ranking, ranking

BASELINE, NORMED, ADAM, SGD, RPROP = (
    "signs-baseline", "signs-batch-norm", "signs-adam", "signs-sgd", "signs-rprop",
)  # fmt: skip
CALLED = {
    BASELINE: "baseline",
    NORMED: "batch norm",
    ADAM: "usual Adam",
    SGD: "SGD",
    RPROP: "Rprop",
}
"""What the text calls each training."""

WHOLE, BATCHES = "rprop-whole", "rprop-batches"

PUBLISHED = Path(__file__).parents[1] / "published.toml"

WAYS = {
    "test_accuracy_shuffled": "shuffled batches",
    "test_accuracy_sorted": "batches sorted by class",
    "test_accuracy_reestimated": "statistics estimated anew",
}
"""How a net with batch norm is tested besides."""

TRAPS = ("sorted_alone", "shuffled_alone", "both", "neither", "undecided", "lost")
"""In which orders of the test images the train mode costs accuracy."""

NEAR, NEARNESS = 0.02, ("near", "below", "above", "nowhere")
"""How far an accuracy may be from a reported one to be called near it, and what it may be."""

PAIRS = 6
"""So many confused pairs are shown."""


def net(runs: Runs) -> Answer:
    """Answer 1.1: what the net is, what its last layer is given, and the class that ran."""
    shown = network(runs[BASELINE], runs.get("signs-formulas", ()))
    values = training.numbers(runs[BASELINE])
    layers = json.loads(training.text(runs[BASELINE], "layers"))
    return replace(shown, values=values, parts={**shown.parts, "layers": layers})


def norm(runs: Runs) -> Answer:
    """Answer 1.2: batch norm against the baseline, and the same weights tested in four ways."""
    normed = runs[NORMED]
    values = training.numbers(normed)
    changes = {name: _change(values, name, words) for name, words in WAYS.items()}
    verdicts = {name: _fell(changes[name], words) for name, words in WAYS.items()}
    listed = network(normed, runs.get("normed-signs-formulas", ()))
    published = _published("batch-norm")
    return Answer(
        values={
            **values,
            **{f"{name}_change": each for name, each in changes.items()},
            **published,
        },
        contrasts={"baseline": (against := ranked(runs).against(CALLED[NORMED], CALLED[BASELINE]))},
        verdicts={"baseline": against.verdict, **verdicts},
        decisions={
            "trap": Decision("in which orders the train mode costs accuracy", _trap(verdicts), TRAPS),
            **{name.rpartition("_")[2]: _way(changes[name], words) for name, words in WAYS.items()},
            "reported": Decision(
                "sorted batches beside what was reported",
                _near(values["test_accuracy_sorted"], published["published"]),
                NEARNESS,
            ),
        },
        listings=listed.listings,
        parts={**listed.parts, "layers": json.loads(training.text(normed, "layers"))},
        facts=training.facts(normed),
        grids={"ways": _ways(normed, values, changes)},
    )


def _change(values: Mapping[str, Quantity], name: str, words: str) -> Quantity:
    """Return by how much an accuracy differs from that in evaluation mode, trial by trial: same weights."""
    meaning = f"test accuracy with {words}, minus that in evaluation mode"
    experiment = values[name].name.partition(".")[0]
    return difference(f"{experiment}.{name}_change", meaning, values[name], values["test_accuracy"], "points")


def _fell(change: Quantity, words: str) -> Verdict:
    fall = combine(
        f"{change.name}.fall", f"fall of the test accuracy with {words}", "minus ({})", lambda x: -x, change,
        form="points",
    )  # fmt: skip
    return exceeds(f"The test accuracy is lower with {words} than in evaluation mode", fall)


def _way(change: Quantity, words: str) -> Decision:
    """Say which way an accuracy differs from that in evaluation mode, by the interval over the trials."""
    low, high = change.interval or (change.mean, change.mean)
    if not change.finite:
        outcome = "lost"
    elif low <= 0 <= high:
        outcome = "undecided" if low < high else "same"
    else:
        outcome = "below" if high < 0 else "above"
    return Decision(
        f"the test accuracy with {words}", outcome, ("below", "above", "same", "undecided", "lost")
    )


def _trap(verdicts: Mapping[str, Verdict]) -> str:
    """Say in which orders of the images the train mode costs accuracy."""
    in_order, mixed = verdicts["test_accuracy_sorted"], verdicts["test_accuracy_shuffled"]
    if in_order.unknown or mixed.unknown:
        return "lost"
    if in_order.yes and mixed.yes:
        return "both"
    if in_order.yes:
        return "sorted_alone"
    if mixed.yes:
        return "shuffled_alone"
    return "undecided" if in_order.open or mixed.open else "neither"


def _ways(runs: Sequence[Run], values: Mapping[str, Quantity], changes: Mapping[str, Quantity]) -> Grid:
    rows = [("evaluation mode", values["test_accuracy"], ())]
    rows += [(_said(name), values[name], changes[name]) for name in WAYS]
    return Grid(("how it is tested", "test accuracy", "change"), tuple(rows), reading.datasets(runs))


def _said(name: str) -> str:
    return WAYS[name] if name.endswith("reestimated") else f"train mode, {WAYS[name]}"


def optimisers(runs: Runs) -> Answer:
    """Answer 1.3: other optimisers, and why Rprop is unsound on mini-batches."""
    rivals = {CALLED[name]: runs[name] for name in (BASELINE, ADAM, SGD, RPROP)}
    compared = versus(
        runs[BATCHES], runs[WHOLE], ("train_loss", "loss", "accuracy"), "mini-batches", "one batch"
    )
    whole = ranked(runs)
    against = {
        name.partition("-")[2]: whole.against(CALLED[name], CALLED[BASELINE]) for name in (ADAM, SGD, RPROP)
    }
    small = training.numbers(runs[BATCHES])
    return Answer(
        values={
            **{f"small_{name}": value for name, value in small.items()},
            **{f"whole_{name}": value for name, value in training.numbers(runs[WHOLE]).items()},
            **training.numbers(runs[BASELINE]),
            "epsilon": _epsilon(runs[BASELINE]),
            "epsilon_usual": _epsilon(runs[ADAM]),
        },
        contrasts={**compared.contrasts, **against},
        verdicts={**compared.verdicts, **{name: each.verdict for name, each in against.items()}},
        pictures={
            "loss": training.rival_curves(rivals, "train_loss"),
            "rprop": training.rival_curves(
                {"one batch": runs[WHOLE], "mini-batches": runs[BATCHES]}, "train_loss"
            ),
        },
        grids={
            "optimisers": training.side_by_side(
                rivals,
                {"test_accuracy": "test accuracy", "train_loss": "training loss", "loss": "validation loss"},
                "optimiser",
            )
        },
        facts={**compared.facts, "several": len(runs[BASELINE]) > 1},
    )


def _epsilon(runs: Sequence[Run]) -> Quantity:
    """Return the epsilon of Adam that some runs had, the usual one where their spec names none."""
    given = runs[0].spec["optimiser"]["epsilon"]
    value = OPTIMISERS["adam"]["epsilon"] if given is None else given
    field = "key.what.spec.optimiser.epsilon" + (", else the usual one" if given is None else "")
    origin = Source(tuple(run.folder.name for run in runs), artefact.MANIFEST, field)
    name = f"{training.experiment_of(runs)}.epsilon"
    return Quantity(name, "epsilon of Adam", {run.seed: float(value) for run in runs}, "number", origin)


def ranked(runs: Runs) -> Ranking:
    """Compare all five trainings by their test accuracy: one family, by which every section judges."""
    return ranking("signs", {CALLED[name]: training.numbers(runs[name])["test_accuracy"] for name in CALLED})


def trials(runs: Runs) -> Answer:
    """Answer 1.4: a ranking that the trials support, what single trials would claim, and what is confused."""
    rivals = {CALLED[name]: runs[name] for name in CALLED}
    made = ranked(runs)
    best = made.ranked[0].name
    chosen = rivals[best]
    pairs = _pairs(chosen)
    return Answer(
        values={
            **training.numbers(chosen),
            **_published("baseline"),
            "baseline": training.numbers(runs[BASELINE])["test_accuracy"],
        },
        decisions={"supported": made.supported},
        pictures={
            "train_loss": _all_trials(rivals, "train_loss", "training loss"),
            "confusion": _confusion(chosen, best),
            **({"pairs": pairs} if pairs else {}),
        },
        parts={"ranking": made},
        facts={
            **training.facts(chosen),
            "best": best,
            "several": min(map(len, rivals.values())) > 1,
            "flawless": pairs is None,
            "unchanged": not any(run.spec["augmented"] for of in rivals.values() for run in of),
        },
    )


def as_long(runs: Runs) -> Answer:
    """Answer what comes of the course's own number of epochs, and whether it is near what was reported."""
    plain, normed = runs["signs-course"], runs["signs-course-batch-norm"]
    compared = versus(
        normed, plain, ("test_accuracy", "accuracy", "loss", "train_loss"), CALLED[NORMED], CALLED[BASELINE]
    )
    values, of_normed = training.numbers(plain), training.numbers(normed)
    changes = {name: _change(of_normed, name, words) for name, words in WAYS.items()}
    published = _published("baseline")["published"]
    return Answer(
        values={
            **values,
            "published": published,
            "test_batch": of_normed["test_batch"],
            "margin": Quantity(
                "published.signs.margin", "near", {0: NEAR}, "points", Source((), f"{PUBLISHED.name}", "near")
            ),
        },
        contrasts=compared.contrasts,
        verdicts=compared.verdicts,
        decisions={
            "near": Decision(
                "the baseline beside a reported one", _near(values["test_accuracy"], published), NEARNESS
            )
        },
        grids={"ways": _ways(normed, of_normed, changes)},
        parts={"data": reading.datasets(plain)},
        facts={**compared.facts, "all_lost": not of_normed["test_accuracy"].finite},
    )


def _near(mine: Quantity, published: Quantity) -> str:
    if not mine.finite:
        return "nowhere"
    if abs(mine.mean - published.mean) <= NEAR:
        return "near"
    return "below" if mine.mean < published.mean else "above"


def splits(runs: Runs) -> Answer:
    """Answer how much a split that tears tracks apart flatters the same net."""
    apart, torn = runs[NORMED], runs["signs-random-split"]
    names = ("accuracy", "loss", "test_accuracy")
    compared = versus(torn, apart, names, "random split", "split by tracks")
    torn_values, apart_values = training.numbers(torn), training.numbers(apart)
    return Answer(
        values={
            "torn": _over_test(torn, torn_values, "random split"),
            "apart": _over_test(apart, apart_values, "split by tracks"),
            "validation_images": torn_values["validation_images"],
        },
        contrasts=compared.contrasts,
        verdicts=compared.verdicts,
        parts={"data": reading.datasets(torn)},
        facts=compared.facts,
    )


def _over_test(runs: Sequence[Run], values: Mapping[str, Quantity], words: str) -> Quantity:
    name = f"{training.experiment_of(runs)}.over_test"
    meaning = f"validation accuracy above test accuracy, {words}"
    return difference(name, meaning, values["accuracy"], values["test_accuracy"], "points")


def _all_trials(rivals: Mapping[str, Sequence[Run]], column: str, label: str) -> Picture:
    drawn = [
        Curve(who, "contender", [[row[column] for row in run.history] for run in of])
        for who, of in rivals.items()
    ]
    first = next(iter(rivals.values()))
    ends = "; ".join(
        f"{who}: {reading.last(of, column, label, 'loss').text}" for who, of in rivals.items()
    ).replace("\u00a0", " ")
    alt = f"Curves of the {label} over the epochs, one for each trial. At the end {ends}."
    return figure.curves(drawn, f"{label} (nats)", alt, reading.datasets(first), wide=True)


def _confusion(runs: Sequence[Run], who: str) -> Picture:
    kept = [run for run in runs if not run.diverged] or list(runs)
    counts = np.sum([run.samples()["test_confusion"] for run in kept], axis=0)
    over = f", summed over {len(kept)} trials" if len(kept) > 1 else ""
    alt = f"The confusion matrix of {who} on the test images{over}."
    return matrix.matrix(counts, classification.class_names(runs), alt, reading.datasets(runs))


def _pairs(runs: Sequence[Run]) -> Picture | None:
    """Draw the classes that one run confuses most: a wrong image, and one of the class it was taken for."""
    arrays, names = training.shown_run(runs).samples(), classification.class_names(runs)
    images, captions = [], []
    for number in range(min(PAIRS, len(arrays["pair_true"]))):
        true, taken = names[arrays["pair_true"][number]], names[arrays["pair_taken"][number]]
        images += [arrays["pair_image"][number], arrays["pair_like"][number]]
        captions += [
            Caption(f"{true}, taken for {taken} ({arrays['pair_count'][number]} times)", right=False),
            Caption(taken),
        ]
    if not captions:
        return None
    alt = "Classes that are confused most: a test image that is named wrong, and one of the other class."
    return thumbnails.captioned(thumbnails.from_rgb(np.stack(images)), captions, alt, reading.datasets(runs))


def _published(variant: str) -> dict[str, Quantity]:
    """Return what a finished write-up reported of a variant, a value for each of its trials."""
    reported = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["signs"][variant]
    origin = Source((), f"experiments/{PUBLISHED.parent.name}/{PUBLISHED.name}", f"signs, {variant}")
    values = {number: value / 100 for number, value in enumerate(reported)}
    meaning = f"published: test accuracy of {variant.replace('-', ' ')}"
    return {"published": Quantity(f"published.signs.{variant}", meaning, values, "share", origin)}


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "s11": net,
    "s12": norm,
    "s13": optimisers,
    "s14": trials,
    "slong": as_long,
    "ssplits": splits,
}
