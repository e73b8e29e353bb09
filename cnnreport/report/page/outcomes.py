"""Branches by outcome in a template: each outcome that could be has its words, or the build stops.

A short text is picked, a longer one stands in a case; both name every outcome of what they ask::

    Its loss is {{ c.loss | pick(lower="lower", higher="higher", open="no different", unknown="not known") }}.

    {% case c.loss | known %}
    {% when lower %} It is lower, by {{ c.loss.apart }}.
    {% when higher, open %} It is not shown to be lower.
    {% endcase %}

Where the text around it has ruled out that nothing is known, ``known`` says so, and that needs no words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.parser import Parser

from cnnreport.errors import UsageError
from cnnreport.report.numbers import contrast, trend, verdict
from cnnreport.report.numbers.contrast import Contrast
from cnnreport.report.numbers.decision import Decision
from cnnreport.report.numbers.trend import Trend
from cnnreport.report.numbers.verdict import Verdict

UNKNOWN = "unknown"

_KINDS: Mapping[str, tuple[str, ...]] = {
    "a contrast": get_args(contrast.Outcome),
    "a trend": get_args(trend.Outcome),
    "a verdict": get_args(verdict.Outcome),
}


@dataclass(frozen=True)
class Known:
    """What is asked for its outcome where it cannot be unknown."""

    asked: Contrast | Trend | Verdict


class Outcomes(Extension):
    """The tag ``case`` and the filters ``pick`` and ``known``; a template with a hole does not compile."""

    tags = {"case"}  # noqa: RUF012 jinja's own declaration

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters.update(pick=pick, known=known)
        environment.code_generator_class = _Checked

    def parse(self, parser: Parser) -> nodes.Node:
        """Turn a case into a chain of conditions, one for each of its branches."""
        line = next(parser.stream).lineno
        asked = parser.parse_expression()
        if _words(before := parser.parse_statements(("name:when", "name:endcase"))):
            parser.fail("words stand between a case and its first branch", before[0].lineno)
        branches: list[tuple[list[str], list[nodes.Node]]] = []
        while next(parser.stream).value == "when":
            names = [parser.stream.expect("name").value]
            while parser.stream.skip_if("comma"):
                names.append(parser.stream.expect("name").value)
            branches.append((names, parser.parse_statements(("name:when", "name:endcase"))))
        every = [name for names, _ in branches for name in names]
        if wrong := _wrong(every, _is_known(asked)):
            parser.fail(wrong, line)
        return self._chain(asked, branches, every, line)

    def _chain(
        self,
        asked: nodes.Expr,
        branches: Sequence[tuple[list[str], list[nodes.Node]]],
        every: Sequence[str],
        line: int,
    ) -> nodes.Node:
        conditions = [
            nodes.If(
                self.call_method("_holds", [asked, nodes.Const(tuple(names)), nodes.Const(tuple(every))]),
                body,
                [],
                [],
                lineno=line,
            )
            for names, body in branches
        ]
        conditions[0].elif_ = conditions[1:]
        return conditions[0].set_lineno(line)

    def _holds(self, asked: object, names: Sequence[str], every: Sequence[str]) -> bool:
        return outcome(asked, every) in names


def pick(asked: object, **texts: str) -> str:
    """Return the text of the branch that holds.

    Args:
        asked: A contrast, a trend, a verdict, a decision, or a text that is itself one of the branches.
        texts: The text of each outcome that could be.

    Raises:
        UsageError: A branch is missing, or one can never occur.
    """
    return texts[outcome(asked, tuple(texts))]


def known(asked: Contrast | Trend | Verdict) -> Known:
    """Assure that the outcome is not unknown, so that no words are needed for that.

    Raises:
        UsageError: It is unknown.
    """
    if asked.outcome == UNKNOWN:
        raise UsageError(f"nothing is known of “{_meaning(asked)}”", "ask first, or give it words")
    return Known(asked)


def outcome(asked: object, branches: Sequence[str]) -> str:
    """Return the outcome of what is asked, once it is sure that the branches are all that could be.

    Raises:
        UsageError: A branch is missing, one can never occur, or what is asked has no outcome.
    """
    if isinstance(asked, str):
        if asked not in branches:
            raise UsageError(f"the outcome {asked} has no branch", f"branches: {', '.join(branches)}")
        return asked
    least = isinstance(asked, Known)
    inner = asked.asked if isinstance(asked, Known) else asked
    if not isinstance(inner, Contrast | Trend | Verdict | Decision):
        raise UsageError(f"{inner!r} has no outcome", "ask a contrast, a trend, a verdict or a decision")
    possible = inner.among if isinstance(inner, Decision) else get_args(_outcomes(inner))
    if wrong := _compared(branches, [name for name in possible if not (least and name == UNKNOWN)]):
        raise UsageError(f"{wrong} (“{_meaning(inner)}”)", "name each outcome that could be, and no other")
    return inner.outcome


def _outcomes(asked: Contrast | Trend | Verdict) -> Any:
    if isinstance(asked, Contrast):
        return contrast.Outcome
    return trend.Outcome if isinstance(asked, Trend) else verdict.Outcome


def _meaning(asked: Contrast | Trend | Verdict | Decision) -> str:
    return asked.claim if isinstance(asked, Verdict) else asked.meaning


class _Checked(CodeGenerator):
    """Compiles a template, and refuses a ``pick`` that lacks a branch."""

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802 jinja's name
        """Compile a filter."""
        if node.name == "pick":
            names = [
                str(each.key) for each in node.kwargs
            ]  # of keywords, for all that jinja calls them pairs
            wrong = _wrong(names, node.node is not None and _is_known(node.node))
            if node.args or node.dyn_kwargs or node.dyn_args:
                wrong = "pick takes its branches by name"
            if wrong:
                raise TemplateSyntaxError(wrong, node.lineno, self.name, self.filename)
        super().visit_Filter(node, frame)


def _is_known(asked: nodes.Node) -> bool:
    return isinstance(asked, nodes.Filter) and asked.name == "known"


def _words(statements: Iterable[nodes.Node]) -> bool:
    return any(
        not (isinstance(node, nodes.Output) and all(_blank(part) for part in node.nodes))
        for node in statements
    )


def _blank(part: nodes.Node) -> bool:
    return isinstance(part, nodes.TemplateData) and not part.data.strip()


def _wrong(branches: Sequence[str], known: bool) -> str:
    """Return what is wrong with branches by their names alone, empty where nothing is.

    Names of no contrast, trend or verdict are those of a decision, which knows its own.
    """
    if len(set(branches)) < max(len(branches), 1):
        return f"a branch is named twice: {', '.join(branches)}" if branches else "there are no branches"
    mistakes = []
    for kind, names in _KINDS.items():
        if not set(branches) & set(names) - {UNKNOWN, "open"}:
            continue
        wrong = _compared(branches, [name for name in names if not (known and name == UNKNOWN)])
        mistakes.append(wrong and f"{wrong} (the outcomes of {kind})")
    if not mistakes and (known or {UNKNOWN, "open"} & set(branches)):
        mistakes = [f"branches of no contrast, trend or verdict: {', '.join(branches)}"]
    return mistakes[0] if mistakes else ""


def _compared(branches: Iterable[str], possible: Iterable[str]) -> str:
    """Return in what branches differ from what is possible, empty where they are the same."""
    have, need = list(branches), list(possible)
    if missing := [name for name in need if name not in have]:
        return f"{', '.join(missing)} has no branch"
    if never := [name for name in have if name not in need]:
        return f"the branch {', '.join(never)} can never occur"
    return ""
