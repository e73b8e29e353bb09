"""Answers to part 1 of KU Advanced Deep Learning 2022, assignment 1: traffic signs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.draw import figure, matrix, thumbnails
from cnnreport.report.draw.figure import Curve
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.thumbnails import Caption
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, Source, difference, over_all
from cnnreport.report.say import classification, training
from cnnreport.report.say.formulas.network import network
from cnnreport.report.say.versus import versus
from cnnreport.runs import artefact
from cnnreport.runs.artefact import Run
from cnnreport.training.specs.optimiser import OPTIMISERS

from ..findings import reported
from ..findings.changes import Change, changes, trap
from ..findings.sides import sides
from ..findings.sign_errors import brightness, dark, worst_classes
from ..findings.states import states, still_falling
from ..ranking import Ranking, ranking

BASELINE, NORMED, ADAM, SGD, RPROP = (
    "signs-baseline", "signs-batch-norm", "signs-adam", "signs-sgd", "signs-rprop",
)  # fmt: skip
CALLED = {
    BASELINE: "baseline",
    ADAM: "usual Adam",
    SGD: "SGD",
    RPROP: "Rprop",
    NORMED: "batch norm",
}
"""What the text calls each training; figures give out colours in this order, so that each keeps its own."""

WHOLE, BATCHES = "rprop-whole", "rprop-batches"

WAYS = {
    "test_accuracy_shuffled": "shuffled batches",
    "test_accuracy_sorted": "batches sorted by class",
    "test_accuracy_reestimated": "statistics estimated anew",
}
"""How a net with batch norm is tested besides."""

NEAR, NEARNESS = 0.02, ("near", "below", "above", "nowhere")
"""How far an accuracy may be from a reported one to be called near it, and what it may be."""

ABOVE_CHANCE = 1.1
"""So many times the loss of guessing is the highest that is drawn."""

PAIRS = 6
"""So many confused pairs are shown."""


def net(runs: Runs) -> Answer:
    """Answer 1.1: what the net is, what its last layer is given, and the class that ran."""
    shown = network(runs[BASELINE], runs.get("signs-formulas", ()))
    values = training.numbers(runs[BASELINE])
    layers = json.loads(training.text(runs[BASELINE], "layers"))
    way = sides(shown.parts["net"]) if "net" in shown.parts else ()
    return replace(
        shown,
        values=values,
        parts={**shown.parts, "layers": layers, "sides": way},
        facts={**shown.facts, "sides_are_numbers": all(side.value for side in way)},
    )


def norm(runs: Runs) -> Answer:
    """Answer 1.2: batch norm against the baseline, and the same weights tested in four ways."""
    normed = runs[NORMED]
    values, plain = training.numbers(normed), training.numbers(runs[BASELINE])
    changed = changes(values, WAYS)
    listed = network(normed, runs.get("normed-signs-formulas", ()))
    against = ranked(runs).against(CALLED[NORMED], CALLED[BASELINE])
    return Answer(
        values={
            **values,
            **{f"{name}_change": each.amount for name, each in changed.items()},
            **{f"baseline_{name}": plain[name] for name in ("train_loss", "loss")},
            **_per_class(values),
            "published": reported.accuracy("batch-norm"),
            "published_baseline": reported.accuracy("baseline"),
            "published_fall": reported.fall(),
        },
        contrasts={"baseline": against},
        verdicts={"baseline": against.verdict, **{name: each.verdict for name, each in changed.items()}},
        decisions={
            "trap": trap(changed),
            **{name.rpartition("_")[2]: each.decision for name, each in changed.items()},
            "reported": _order("the reported accuracy with batch norm", reported.fall()),
            "packed": _packed(values),
        },
        listings=listed.listings,
        parts={
            **listed.parts, "layers": json.loads(training.text(normed, "layers")), "changes": changed,
        },
        facts={**training.facts(normed), "by_tracks": _by_tracks(normed)},
        grids={"ways": _ways(normed, values, changed)},
    )  # fmt: skip


def _by_tracks(runs: Sequence[Run]) -> bool:
    return all(run.spec.get("split") == "tracks" for run in runs)


def _per_class(values: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return how many test images a class has, here and in the course, on average and as whole numbers."""
    course, classes = reported.settings()["course_test_images"], values["classes"]
    return {
        name: over_all(
            f"signs.{name}", f"{meaning} of a class, on average", round(images.mean / classes.mean),
            "{} over {}, rounded", images, classes, form="count",
        )
        for name, meaning, images in (
            ("per_class", "test images", values["test_images"]),
            ("course_per_class", "the course’s test images", course),
        )
    }  # fmt: skip


