"""A build cut down to a time: what is taken away, by which estimates, and that it stays so."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from counting import Counting
from executing import Here, compute_with
from planned import plan

from cnnreport.commands import budget as command
from cnnreport.commands import build as pipeline
from cnnreport.errors import UsageError
from cnnreport.project import BUDGETS, Project
from cnnreport.report.out.screen import typefaces
from cnnreport.runs.executors import budget, estimate
from cnnreport.runs.executors.budget import Choice
from cnnreport.runs.executors.estimate import Guess, Took, Work
from cnnreport.runs.planning import cut as cutting
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.cut import WHOLE, Cut
from cnnreport.training.specs.colourization import Colourization

CPU = Choices(device="cpu")

DECLARATION = """
from cnnreport.runs.experiment import Experiment
from counting import Counting

EXPERIMENTS = (
    Experiment("count", "Counts", Counting(epochs=20), seeds=3, smoke={"epochs": 1}),
    *(
        Experiment(f"pace-{n}", f"Counts by {n}", Counting(epochs=20, factor=n), seeds=1, smoke={"epochs": 1})
        for n in (2, 3, 4, 5)
    ),
)
"""

OUTLINE = """
title = "Counts"
subtitle = "In little time"
course = "Counting"
output = "demo.pdf"

[[section]]
id = "count"
title = "Counting"
part = "Counts"
template = "text.html.j2"
experiments = ["count"]

[[section]]
id = "paces"
title = "Paces"
part = "Counts"
template = "text.html.j2"
experiments = ["pace-2", "pace-3", "pace-4", "pace-5"]
sweep = "pace-"
"""

ANSWERS = """
from cnnreport.report.answer import Answer

