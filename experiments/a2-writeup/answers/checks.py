"""Answers of the appendix: derived formulas judge what people and tools count."""

from collections.abc import Callable, Mapping

from cnnreport.report.answer import Answer, Runs
from cnnreport.report.say.formulas import audits, tool_counts

HANDWRITTEN = "handwritten-answer"
OTHER_TOOLS = "other-tools"


def audit(runs: Runs) -> Answer:
    """Answer what a hand-written answer to A3 gets right, and what it does not."""
    return Answer(parts={"audit": audits.audit(runs[HANDWRITTEN][0])})


def tools(runs: Runs) -> Answer:
    """Answer what other tools count, and what explains their numbers."""
    return Answer(parts={"compared": tool_counts.comparison(runs[OTHER_TOOLS][0])})


ANSWERS: Mapping[str, Callable[[Runs], Answer]] = {"audit": audit, "tools": tools}