def _packed(values: Mapping[str, Quantity]) -> Decision:
    """Say whether sorted batches of the course hold fewer classes than those here."""
    per = _per_class(values)
    here, there = per["per_class"].mean, per["course_per_class"].mean
    outcome = "fewer" if there > here else "same" if there == here else "more"
    return Decision("classes in a sorted batch of the course", outcome, ("fewer", "same", "more"))


def _order(what: str, fall: Quantity) -> Decision:
    outcome = "below" if fall.mean > 0 else "same" if fall.mean == 0 else "above"
    return Decision(f"{what} beside the baseline", outcome, ("below", "same", "above"))


def _ways(runs: Sequence[Run], values: Mapping[str, Quantity], changed: Mapping[str, Change]) -> Grid:
    tested = any(each.p for each in changed.values())
    rows: list[tuple[str | Quantity | tuple[Quantity, ...], ...]] = [
        ("evaluation mode", values["test_accuracy"], (), *([()] if tested else []))
    ]
    for name, each in changed.items():
        p = [each.adjusted or ()] if tested else []
        rows.append((_said(name), values[name], each.amount, *p))
    columns = ("how it is tested", "test accuracy", "change", *(["corrected p"] if tested else []))
    return Grid(columns, tuple(rows), reading.datasets(runs))


def _said(name: str) -> str:
    return WAYS[name] if name.endswith("reestimated") else f"train mode, {WAYS[name]}"


def optimisers(runs: Runs) -> Answer:
    """Answer 1.3: other optimisers, and why Rprop is unsound on mini-batches."""
    rivals = {CALLED[name]: runs[name] for name in (BASELINE, ADAM, SGD, RPROP)}
    drawn = {who: runs[name] for name, who in CALLED.items()}
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
            **reported.settings(),
            "epsilon": _epsilon(runs[BASELINE]),
            "epsilon_usual": _epsilon(runs[ADAM]),
        },
        contrasts={**compared.contrasts, **against},
        verdicts={**compared.verdicts, **{name: each.verdict for name, each in against.items()}},
        pictures={
            "loss": _all_trials(drawn, wide=False),
            "rprop": training.rival_curves(
                {"one batch": runs[WHOLE], "mini-batches": runs[BATCHES]}, "train_loss"
            ),
        },
        grids={
            "optimisers": training.side_by_side(
                {**rivals, "baseline with batch norm": runs[NORMED]},
                {"test_accuracy": "test accuracy", "train_loss": "training loss", "loss": "validation loss"},
                "optimiser",
            )
        },
        facts={
            **compared.facts,
            "several": len(runs[BASELINE]) > 1,
            "cut": _ceiling(drawn) is not None,
        },
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
    pairs, bright = _pairs(chosen), brightness(training.shown_run(chosen), PAIRS)
    falling = still_falling(rivals)
    return Answer(
        values={
            **training.numbers(chosen),
            **reported.settings(),
            **bright,
            **({"fell": falling[1]} if falling else {}),
            "published": reported.accuracy("baseline"),
            "baseline": training.numbers(runs[BASELINE])["test_accuracy"],
        },
        decisions={"supported": made.supported, "dark": dark(bright), "data": _data(chosen)},
        pictures={
            "train_loss": _all_trials(rivals),
            "confusion": _confusion(chosen, best),
            **({"pairs": pairs} if pairs else {}),
        },
        parts={"ranking": made, "states": states(rivals), "worst": worst_classes(chosen)},
        facts={
            **training.facts(chosen),
            **_trial_facts(rivals, made),
            "falling": falling[0] if falling else "",
        },
    )


