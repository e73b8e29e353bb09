"""Answers to A4 of CSC413 2020, programming assignment 2: what y = ax + b on the input does to the output."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cnnreport.report.answer import Answer, Grid, Runs
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.contrast import Contrast, contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.family import family
from cnnreport.report.numbers.quantity import Quantity, combine, difference
from cnnreport.report.numbers.verdict import Verdict, exceeds
from cnnreport.report.say import training

from ..invariance import rings
from ..invariance.kinds import MODES, transforms_of
from ..invariance.transforms import SAME, TRANSFORMS, Transform

CNN, UNET = "six-block-cnn", "six-block-unet"
NETS = {CNN: "CNN", UNET: "UNet"}

FEW = 0.01
"""Of the pixels that get another colour, of the accuracy that is lost: so few are none to speak of."""

_WHY = "of a hundred pixels one is hardly seen"

EVAL = ("all", "some", "none", "unclear", "lost")
TRAINED = ("level", "worse", "better", "both_ways", "single", "lost")
"""How much the accuracy falls over all transformations, and where trainings on them end."""

TEXTS = {transform.name: transform.text for transform in TRANSFORMS}
SCALED = f"{TEXTS['half']} and {TEXTS['double']}"
_SAID = {
    "scaled": SCALED,
    "shifted": TEXTS["shifted"],
    "faint": TEXTS["hundredth"],
    "negative": TEXTS["negative"],
}
"""What is said of each net in train mode, and of which transformation."""

PLACES = {"change": "all", "border": "border", "centre": "centre"}
"""Where the change of a logit is told, and what a table calls it."""

Values = Mapping[str, Quantity]


def a4(runs: Runs) -> Answer:
    """Answer A4: what the trained nets make of ax + b, in train and in eval mode, and trainings on it.

    Returns:
        ``values``: of each net (``cnn_``, ``unet_``) what `_of_net` says; ``base``, ``batch``, the
        learning ``rate`` of the CNN, the loss of ``chance``, and those of `_proved`;
        ``verdicts`` and ``decisions``; ``contrasts``: of each training on ax + b, by the transformation's
        name; ``pictures``: ``cnn``, ``unet`` and ``kept``; ``grids``; ``parts``: the layers of each net, and
        ``transforms``, all that trained nets are tried with.
    """
    of_nets = {net: training.numbers(runs[f"{net}-transformed"]) for net in NETS}
    values = {
        **{f"cnn_{name}": value for name, value in _of_net(of_nets[CNN], "the CNN").items()},
        **{f"unet_{name}": value for name, value in _of_net(of_nets[UNET], "the UNet").items()},
        **_proved(runs),
    }
    verdicts = _verdicts(values)
    compared = trained(runs, CNN)
    base = training.numbers(runs[CNN])["loss"]
    return Answer(
        values={
            **values,
            "base": base,
            "rate": training.settings(runs[CNN])["learning_rate"],
            "chance": training.numbers(runs[CNN])["chance_loss"],
            "batch": reading.setting(runs[f"{CNN}-transformed"], "batch_size", "images in a batch"),
        },
        verdicts={**verdicts, **{name: each.verdict for name, each in compared.items()}},
        decisions={
            "kept": Decision("what eval mode loses", _eval(verdicts), EVAL),
            "trained": Decision("where trainings on ax + b end", _ends(compared), TRAINED),
        },
        contrasts=compared,
        pictures={
            "cnn": rings.by_distance(runs[f"{CNN}-transformed"], "CNN"),
            "unet": rings.by_distance(runs[f"{UNET}-transformed"], "UNet"),
            "kept": rings.in_eval_mode(runs[f"{CNN}-transformed"], "CNN"),
        },
        grids=_grids(runs, of_nets, compared, base),
        parts={
            **{name.lower(): _layers(runs[f"{net}-proof"][0].measures) for net, name in NETS.items()},
            "transforms": transforms_of("batch"),
        },
        facts={
            **_facts(compared),
            **{f"{name.lower()}_proof": runs[f"{net}-proof"][0].folder.name for net, name in NETS.items()},
            **{name: TEXTS[name] for name in ("shifted", "hundredth", "negative", "half", "double")},
            "scaled": SCALED,
            "tolerance": str(runs[f"{CNN}-proof"][0].measures["tolerance"]),
        },
    )


def _layers(proof: Mapping[str, Any]) -> dict[str, Any]:
    """Return a proof as its tables print it: sides and distances as texts, empty without a distance."""
    layers = [
        {
            **layer,
            "side": str(layer["side"]),
            **{
                case: {**layer[case], "reach": str(layer[case]["reach"] or "")}
                for case in ("scale", "both", "negative", "kept")
            },
        }
        for layer in proof["layers"]
    ]
    return {**proof, "side": str(proof["side"]), "layers": layers}


def a4full(runs: Runs) -> Answer:
    """Answer where trainings on every ax + b end, for both nets: of the full build."""
    compared = {name: family(_trained(runs, net)) for name, net in (("cnn", CNN), ("unet", UNET))}
    return Answer(
        values={name: training.numbers(runs[net])["loss"] for name, net in (("cnn", CNN), ("unet", UNET))},
        contrasts={f"{net}_{name}": each for net, all_ in compared.items() for name, each in all_.items()},
        verdicts={
            f"{net}_{name}": each.verdict for net, all_ in compared.items() for name, each in all_.items()
        },
        decisions={
            net: Decision(f"where trainings of the {net} on ax + b end", _ends(each), TRAINED)
            for net, each in compared.items()
        },
        parts={"data": reading.datasets(runs[CNN])},
        facts={f"{net}_{way}": text for net, each in compared.items() for way, text in _facts(each).items()},
    )


def trained(runs: Runs, net: str) -> dict[str, Contrast]:
    """Return the final losses of trainings on ax + b against that on x, judged together."""
    return family(_trained(runs, net))


def _trained(runs: Runs, net: str) -> dict[str, Contrast]:
    base = training.numbers(runs[net])["loss"]
    compared = {}
    for transform in TRANSFORMS:
        name = f"{net}-on-{transform.name.replace('_', '-')}"
        if runs.get(name):
            loss = training.numbers(runs[name])["loss"]
            loss = replace(loss, meaning=f"{loss.meaning} of the {NETS[net]}, {transform.text}")
            compared[transform.name] = contrast(f"{name}.less.x", loss, base, transform.text, "x")
    return compared


def _of_net(values: Values, net: str) -> dict[str, Quantity]:
    """Return what is said of one net.

    Returns:
        ``train`` and ``eval``: its accuracies on images as they are; ``train_shifted``: that with x + 0.3;
        ``half`` and ``double``: the share of the pixels that keep their colour with 0.5x and with 2x, and
        ``scaled``, the smaller of them; the same with x + 0.3 (``shifted``), 0.01x
        (``faint``) and -x (``negative``); ``best`` and ``worst``: its accuracies in eval mode, over all
        transformations; ``border`` and ``centre``: the mean change of a logit with x + 0.3, of their spread,
        and ``inner_border`` and ``inner_centre`` without what the statistics carry; ``factor_least`` and
        ``factor_median`` of 0.01; ``images``.
    """
    first = values["images"].name.partition(".")[0]
    kept = values["batch_half_agreement"], values["batch_double_agreement"]
    accuracies = [values[f"running_{transform.name}_accuracy"] for transform in TRANSFORMS]
    said = {
        "train": values["batch_same_accuracy"],
        "train_shifted": values["batch_shifted_accuracy"],
        "eval": values["running_same_accuracy"],
        "scaled": combine(
            f"{first}.scaled", f"pixels that keep their colour with {SCALED}, {net}",
            "the smaller of {} and {}", min, *kept, form="share",
        ),
        "half": kept[0],
        "double": kept[1],
        "shifted": values["batch_shifted_agreement"],
        "faint": values["batch_hundredth_agreement"],
        "negative": values["batch_negative_agreement"],
        "images": values["images"],
        "factor_least": values["factor_hundredth_least"],
        "factor_median": values["factor_hundredth_median"],
    }  # fmt: skip
    for name, choose, words in (("best", max, "highest"), ("worst", min, "lowest")):
        said[name] = combine(
            f"{first}.{name}", f"{words} accuracy in eval mode over all transformations, {net}",
            f"the {words} of {', '.join('{}' for _ in accuracies)}", choose, *accuracies, form="share",
        )  # fmt: skip
    for prefix, mode in (("", "batch"), ("inner_", "inner")):
        for place in ("border", "centre"):
            said[f"{prefix}{place}"] = combine(
                f"{first}.{prefix}{place}",
                f"{values[f'{mode}_shifted_{place}'].meaning}, over the spread of the logits",
                "{} / {}",
                lambda change, spread: change / spread,
                values[f"{mode}_shifted_{place}"],
                values[f"{mode}_spread"],
                form="share",
            )
    return said


def _proved(runs: Runs) -> dict[str, Quantity]:
    """Return the numbers of the proofs: of the CNN by their names, of the UNet with ``unet_`` before them."""
    mine, theirs = (training.numbers(runs[f"{net}-proof"]) for net in NETS)
    names = ("reach", "untouched", "side", "kernel", "identities", "compared", "points")
    return {name: mine[name] for name in names} | {f"unet_{name}": theirs[name] for name in names}


def _verdicts(values: Values) -> dict[str, Verdict]:
    made = {}
    for net, name in (("cnn", "the CNN"), ("unet", "the UNet")):
        for what, words in _SAID.items():
            made[f"{net}_{what}"] = exceeds(
                f"In train mode {words} gives pixels of {name} another colour",
                _other(values[f"{net}_{what}"]),
                FEW,
                _WHY,
            )
        for what, words in (("best", "every transformation"), ("worst", "some transformation")):
            lost = difference(
                f"{values[f'{net}_{what}'].name}.lost",
                f"accuracy lost in eval mode with {words}, {name}",
                values[f"{net}_eval"],
                values[f"{net}_{what}"],
                "points",
            )
            made[f"{net}_{what}"] = exceeds(f"In eval mode {name} is worse with {words}", lost, FEW, _WHY)
        for prefix, words in (("", ""), ("inner_", ", without what the statistics carry")):
            made[f"{net}_{prefix}border"] = exceeds(
                f"With {TEXTS['shifted']} in train mode, logits of {name} change more at the border{words}",
                difference(
                    f"{values[f'{net}_{prefix}border'].name}.less_centre",
                    f"change of a logit, border less centre{words}, {name}",
                    values[f"{net}_{prefix}border"],
                    values[f"{net}_{prefix}centre"],
                    "points",
                ),
            )
    made["raw"] = exceeds(
        f"In train mode {SCALED} give more pixels of the UNet another colour than of the CNN",
        difference(
            f"{values['unet_scaled'].name}.raw", "pixels that get another colour, UNet less CNN",
            _other(values["unet_scaled"]), _other(values["cnn_scaled"]), "points",
        ),
    )  # fmt: skip
    return made


def _other(kept: Quantity) -> Quantity:
    meaning = kept.meaning.replace("keep their colour", "get another colour")
    return combine(f"{kept.name}.other", meaning, "1 − {}", lambda share: 1 - share, kept, form="share")


def _eval(verdicts: Mapping[str, Verdict]) -> str:
    """Return over how many transformations the CNN loses accuracy in eval mode."""
    every, some = verdicts["cnn_best"], verdicts["cnn_worst"]
    if every.unknown or some.unknown:
        return "lost"
    if every.outcome == "yes":
        return "all"
    if some.outcome == "yes":
        return "some"
    return "none" if some.outcome == "no" else "unclear"


def _ends(compared: Mapping[str, Contrast]) -> str:
    known = [each for each in compared.values() if not each.unknown]
    if len(known) < len(compared) or not known:
        return "lost"
    if not all(each.sure for each in known):
        return "single"
    higher, lower = any(each.higher for each in known), any(each.lower for each in known)
    if higher and lower:
        return "both_ways"
    return "worse" if higher else "better" if lower else "level"


def _facts(compared: Mapping[str, Contrast]) -> dict[str, str | bool]:
    """Return which trainings end higher, lower and level, as texts, and whether more than a sign decided."""

    def named(outcome: str) -> str:
        names = [each.names[0] for each in compared.values() if each.outcome == outcome]
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)

    return {
        "higher": named("higher"),
        "lower": named("lower"),
        "level": named("open"),
        "sure": all(each.sure for each in compared.values()),
    }


def _grids(
    runs: Runs, of_nets: Mapping[str, Values], compared: Mapping[str, Contrast], base: Quantity
) -> dict[str, Grid]:
    data = reading.datasets([run for net in NETS for run in runs[f"{net}-transformed"]])
    return {
        "all": Grid(
            ("net sees", "CNN, train mode: colours kept", "CNN, eval mode: accuracy",
             "UNet, train mode: colours kept", "UNet, eval mode: accuracy", "CNN trained on it: loss"),
            tuple(_row(each, of_nets, compared, base) for each in (SAME, *TRANSFORMS)),
            data,
        ),
        **{f"{name.lower()}_accuracy": _in_full(of_nets[net], data) for net, name in NETS.items()},
        **{f"{name.lower()}_change": _changes(of_nets[net], data) for net, name in NETS.items()},
        "eval_change": _changes_kept(of_nets, data),
    }  # fmt: skip


def _row(
    transform: Transform, of_nets: Mapping[str, Values], compared: Mapping[str, Contrast], base: Quantity
) -> tuple[str | Quantity | tuple[Quantity, ...], ...]:
    cells: list[str | Quantity | tuple[Quantity, ...]] = [transform.text]
    for values in of_nets.values():
        kept = f"batch_{transform.name}_agreement"
        cells += [values.get(kept, ()), values[f"running_{transform.name}_accuracy"]]
    if transform is SAME:
        return (*cells, base)
    return (*cells, compared[transform.name].left if transform.name in compared else ())


def _in_full(values: Values, data: tuple[reading.DataSet, ...]) -> Grid:
    """Return accuracies and losses of a net in both modes, a row for each transformation."""
    columns = [(mode, what) for mode in ("batch", "running") for what in ("accuracy", "loss")]
    heads = (f"{MODES[mode]}: {what}" for mode, what in columns)
    rows = [
        (each.text, *(values[f"{mode}_{each.name}_{what}"] for mode, what in columns))
        for each in (SAME, *TRANSFORMS)
    ]
    return Grid(("net sees", *heads), tuple(rows), data)


def _changes(values: Values, data: tuple[reading.DataSet, ...]) -> Grid:
    """Return by how much logits of a net change in train mode: all over, at the border, in the centre."""
    heads = {"batch": "train mode", "inner": "inner statistics"}
    columns = (f"{words}: {what}" for words in heads.values() for what in PLACES.values())
    rows = [
        (each.text, *(_cell(values, mode, each, place) for mode in heads for place in PLACES))
        for each in TRANSFORMS
    ]
    return Grid(("net sees", *columns), tuple(rows), data)


def _changes_kept(of_nets: Mapping[str, Values], data: tuple[reading.DataSet, ...]) -> Grid:
    """Return the same in eval mode, of both nets."""
    columns = (f"{name}: {what}" for name in NETS.values() for what in PLACES.values())
    rows = [
        (each.text, *(of_nets[net][f"running_{each.name}_{place}"] for net in NETS for place in PLACES))
        for each in TRANSFORMS
    ]
    return Grid(("net sees", *columns), tuple(rows), data)


def _cell(values: Values, mode: str, transform: Transform, place: str) -> Quantity | tuple[Quantity, ...]:
    return values[f"{mode}_{transform.name}_{place}"] if transform in transforms_of(mode) else ()


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"a4": a4, "a4more": a4, "a4full": a4full}
