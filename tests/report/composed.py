"""The words of composed sections, for tests that read them."""

import html
import re
from collections.abc import Sequence

from cnnreport.project import Project
from cnnreport.report.page import compose, outline
from cnnreport.runs.artefact import Run


def text_of(project: Project, runs: Sequence[Run], *ids: str) -> str:
    """Compose the sections of some questions and return their words, without tags and line breaks."""
    loaded = outline.load(project, "a2-writeup")
    chosen = tuple(section for section in loaded.sections if section.id in ids)
    assert len(chosen) == len(ids)
    shorter = outline.Outline(**{**vars(loaded), "sections": chosen})
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.experiment, []).append(run)
    made = compose.compose(project, shorter, grouped, compose.Context()).page
    body = made[made.index("<main>") : made.index('id="appendix"')]
    words = html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\u00a0", " ")
    glued = re.findall(r".{20}[a-z%\d][.;:][A-Z].{20}", words.replace("nn.", ""))
    assert not glued, "a tag swallowed the space between two sentences"
    text = re.sub(r"\s+", " ", words)
    assert not re.findall(r".{20} [,;:] ", text), "a space stands before a sign"
    return text
