"""Parts B and C: trainings compared, and the text that says it, true whatever the runs say."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from composed import text_of
from fake_runs import MakeRun
from fake_trainings import better, unet_runs, worse

from cnnreport.errors import UsageError
from cnnreport.project import PACKAGE, Project, load_file
from cnnreport.report.numbers.contrast import Contrast, balance, basis, contrast
from cnnreport.report.numbers.quantity import Quantity, Source
from cnnreport.report.say import sweep
from cnnreport.report.say.movement import below

pytestmark = pytest.mark.usefixtures("undrawn")


def quantity(*values: float) -> Quantity:
    """Return a number with a value for each seed."""
    return Quantity(f"n{values}", "loss", dict(enumerate(values)), "loss", Source(("r",), "f", "x"))


def test_the_relative_difference_is_that_of_the_means() -> None:
    """Its sign is that of the difference, as a mean of ratios need not be."""
    found = contrast("c", quantity(1.0, 3.0), quantity(0.5, 4.0), "A", "B")
    assert found.relative is not None
    assert found.relative.mean == pytest.approx(-0.5 / 4.5)


def test_nothing_is_relative_to_zero() -> None:
    """A number of zero has no relative difference."""
    assert contrast("c", quantity(1.0), quantity(0.0), "A", "B").relative is None


@pytest.mark.parametrize(("left", "printed"), [(10.9, True), (11.1, False), (-9.1, False)])
def test_many_times_a_number_is_no_per_cent(left: float, printed: bool) -> None:
    """The relative difference is given up to ten times the right number, in either direction."""
    assert (contrast("c", quantity(left), quantity(1.0), "A", "B").relative is not None) == printed


def compared(*pairs: tuple[Sequence[float], Sequence[float]]) -> list[Contrast]:
    """Return contrasts of these numbers, left and right."""
    return [
        contrast(f"c{n}", quantity(*left), quantity(*right), "A", "B")
        for n, (left, right) in enumerate(pairs)
    ]


LESS, MORE, EQUAL = ([1.0], [2.0]), ([2.0], [1.0]), ([1.0], [1.0])


@pytest.mark.parametrize(
    ("pairs", "outcome"),
    [
        ([([1.0, 1.1], [2.0, 2.2]), LESS], "welch"),
        ([([1.0], [2.0, 2.2]), ([1.0, 1.0], [2.0, 2.0])], "predicted"),
        ([([1.0, 1.0], [2.0, 2.0])], "exact"),
        ([LESS, MORE], "sign"),
        ([([math.nan], [1.0])], "nothing"),
        ([], "nothing"),
    ],
)
def test_a_table_says_what_decided_it(pairs: list[tuple[list[float], list[float]]], outcome: str) -> None:
    """A test where the seeds spread, none where they agree, the sign of one seed, or nothing."""
    assert basis(compared(*pairs)).outcome == outcome


@pytest.mark.parametrize(
    ("lower_is_better", "higher_is_better", "outcome"),
    [
        ([LESS, LESS], [MORE], "better"),
        ([LESS, EQUAL], [], "partly_better"),
        ([LESS, MORE], [], "mixed"),
        ([LESS], [LESS], "mixed"),
        ([EQUAL], [LESS], "partly_worse"),
        ([MORE], [LESS], "worse"),
        ([EQUAL], [EQUAL], "same"),
    ],
)
def test_several_measures_are_weighed(lower_is_better: Any, higher_is_better: Any, outcome: str) -> None:
    """Better or worse as a whole is only what no measure contradicts."""
    assert balance("all", compared(*lower_is_better), compared(*higher_is_better)).outcome == outcome


@pytest.mark.parametrize(
    ("gap", "fell", "outcome"),
    [
        (0.01, 0.1, "not_below"),
        (0.0, 0.1, "not_below"),
        (-0.04, 0.1, "averaging"),
        (-0.06, 0.1, "partly"),
        (-0.06, -0.1, "partly"),
    ],
)
def test_averaging_explains_a_gap_of_half_the_last_fall(gap: float, fell: float, outcome: str) -> None:
    """A mean over an epoch lags by half of a steady fall; a larger gap has other causes as well."""
    assert below(quantity(gap), quantity(fell)).outcome == outcome


@pytest.mark.parametrize(("wanted", "loss"), [(10, 3.0), (15, 2.5), (20, 2.0), (22, 1.6), (25, 1.0)])
def test_a_loss_between_two_epochs_lies_on_a_line(wanted: int, loss: float) -> None:
    """Also where the last epoch was cut short, after 25 updates instead of 30."""
    assert sweep.between([3.0, 2.0, 1.0], per_epoch=10, updates=25, wanted=wanted) == pytest.approx(loss)


def test_nets_that_saw_other_images_are_not_set_under_each_other(
    project: Project, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of pictures claim to show the same images, so they have to."""
    import fake_runs

    runs = worse(make_run, "pool-upsample", 1)
    original = fake_runs.pictures
    monkeypatch.setattr(fake_runs, "pictures", lambda seed: {
        name: array[..., ::-1].copy() if "truth" in name else array for name, array in original(seed).items()
    })  # fmt: skip
    runs += better(make_run, "conv-transpose", 1)
    with pytest.raises(UsageError, match="conv-transpose and pool-upsample did not see the same images"):
        text_of(project, runs, "b3")


def test_published_results_stand_beside_real_data_alone(project: Project, make_run: MakeRun) -> None:
    """What others reported of CIFAR-10 is shown beside runs on CIFAR-10, and beside no others."""
    drawn = text_of(project, unet_runs(make_run, better, worse), "c3more")
    assert "Beside published results" not in drawn
    real = {"data": "cifar10", "title": "CIFAR-10 horses", "stand_in": False}
    shown = text_of(project, unet_runs(make_run, worse, better, **real), "c3more")
    assert "Beside published results" in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source = [", "TOMLDecodeError"),
        ("", "KeyError: 'source'"),
        ("source = []", "lacks numbers of pool-upsample, conv-transpose, unet"),
        ('[[source]]\ntitle = "x"\nunet = {loss = 1.0, accuracy = 50}', "KeyError: 'pool-upsample'"),
        ('[[source]]\ntitle = "x"\npool-upsample = 3', "TypeError"),
    ],
)
def test_a_mistake_in_the_published_results_is_named(tmp_path: Path, text: str, says: str) -> None:
    """A source without all of its numbers is no source."""
    file = tmp_path / "published.toml"
    file.write_text(text)
    part = load_file(PACKAGE.parent / "experiments/a2-writeup/answers/part_c.py")
    with pytest.raises(UsageError, match=f"published.toml.*{says}"):
        replace(part.PUBLISHED, file=file).sources()


@pytest.mark.parametrize(
    ("sizes", "labelled"),
    [
        ((32, 64, 100, 128, 256, 512), [32, 64, 100, 256, 512]),
        ((1, 5, 10, 100, 500, 1000), [1, 5, 100, 1000]),
        ((8, 9), [9]),
    ],
)
def test_labels_on_an_axis_keep_their_distance(sizes: tuple[int, ...], labelled: list[int]) -> None:
    """Those that would run into the one before are left out, but the last, which stands for it."""
    assert sweep.apart(sizes) == labelled
