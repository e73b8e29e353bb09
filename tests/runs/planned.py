"""Plans and jobs of the counting project."""

from cnnreport.project import Project
from cnnreport.runs.experiment import load_all
from cnnreport.runs.planning.choices import Choices
from cnnreport.runs.planning.plan import make_plan
from cnnreport.runs.planning.planned import Planned, make_job
from cnnreport.runs.runner import Job

DECLARATION = """
from cnnreport.runs.experiment import Experiment
from counting import Counting

EXPERIMENTS = (
    Experiment("count", "Counts", Counting(), seeds=2, smoke={"epochs": 1}),
    Experiment("fail", "Fails", Counting(fail_at=3), seeds=1),
)
"""

PACES = """
from cnnreport.runs.experiment import Experiment
from counting import Counting

EXPERIMENTS = tuple(
    Experiment(f"pace-{n}", f"Counts by {n}", Counting(factor=n), seeds=1, family="pace") for n in (2, 3)
)
"""


def plan(project: Project, name: str = "count", choices: Choices | None = None) -> list[Planned]:
    """Plan one experiment on the CPU."""
    return make_plan(project, [load_all(project)[name]], choices or Choices(device="cpu"))


def job(project: Project, name: str = "count", seed: int = 0) -> Job:
    """Make the job of one planned run."""
    return make_job(plan(project, name)[seed], None, "a command")
