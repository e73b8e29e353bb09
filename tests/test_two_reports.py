"""Two reports of one project that ask the same question: one declaration, one run, one text."""

import pytest
from command_line import run

from cnnreport.commands.build import plan_report
from cnnreport.project import PACKAGE, Project
from cnnreport.report.page import outline
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices

FIRST, SECOND = "a2-writeup", "csc413-2020"
SHARED = ("fine-tune-cross-entropy", "fine-tuning-costs")
DRAWN = Choices(device="cpu", smoke=True, seeds=1, data={"all": "drawn"})


def test_both_reports_name_the_same_experiments() -> None:
    """The 2020 report's C1 to C5 ask for what the 2021 report declares, and declare no second one."""
    project = Project(PACKAGE.parent, PACKAGE.parent / "build")
    common = {*outline.load(project, FIRST).experiments} & {*outline.load(project, SECOND).experiments}
    assert {*SHARED, "flower-features"} <= common <= {*load_all(project)}


def test_a_run_is_the_same_whichever_report_asks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its key, and so its folder, says nothing of the report."""
    project = Project(PACKAGE.parent, tmp_path_factory.mktemp("build"))
    keys = [
        {
            planned.experiment.name: planned.key.fingerprint
            for planned in plan_report(project, report, DRAWN, SHARED)
        }
        for report in (FIRST, SECOND)
    ]
    assert keys[0] == keys[1]
    assert {*keys[0]} == {*SHARED, "flower-features"}


@pytest.mark.slow
def test_what_one_report_has_run_stands_for_the_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a build of D.1 and the costs for 2021, those runs of 2020 are cached."""
    project = Project(PACKAGE.parent, tmp_path_factory.mktemp("build"))
    only = [word for name in SHARED for word in ("--only", name)]
    words = [
        "build",
        FIRST,
        "--smoke",
        "--seeds",
        "1",
        "--data",
        "drawn",
        "--device",
        "cpu",
        "--formats",
        "html",
    ]
    assert run(*words, *only, "--out", str(project.output)).code == 0
    plan = plan_report(project, SECOND, DRAWN, SHARED)
    states = {planned.experiment.name: planned.state for planned in plan}
    assert states == dict.fromkeys((*SHARED, "flower-features"), "cached")
    assert all(planned.run is not None for planned in plan)
