"""Numbers, their intervals, their verdicts, and where they come from."""

import math
from statistics import NormalDist

import pytest
from fake_runs import MakeRun

from cnnreport.errors import UsageError
from cnnreport.kinds.digits import digits
from cnnreport.kinds.kind import Form
from cnnreport.report.numbers import reading
from cnnreport.report.numbers.quantity import Quantity, Source, combine, difference, half_width
from cnnreport.report.numbers.rounding import adds_up
from cnnreport.report.numbers.verdict import exceeds

SOURCE = Source(("run",), "history.json", "loss")


def quantity(*values: float, name: str = "loss") -> Quantity:
    """Make a quantity with a value for each of the seeds 0, 1, …"""
    return Quantity(name, name, dict(enumerate(values)), "loss", SOURCE)


def test_the_interval_is_the_textbooks() -> None:
    """Student's sleep data (1908): mean difference 1.58, 95 % interval 0.70 to 2.46 (t = 2.262, n = 10)."""
    sleep = quantity(1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4)
    assert sleep.interval is not None
    assert [round(bound, 2) for bound in sleep.interval] == [0.70, 2.46]


def test_the_interval_approaches_the_normal_one() -> None:
    """With very many values Student's t is the normal distribution's quantile."""
    values = [float(n % 2) for n in range(100_000)]
    assert half_width(values) == pytest.approx(NormalDist().inv_cdf(0.975) * 0.5 / math.sqrt(1e5), rel=1e-3)


def test_one_seed_has_no_interval() -> None:
    """A single value is printed alone, without a spread that nobody knows."""
    assert quantity(1.5).interval is None
    assert quantity(1.5).text == "1.500"


def test_a_diverged_run_takes_no_part_in_the_mean_and_is_named() -> None:
    """The mean stands on the finite values and says on how many."""
    mixed = quantity(1.0, math.nan, 3.0)
    assert mixed.mean == 2.0
    assert mixed.lost == [1]
    assert mixed.text.endswith("(over 2 of 3 seeds)")


def test_nothing_finite_prints_as_words() -> None:
    """Where all runs diverged there is no number, no crash, and no verdict."""
    lost = quantity(math.nan, math.inf)
    assert lost.text == "no finite value"
    assert exceeds("it is large", lost).unknown


@pytest.mark.parametrize(
    ("values", "outcome", "sure"),
    [
        ((1.0, 1.1, 0.9), "yes", True),
        ((-1.0, -1.1), "no", True),
        ((0.0, 0.0), "no", True),
        ((1.0, -1.0), "open", True),
        ((1.0,), "yes", False),
        ((-1.0,), "no", False),
        ((math.nan,), "unknown", False),
    ],
)
def test_the_whole_interval_decides(values: tuple[float, ...], outcome: str, sure: bool) -> None:
    """Seeds that disagree leave a verdict open; a single seed decides, but not surely."""
    verdict = exceeds("it is positive", quantity(*values))
    assert (verdict.outcome, verdict.sure) == (outcome, sure)


def test_a_difference_is_taken_seed_by_seed() -> None:
    """Spread that two quantities share cancels in their difference, and both sources are kept."""
    less = difference("gap", "gap", quantity(1.0, 2.0), quantity(0.5, 1.5, name="other"), "loss")
    assert list(less.values.values()) == [0.5, 0.5]
    assert less.source.field == "loss: loss − other: loss"


def test_different_seeds_cannot_be_combined() -> None:
    """A difference over runs that do not match is refused."""
    with pytest.raises(UsageError, match="gap combines runs of different seeds"):
        difference("gap", "gap", quantity(1.0, 2.0), quantity(1.0), "loss")


def test_division_by_zero_is_no_number() -> None:
    """A ratio over zero is unknown, not a crash."""
    ratio = combine("r", "r", "{} / {}", lambda a, b: a / b, quantity(1.0), quantity(0.0), form="ratio")
    assert ratio.text == "no finite value"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.4123, "share", "41.2"),
        (-0.0971, "points", "−9.7"),
        (-0.0001, "loss", "0.000"),
        (12345, "count", "12\u00a0345"),
        (18.5, "count", "18.5"),
        (0.001, "number", "0.001"),
        (0.7824, "probability", "0.78"),
        (0.0994, "probability", "0.099"),
        (0.0996, "probability", "0.10"),
        (0.0004, "probability", "<\u00a00.001"),
        (math.nan, "loss", "non-finite"),
    ],
)
def test_each_form_prints_as_typeset(value: float, form: str, text: str) -> None:
    """A minus is a minus and no hyphen, zero has no sign, thousands are apart."""
    assert digits(value, form) == text  # type: ignore[arg-type]


def test_a_difference_that_a_reader_would_not_get_is_noticed() -> None:
    """63.31 − 31.46 is 31.85: printed 31.9, but 63.3 − 31.5 is 31.8; in either order."""

    def share(value: float, form: Form = "share") -> Quantity:
        return Quantity(f"{value}", "", {0: value}, form, SOURCE)

    off, fits = share(0.3185, "points"), share(-0.3180, "points")
    assert [digits(each.mean, "points") for each in (off, fits)] == ["31.9", "−31.8"]
    left, right = share(0.6331), share(0.3146)
    assert (adds_up(off, left, right), adds_up(off, right, left)) == (False, False)
    assert (adds_up(fits, left, right), adds_up(fits, right, left)) == (True, True)


@pytest.mark.parametrize("numbers", [(math.nan, 1.0, 1.0), (1.0, 2**10, 2**20)])
def test_where_nothing_can_be_subtracted_nothing_is_off(numbers: tuple[float, float, float]) -> None:
    """A number that is not finite, or numbers in different units, promise a reader no sum."""
    less, left, right = (Quantity(f"{n}", "", {0: n}, "bytes", SOURCE) for n in numbers)
    assert adds_up(less, left, right)


def test_numbers_of_a_diverged_run_count_for_nothing(make_run: MakeRun) -> None:
    """A measure of a diverged run is no value, but one that depends on the data alone stands."""
    runs = [make_run(0), make_run(1, diverged=True)]
    assert reading.measure(runs, "rgb_distance", "", "loss").lost == [1]
    assert reading.measure(runs, "chance_accuracy", "", "share", of_data=True).lost == []


def test_a_run_without_a_measure_is_an_error(make_run: MakeRun) -> None:
    """What a run does not hold is never read as zero."""
    with pytest.raises(UsageError, match=r"measures.json of the run .* has no beauty"):
        reading.measure([make_run()], "beauty", "", "loss")