ANSWERS = {name: lambda runs: Answer(facts={"told": ", ".join(runs)}) for name in ("count", "paces")}
"""


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A report of an experiment with three seeds and a sweep of four, each run of 20 epochs, on one core."""
    root = tmp_path / "project"
    for name, text in (
        ("experiments/demo/counts.py", DECLARATION),
        ("experiments/demo/answers/all.py", ANSWERS),
        ("templates/demo/report.toml", OUTLINE),
        ("templates/demo/text.html.j2", "<p>{{ answer.facts.told }}</p>\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shutil.copy(Path(__file__).parent / "counting.py", root / "counting.py")
    monkeypatch.syspath_prepend(root)
    monkeypatch.setattr(estimate.hardware, "cores", lambda: 1)
    return Project(root, root / "build")


def took(effort: float, seconds: float) -> Took:
    """What some counting took."""
    return Took(Work("count", ("counting:CountingTask", "cpu", "float32"), "cpu", effort), seconds)


def chosen(project: Project, seconds: float) -> Choice | None:
    """What is chosen of that report where an epoch takes a second."""
    outline = pipeline.outlines.load(project, "demo")

    def left_out(cut: Cut) -> Collection[str]:
        return command.left_out(outline, cut)

    return budget.choose(pipeline.plan_report(project, "demo", CPU), 4, left_out, [took(20, 20.0)], seconds)


def test_seeds_go_first_then_sizes_then_epochs() -> None:
    """Each step keeps what the steps before have taken away; a sweep keeps three settings."""
    steps = [cut.text for cut in budget.cuts(3, 5)]
    assert steps[:6] == [
        "",
        "seeds=2",
        "seeds=1",
        "seeds=1,sizes=4",
        "seeds=1,sizes=3",
        "seeds=1,sizes=3,epochs=80",
    ]
    assert steps[-1] == "seeds=1,sizes=3,epochs=5"
    assert [cut.text for cut in budget.cuts(1, 0)][:2] == ["", "epochs=80"]


@pytest.mark.parametrize(
    ("seconds", "cut", "takes"),
    [
        (140, "", 140),
        (139, "seeds=2", 120),
        (119, "seeds=1", 100),
        (99, "seeds=1,sizes=3", 80),
        (79, "seeds=1,sizes=3,epochs=80", 64),
        (41, "seeds=1,sizes=3,epochs=50", 40),
    ],
)
def test_the_least_cut_that_fits_is_chosen(swept: Project, seconds: float, cut: str, takes: float) -> None:
    """Of seven runs of 20 s each: two seeds, one setting of the sweep, then a part of the epochs."""
    choice = chosen(swept, seconds)
    assert choice is not None
    assert (choice.cut.text, choice.takes, choice.fits) == (cut, Guess(takes), True)


def test_what_cannot_fit_is_said_with_the_shortest_choice(swept: Project) -> None:
    """Two epochs of each training are the least."""
    choice = chosen(swept, 7)
    assert choice is not None
    assert (choice.fits, choice.takes) == (False, Guess(8.0))


def test_runs_that_stand_cost_nothing_until_their_epochs_change(counting: Project) -> None:
    """A cut of seeds takes what is there; other epochs are other runs."""
    stands, lacks = (
        dataclasses.replace(each, run=run) for each, run in zip(plan(counting), (object(), None), strict=True)
    )
    runs = [stands, lacks]
    assert [work.effort for work in budget.works(runs, WHOLE, ())] == [4.0]
    assert budget.works(runs, Cut(seeds=1), ()) == []
    assert [work.effort for work in budget.works(runs, Cut(seeds=1, epochs=50), ())] == [2.0]


def test_nothing_is_chosen_where_nothing_is_known(swept: Project) -> None:
    """One run of the kind with the least to do is to be measured; without any there is no choice."""
    whole = pipeline.plan_report(swept, "demo", CPU)
    assert budget.choose(whole, 4, lambda cut: (), [], 60) is None
    (least,) = budget.unmeasured(whole, [])
    assert least.experiment.name == "count"
    assert budget.unmeasured(whole, [took(1, 1.0)]) == []


def test_another_kind_stands_in_for_what_was_never_measured(swept: Project) -> None:
    """By the effort that specs tell in one unit; the forecast of a build does not go so far."""
    other = Took(Work("other", ("another:Task", "cpu", "float32"), "cpu", 10), 5.0)
    works = [estimate.work_of(planned) for planned in plan(swept)]
    assert estimate.whole(works, [other], rough=True) == Guess(30.0)
    assert estimate.whole(works, [other]) is None
    proof = Work("proof", ("another:Proof", "cpu", "exact"), "cpu", 0.0)  # over in seconds, whoever knows it
    assert estimate.whole([proof], [], rough=True) == Guess(0.0)


@pytest.mark.parametrize(
    ("cut", "spec", "expected"),
    [
        (Cut(epochs=40), Counting(epochs=25), {"epochs": 10}),
        (Cut(epochs=5), Counting(epochs=25), {"epochs": 2}),
        (Cut(epochs=5), Counting(epochs=1), {"epochs": 1}),
        (Cut(seeds=1, sizes=3), Counting(epochs=25), {"epochs": 25}),
        (Cut(epochs=40), Colourization(net="a:Net", updates=500), {"epochs": 10, "updates": 200}),
        (Cut(epochs=40), Colourization(net="a:Net"), {"epochs": 10, "updates": None}),
    ],
)
def test_trainings_get_shorter(cut: Cut, spec: object, expected: dict[str, int | None]) -> None:
    """By a part of their epochs, or of their updates where a spec counts these; two epochs are left."""
    shorter = cut.of_spec(spec)
    assert {name: getattr(shorter, name) for name in expected} == expected


def test_a_sweep_keeps_its_ends() -> None:
    """The settings that are left are spread over the whole; three are always left."""
    assert Cut(sizes=3).of_sizes("abcde") == ("a", "c", "e")
    assert Cut(sizes=4).of_sizes("abcdef") == ("a", "c", "d", "f")
    assert Cut(sizes=1).of_sizes("abcd") == ("a", "c", "d")
    assert Cut(sizes=3).of_sizes("ab") == ("a", "b")


def test_what_another_section_tells_of_is_not_left_out(swept: Project) -> None:
    """A setting of a sweep that is also asked for by itself stays."""
    outline = pipeline.outlines.load(swept, "demo")
    assert command.left_out(outline, Cut(sizes=3)) == ("pace-3",)
    other = dataclasses.replace(outline.sections[0], experiments=("count", "pace-3"))
    both = dataclasses.replace(outline, sections=(other, outline.sections[1]))
    assert command.left_out(both, Cut(sizes=3)) == ()


@pytest.mark.parametrize("text", ["seeds=1,sizes=3,epochs=40", "epochs=5", ""])
def test_a_cut_is_read_as_it_is_written(text: str) -> None:
    """What the report says of the command makes the same report elsewhere."""
    assert cutting.read(text).text == text


@pytest.mark.parametrize("text", ["seeds", "seeds=0", "epochs=101", "seeds=1;sizes=2", "colours=2"])
def test_a_cut_that_is_none_is_refused(text: str) -> None:
    """With how to write one."""
    with pytest.raises(UsageError, match="is no cut; write it as seeds=1,sizes=3,epochs=40"):
        cutting.read(text)


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [("10m", 600, "10m"), ("90s", 90, "1m30s"), ("1h30m", 5400, "1h30m"), ("2h", 7200, "2h")],
)
def test_a_time_is_read(text: str, seconds: int, said: str) -> None:
    """Hours, minutes and seconds, each at most once, in that order."""
    assert command.read(text) == seconds
    assert command.phrase(seconds) == said


@pytest.mark.parametrize("text", ["", "10", "0m", "m", "30m1h", "-5m", "1.5h", "10 m"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    """With how to write one."""
    with pytest.raises(UsageError, match="is no time; write it as 10m, 90s or 1h30m"):
        command.read(text)


def words(built: pipeline.Built) -> str:
    """The text of a page."""
    page = built.paths[0].read_text()
    return " ".join(re.sub("<[^>]*>", "", page[page.index("<body") :]).split())


@pytest.fixture
def build(swept: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pipeline.Built]:
    """Build that report in this process where an epoch is known to take a second."""
    compute_with(monkeypatch, Here)
    monkeypatch.setattr(typefaces, "rules", lambda *pages: "")  # to cut them takes seconds, and nobody looks
    monkeypatch.setattr(estimate, "earlier", lambda project, plan: [took(20, 20.0)])

    def built(seconds: int | None, choices: Choices = CPU, *, as_is: bool = False) -> pipeline.Built:
        return pipeline.build(swept, "demo", choices, formats="html", seconds=seconds, as_is=as_is)

    return built


@pytest.mark.slow
def test_a_shortened_build_says_so_and_stays_as_it_is(
    build: Callable[..., pipeline.Built], swept: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cover names all that was cut; the same command, and the cut by itself, print the same again."""
    first = build(45)
    assert {(run.experiment, run.spec["epochs"]) for run in first.runs} == {
        (name, 10) for name in ("count", "pace-2", "pace-4", "pace-5")
    }
    told = words(first)
    cut = "at most 1 seed of an experiment instead of 3; sweeps without pace-3; 50 % of the epochs or updates"
    assert f"Shortened build. To save time, this build was cut down: {cut} of each training." in told
    assert "--cut seeds=1,sizes=3,epochs=50" in told
    # What is known of the machine has changed, and with it what would be chosen.
    monkeypatch.setattr(estimate, "earlier", lambda project, plan: [took(20, 2.0)])
    for again in (build(45), build(45, as_is=True), build(None, Choices(device="cpu", cut=Cut(1, 3, 50)))):
        assert (again.trained, again.printed) == (0, False)
    assert "Shortened build" not in words(build(60))
    assert {*json.loads((swept.output / BUDGETS).read_text()).values()} == {"seeds=1,sizes=3,epochs=50", ""}


def test_nothing_is_computed_for_a_time_that_is_too_short(
    build: Callable[..., pipeline.Built], swept: Project
) -> None:
    """The shortest choice is named; nor is there anything to print as it is."""
    with pytest.raises(
        UsageError, match="nothing fits into --budget 5s: the shortest choice takes about 8 s"
    ):
        build(5)
    with pytest.raises(UsageError, match="nothing was chosen for --budget 5s yet; build it without --as-is"):
        build(5, as_is=True)
    assert not swept.runs.exists()


def test_a_machine_is_measured_before_anything_is_chosen(
    swept: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By one small run of each kind, said beforehand; a dry run only says that a build would."""
    compute_with(monkeypatch, Here)
    monkeypatch.setattr(typefaces, "rules", lambda *pages: "")
    asked = {"full": False, "formats": "html"}
    assert pipeline.forecast_cut(swept, "demo", CPU, (), 600, **asked) == CPU
    assert not swept.runs.exists()
    assert "would first measure how long runs take here (count)" in capsys.readouterr().err
    pipeline.build(swept, "demo", CPU, formats="html", seconds=600)
    told = capsys.readouterr().err
    assert told.index("small ones are measured first (count)") < told.index(
        "For --budget 10m: nothing is cut; at most"
    )
    assert pipeline.forecast_cut(swept, "demo", CPU, (), 600, **asked) == CPU
    assert "For --budget 10m it was chosen before: nothing is cut." in capsys.readouterr().err
