"""The folder of answers: its files are merged, and what is wrong in them is named."""

from pathlib import Path

import pytest
from composed import whole
from fake_runs import MakeRun

from cnnreport.errors import UsageError, VerificationError
from cnnreport.project import Project
from cnnreport.report.page import compose
from cnnreport.report.page.outline import Outline, Section

ANSWER = """
from cnnreport.report.answer import Answer

ANSWERS = {{{section!r}: lambda runs: Answer(facts={{"words": {section!r}.upper()}})}}
"""

JUDGED = """
from cnnreport.report.answer import Answer
from cnnreport.report.numbers.contrast import contrast
from cnnreport.report.numbers.family import family
from cnnreport.report.say import training


def judged(runs, primary):
    told = training.numbers(runs["pool-upsample"])
    compared = {{"loss": contrast("gap", told["loss"], told["train_loss"], "validation", "training")}}
    verdicts = {{name: each.verdict for name, each in family(compared, primary).items()}}
    return Answer(verdicts=verdicts, facts={{"words": "yes"}})


ANSWERS = {{"one": lambda runs: judged(runs, {one!r}), "two": lambda runs: judged(runs, {two!r})}}
"""

NEEDS = ("pool-upsample",)


def composed(root: Path, make_run: MakeRun, **files: str) -> str:
    """Lay out a report of two questions whose answers stand in these files."""
    answers, templates = root / "experiments" / "mine" / "answers", root / "templates" / "mine"
    for folder in (answers, templates):
        folder.mkdir(parents=True)
    for name, text in files.items():
        (answers / f"{name}.py").write_text(text)
    (templates / "told.html.j2").write_text("<p>Answered: {{ answer.facts.words }}.</p>\n")
    sections = tuple(Section(name, name, "Part", "told.html.j2", NEEDS) for name in ("one", "two"))
    outline = Outline("mine", "Mine", "", "", "mine.pdf", sections)
    runs = {"pool-upsample": [make_run(seed) for seed in range(3)]}
    return whole(compose.compose(Project(root, root / "build"), outline, runs, compose.Context()))


def test_answers_of_several_files_make_one_report(tmp_path: Path, make_run: MakeRun) -> None:
    """Each file answers some questions; the page has them all."""
    made = composed(
        tmp_path, make_run, part_a=ANSWER.format(section="one"), part_b=ANSWER.format(section="two")
    )
    assert "Answered: ONE." in made
    assert "Answered: TWO." in made


def test_an_id_answered_twice_is_refused(tmp_path: Path, make_run: MakeRun) -> None:
    """Neither of two answers is chosen silently; both files are named."""
    text = ANSWER.format(section="one")
    with pytest.raises(UsageError, match=r"one is answered in .*part_a\.py and in .*part_b\.py; remove one"):
        composed(tmp_path, make_run, part_a=text, part_b=text)


@pytest.mark.parametrize("files", [{}, {"part_a": ANSWER.format(section="one")}])
def test_a_missing_answer_names_the_folder(tmp_path: Path, make_run: MakeRun, files: dict[str, str]) -> None:
    """Whichever file the answer is to stand in, it belongs into that folder."""
    missing = "two" if files else "one"
    with pytest.raises(UsageError, match=rf"mine/answers has no answer to {missing}; add it to the ANSWERS"):
        composed(tmp_path, make_run, **files)


def test_a_file_without_answers_is_named(tmp_path: Path, make_run: MakeRun) -> None:
    """A file in the folder that answers nothing is a slip, not silence."""
    with pytest.raises(UsageError, match=r"part_a\.py has no ANSWERS; add the mapping from section ids"):
        composed(tmp_path, make_run, part_a="ANSWER = {}")


def test_one_comparison_is_not_judged_in_two_ways(tmp_path: Path, make_run: MakeRun) -> None:
    """Else a section might call lower what another finds not clearly different; the claim is named."""
    alike = JUDGED.format(one=("loss",), two=("loss",))
    assert "Answered: yes." in composed(tmp_path / "alike", make_run, part_a=alike)
    with pytest.raises(VerificationError, match=r"one and two judge “.*loss.*” in two ways; make it primary"):
        composed(tmp_path / "unlike", make_run, part_a=JUDGED.format(one=("loss",), two=()))