def _trial_facts(rivals: Mapping[str, Sequence[Run]], made: Ranking) -> dict[str, str | bool]:
    best = made.ranked[0].name
    return {
        "best": best,
        "several": min(map(len, rivals.values())) > 1,
        "flawless": _pairs(rivals[best]) is None,
        "unchanged": not any(run.spec["augmented"] for of in rivals.values() for run in of),
        "given": not any(
            run.spec.get(f"{part}_images")
            for of in rivals.values()
            for run in of
            for part in ("train", "validation", "test")
        ),
        "cut": _ceiling(rivals) is not None,
        "ranks_known": all(each.best.mean == each.worst.mean for each in made.ranked),
        "never_reversed": all(pair.reversed.mean == 0 for pair in made.pairs),
        "all_higher": all(pair.contrast.sure and pair.contrast.higher for pair in made.pairs),
    }


def _data(runs: Sequence[Run]) -> Decision:
    """Say how much of GTSRB some runs had: their training, validation and test images beside all of them."""
    values, course = training.numbers(runs), reported.settings()
    had = values["train_images"].mean + values["validation_images"].mean, values["test_images"].mean
    there = course["course_train_images"].mean, course["course_test_images"].mean
    drawn = any(each.stand_in for each in reading.datasets(runs))
    outcome = "drawn" if drawn else "whole" if had == there else "part"
    return Decision("how much of GTSRB the runs had", outcome, ("part", "whole", "drawn"))


def as_long(runs: Runs) -> Answer:
    """Answer what comes of the course's own number of epochs, and whether it is near what was reported."""
    plain, normed = runs["signs-course"], runs["signs-course-batch-norm"]
    compared = versus(
        normed, plain, ("test_accuracy", "accuracy", "loss", "train_loss"), CALLED[NORMED], CALLED[BASELINE]
    )
    values, of_normed = training.numbers(plain), training.numbers(normed)
    published = reported.accuracy("baseline")
    return Answer(
        values={
            **values,
            "published": published,
            "test_batch": of_normed["test_batch"],
            "margin": Quantity(
                "published.signs.margin",
                "near",
                {0: NEAR},
                "points",
                Source((), reported.PUBLISHED.name, "near"),
            ),
        },
        contrasts=compared.contrasts,
        verdicts=compared.verdicts,
        decisions={
            "near": Decision(
                "the baseline beside a reported one", _near(values["test_accuracy"], published), NEARNESS
            )
        },
        grids={"ways": _ways(normed, of_normed, changes(of_normed, WAYS))},
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


def _all_trials(rivals: Mapping[str, Sequence[Run]], *, wide: bool = True) -> Picture:
    """Draw the training loss of every trial, up to a little above that of guessing."""
    drawn = [
        Curve(who, "contender", [[row["train_loss"] for row in run.history] for run in of])
        for who, of in rivals.items()
    ]
    first, label = next(iter(rivals.values())), "training loss"
    ends = "; ".join(
        f"{who}: {reading.last(of, 'train_loss', label, 'loss').text}" for who, of in rivals.items()
    ).replace("\u00a0", " ")
    alt = f"Curves of the {label} over the epochs, one for each trial. At the end {ends}."
    return figure.curves(
        drawn, f"{label} (nats)", alt, reading.datasets(first), wide=wide, ceiling=_ceiling(rivals)
    )


def _ceiling(rivals: Mapping[str, Sequence[Run]]) -> float | None:
    """Return where a drawing of losses ends, None where all lie below."""
    end = ABOVE_CHANCE * training.numbers(next(iter(rivals.values())))["chance_loss"].mean
    losses = [row["train_loss"] for of in rivals.values() for run in of for row in run.history]
    return end if max(filter(np.isfinite, losses), default=0.0) > end else None


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
    alt = (
        "Classes that are confused most: a test image that is classified wrongly, and one of the other class."
    )
    return thumbnails.captioned(thumbnails.from_rgb(np.stack(images)), captions, alt, reading.datasets(runs))


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {
    "s11": net,
    "s12": norm,
    "s13": optimisers,
    "s14": trials,
    "slong": as_long,
    "ssplits": splits,
}
