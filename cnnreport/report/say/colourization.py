"""What only the trainings of colourization nets say: looks, pictures, baselines, batch sizes.

Serves every training of such a net (CSC413 2020 to 2022, programming assignment 2); what a training of any
kind says stands in `training`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnreport.errors import UsageError
from cnnreport.report.answer import Answer
from cnnreport.report.draw import thumbnails
from cnnreport.report.draw.picture import Picture
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import balance
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.reading import Arrays
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import sweep as sweeping
from cnnreport.report.say import training as any_training
from cnnreport.report.say import versus as comparing
from cnnreport.report.say.colours import in_colour
from cnnreport.report.say.colours.errors import calibration as calibration  # for those who report by this
from cnnreport.report.say.colours.errors import errors_by_colour as errors_by_colour
from cnnreport.report.say.colours.pictured import SHOWN, changed, pictured
from cnnreport.report.say.training import experiment_of, net_name, shown_run
from cnnreport.runs.artefact import Run

TRUTH = ("edges_off", "colours_off")
"""How far the predictions are from the truth in numbers that should be neither low nor high."""

COMPARED = ("loss", "train_loss", "accuracy", "top3", "rgb_distance", "lab_distance", "edges_predicted",
            "speck_share", "colour_share", "first_loss", "parameters", *TRUTH)  # fmt: skip
"""The numbers in which two trainings are compared, in the order of the table."""

KEPT: comparing.Kept = {"loss": ("image_loss", None), "accuracy": ("image_accuracy", None)}
"""Those of them that runs keep of each validation image."""

SWEPT = ("loss", "train_loss", "gap", "accuracy", "lab_distance", "edges_predicted", "colour_share",
         *TRUTH)  # fmt: skip
"""The numbers of which it is asked how they go with the batch size."""

_SIZES = {
    "updates": "updates",
    "train_loss": "training loss",
    "loss": "validation loss",
    "accuracy": "validation accuracy",
    "lab_distance": "CIELAB distance",
    "edges_predicted": "edge share",
}
"""What the table of batch sizes shows."""


_MORE = ("speck_share", "speck_share_truth", "calibration_error", *in_colour.COMPARED)
"""What the table of a training has besides what its kind says, where it is known."""

_SHOWN = ("grey", "rgb", "truth_label", "predicted_label")
"""What runs keep of the first validation images."""

RECIPE = ("seeds", "epochs", "train_images", "batch_size", "kernel", "filters", "learning_rate")
"""What two trainings have in common of which a text says that one was trained as the other."""


def training(runs: Sequence[Run]) -> Answer:
    """Return what every section about one training may print.

    Args:
        runs: The runs of one experiment, sorted by seed.

    Returns:
        What a training of any kind says; ``values`` are `numbers`, ``verdicts`` have ``beats_table``
        and `in_colour.verdicts`, ``pictures`` rows of images, and of the best, median and worst images
        (``ranked_…``), and ``facts`` ``recipe``, by which trainings are known that differ in their net alone.

    Raises:
        UsageError: The runs lack something, as those of another version may.
    """
    plain, values, net = any_training.training(runs), numbers(runs), net_name(runs)
    return replace(
        plain,
        values=values,
        verdicts={
            **plain.verdicts,
            "beats_table": beats_table(runs, values["over_table"]),
            **in_colour.verdicts(runs),
        },
        pictures={**plain.pictures, **picture_rows(runs, net), **ranked_rows(runs, net)},
        tables={"final": any_training.final(runs, values, [name for name in _MORE if name in values])},
        facts={**plain.facts, "recipe": ", ".join(values[name].text for name in RECIPE)},
    )


def numbers(runs: Sequence[Run]) -> dict[str, Quantity]:
    """Return what the runs recorded, how far they are from table and truth, and `in_colour.numbers`."""
    values = any_training.numbers(runs)
    experiment = experiment_of(runs)
    values["over_table"] = difference(
        f"{experiment}.over_table",
        f"accuracy above the table, {net_name(runs)}",
        values["accuracy"],
        values["table"],
        "points",
    )
    for name, mine, true in (
        ("edges_off", "edges_predicted", "edges_true"),
        ("colours_off", "colour_share", "colour_share_true"),
    ):
        values[name] = combine(
            f"{experiment}.{name}",
            f"{values[true].meaning}, how far the predictions are from it",
            "size of ({} minus {})",
            lambda predicted, truth: abs(predicted - truth),
            values[mine],
            values[true],
            form="points",
        )
    return {**values, **in_colour.numbers(runs)}


def beats_table(runs: Sequence[Run], over_table: Quantity) -> Verdict:
    """Judge whether a net is better than the table from grey level to colour, which sees no shapes."""
    return exceeds(f"{net_name(runs)} is better than a table from grey level to colour", over_table)


def versus(
    left: Sequence[Run],
    right: Sequence[Run],
    left_name: str = "",
    right_name: str = "",
    primary: Sequence[str] = (),
) -> Answer:
    """Compare one training with another in `COMPARED`, and on coloured and other pixels where known.

    See `cnnreport.report.say.versus.versus`.

    Args:
        left: The runs of the training that is compared.
        right: Those of the training that it is compared with.
        left_name: What the text calls the first; the class of its net where it is left out.
        right_name: What the text calls the second.
        primary: The measures that the question asks about; the loss where it is left out.

    Returns:
        Besides what that gives, ``values``: `numbers` of the left runs; ``facts``: ``same_weights``.
    """
    mine, theirs = numbers(left), numbers(right)
    names = (*COMPARED, *(name for name in in_colour.COMPARED if name in mine and name in theirs))
    compared = comparing.versus(left, right, names, left_name, right_name, numbers, KEPT, primary)
    same = compared.contrasts["parameters"].difference.mean == 0
    return replace(
        compared,
        values={**mine, **compared.values},
        facts={**compared.facts, "same_weights": same},
    )


def sweep(trainings: Sequence[Sequence[Run]], more: Sequence[str] = ()) -> Answer:
    """Compare trainings that differ in their batch size in `SWEPT`; see `cnnreport.report.say.sweep.sweep`.

    Args:
        trainings: The runs of each batch size, in any order.
        more: Further numbers of which it is asked how they go with the batch size.

    Returns:
        Besides what that gives, ``parts``: ``rows`` of images, the truth and what was predicted after
        training with the smallest, the middle and the largest batch, each with its label; ``pictured``, of
        the smallest, and ``changed``, the image that is most unlike with the largest; ``decisions``:
        ``images``, whether images are better after larger batches, by the trends; ``uneven`` where none goes
        one way, though one turns or its ends clearly differ; ``image_ends``, whether they are with the
        largest batch, so far as that is more than the sign of one seed; ``values``: ``edges_true``;
        ``facts``: ``across``, whether the edge share is above the truth at one end and below at the other,
        with every seed.
    """
    swept = sweeping.sweep(trainings, (*SWEPT, *more), _SIZES, numbers)
    by_size = sorted(trainings, key=_batch_size)
    smallest, largest = numbers(by_size[0]), numbers(by_size[-1])
    return replace(
        swept,
        values={**swept.values, "edges_true": smallest["edges_true"]},
        decisions={**swept.decisions, **_images(swept)},
        parts={**swept.parts, **_of_sizes(by_size)},
        facts={**swept.facts, "across": _across(smallest, largest)},
    )


def _images(swept: Answer) -> dict[str, Decision]:
    """Decide whether images are better after larger batches, and whether after the largest one.

    How rough pictures are is no better or worse, so the share of edges is not among the measures.
    """
    names = "lab_distance", "accuracy"
    distance, right = (swept.trends[name] for name in names)
    better = balance("whether images are better after larger batches", [distance], [right])
    ends = [c for c in (swept.contrasts[name] for name in names) if c.sure]
    there = balance("whether images are better with the largest batch", ends[:1], ends[1:])
    turns = "bends" in (distance.outcome, right.outcome)
    uneven = better.outcome == "same" and (turns or there.outcome != "same")
    images = replace(better, outcome="uneven" if uneven else better.outcome, among=(*better.among, "uneven"))
    return {"images": images, "image_ends": there}


def _across(smallest: Mapping[str, Quantity], largest: Mapping[str, Quantity]) -> bool:
    """Whether the edge share is above that of the truth at one end, and below it at the other."""
    less = [
        [share - end["edges_true"].mean for share in end["edges_predicted"].finite]
        for end in (smallest, largest)
    ]
    return all(less) and (max(less[0]) < 0 < min(less[1]) or max(less[1]) < 0 < min(less[0]))


def _of_sizes(by_size: Sequence[Sequence[Run]]) -> dict[str, object]:
    """Return the pictures after training with some of the batch sizes; nothing where they cannot be shown."""
    smallest, largest = by_size[0], by_size[-1]
    first, last = pictured(smallest), pictured(largest)
    if first is None or last is None:
        return {}
    shown = {_batch_size(runs): runs for runs in (smallest, by_size[len(by_size) // 2], largest)}
    rows = [("truth", picture_rows(smallest, net_name(smallest))["truth"])]
    for size, runs in shown.items():
        row = prediction_row(runs, f"the net trained in batches of {size}", smallest)
        rows.append((f"batches of {size}", row))
    return {"rows": tuple(rows), "pictured": first, "changed": changed(last, first)}


def _batch_size(runs: Sequence[Run]) -> int:
    return int(runs[0].spec["batch_size"])


def picture_rows(runs: Sequence[Run], net: str) -> dict[str, Picture]:
    """Return rows of validation images: the grey input, the originals, their palette, the prediction."""
    return _rows(runs, net, prefix="", groups=1)


def ranked_rows(runs: Sequence[Run], net: str) -> dict[str, Picture]:
    """Return rows of the best, the median and the worst validation images, by the share of right pixels."""
    return _rows(runs, net, prefix="ranked_", groups=3)


def prediction_row(runs: Sequence[Run], what: str, like: Sequence[Run]) -> Picture:
    """Return the row of a net's predictions, to be set under those of another.

    Args:
        runs: The runs of one training.
        what: Who predicts, for someone who cannot see it.
        like: The runs of the training beside which it stands.

    Raises:
        UsageError: The two did not see the same images.
    """
    mine, theirs = shown_run(runs).samples(), shown_run(like).samples()
    if not (mine["truth_label"].shape == theirs["truth_label"].shape
            and (mine["truth_label"] == theirs["truth_label"]).all()):  # fmt: skip
        raise UsageError(
            f"the runs of {experiment_of(runs)} and {experiment_of(like)} did not see the same images",
            "build again so that all use the same data",
        )
    pixels = thumbnails.from_labels(mine["predicted_label"][:SHOWN], mine["palette"])
    alt = f"the colours that {what} gives to them, {_rightly(mine, '', SHOWN)}"
    return thumbnails.strip(pixels, alt, reading.datasets(runs))


def _rightly(arrays: Arrays, prefix: str, count: int | None) -> str:
    """Say of each image of a row how large a share of its pixels is right."""
    right = arrays[f"{prefix}predicted_label"][:count] == arrays[f"{prefix}truth_label"][:count]
    shares = ", ".join(f"{share:.0%}".replace("%", " %") for share in right.mean(axis=(1, 2)))
    return f"of whose pixels {shares} are right"


def _rows(runs: Sequence[Run], net: str, prefix: str, groups: int) -> dict[str, Picture]:
    data, kept = reading.datasets(runs), shown_run(runs).samples()
    palette = kept["palette"]
    arrays = kept if prefix else {name: kept[name][:SHOWN] for name in _SHOWN}
    order = ", from the best coloured through the median to the worst" if groups > 1 else ""
    count = len(arrays[f"{prefix}grey"])
    rows = {
        "grey": (thumbnails.from_grey(arrays[f"{prefix}grey"]), f"{count} grey images{order}"),
        "original": (thumbnails.from_rgb(arrays[f"{prefix}rgb"]), "the same images in their own colours"),
        "truth": (
            thumbnails.from_labels(arrays[f"{prefix}truth_label"], palette),
            "the same, each pixel in the nearest colour of the palette, which is the right answer",
        ),
        "prediction": (
            thumbnails.from_labels(arrays[f"{prefix}predicted_label"], palette),
            f"the colours that {net} gives to them, {_rightly(arrays, prefix, None)}",
        ),
    }
    return {
        f"{prefix}{name}": thumbnails.strip(pixels, said, data, groups=groups)
        for name, (pixels, said) in rows.items()
    }
