"""What the sections of Parts A to C say, word by word, with runs of many kinds."""

from collections.abc import Callable

import pytest
from composed import prose_of
from fake_runs import MakeRun
from test_report_trainings import better, worse

from cnnreport.project import Project

pytestmark = pytest.mark.usefixtures("undrawn")


def test_it(project: Project, make_run: MakeRun, golden: Callable[[str, str], None]) -> None:
    runs = [*worse(make_run, "pool-upsample"), *better(make_run, "conv-transpose")]
    golden("b3-better", prose_of(project, runs, "b3"))
