"""Listings without docstrings and annotations say the same as the source that ran."""

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinned import thinned

from cnnreport.project import PACKAGE
from cnnreport.report.page.shortened import WIDEST, shortened

PRINTED = {
    "nets/colourization.py": ("PoolUpsampleNet", "ConvTransposeNet", "UNet"),
    "nets/deeplab.py": ("fine_tune_last_layer", "learned_parameters"),
    "training/segmentation/soft_iou.py": ("soft_iou_loss", "cross_entropy_loss"),
    "training/loop.py": ("train",),
}
"""What the reports list, by file."""


def printed() -> list[str]:
    """The sources of it all, and of whole modules, which hold much more."""
    sources = []
    for file, names in PRINTED.items():
        text = (PACKAGE / file).read_text()
        held = {getattr(node, "name", ""): node for node in ast.parse(text).body}
        sources += [text, *(f"{ast.get_source_segment(text, held[name])}\n" for name in names)]
    return sources


class _Statements(ast.NodeTransformer):
    """Drops, from a tree, what no statement needs: the oracle works on trees, the library on text."""

    def _scope(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        first = node.body[0]  # type: ignore[attr-defined]
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:]  # type: ignore[attr-defined]
        return node

    visit_Module = visit_ClassDef = _scope  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop what it returns, and the annotations of what it assigns."""
        node.returns = None
        node.body = [_assigned(statement) for statement in node.body]
        return self._scope(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Drop an annotation."""
        node.annotation = None
        return node


def _assigned(statement: ast.stmt) -> ast.stmt:
    """Turn an assignment with an annotation into one without, wherever in a function it is."""
    if isinstance(statement, ast.AnnAssign) and statement.value:
        return ast.Assign([statement.target], statement.value)
    if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(inner := getattr(statement, name, None), list):
                setattr(statement, name, [_assigned(each) for each in inner])
    return statement


def statements(source: str) -> str:
    """Return what a source says, without docstrings and annotations."""
    return ast.dump(_Statements().visit(ast.parse(source)))


def comments(source: str) -> list[str]:
    """Return the comments of a source."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@pytest.mark.parametrize("source", thinned(printed(), 4))
def test_what_a_listing_shows_is_what_ran(source: str) -> None:
    """Every listing of the reports, and the modules around them, parse to the same statements."""
    assert statements(shortened(source).source) == statements(source)


@pytest.mark.parametrize("source", thinned(printed(), 4))
def test_no_comment_is_lost(source: str) -> None:
    """Comments stay, all of them and in their order."""
    assert comments(shortened(source).source) == comments(source)


@pytest.mark.parametrize("source", thinned(printed(), 4))
def test_nothing_is_left_that_could_go(source: str) -> None:
    """No docstring and no annotation of an argument or a result is left in what the reports list."""
    shown = shortened(source)
    functions = [node for node in ast.walk(ast.parse(shown.source)) if isinstance(node, ast.FunctionDef)]
    assert functions
    assert not any(ast.get_docstring(node) for node in functions if len(node.body) > 1)
    assert not any(node.returns for node in functions)
    assert not any(arg.annotation for node in functions for arg in node.args.args)
    assert shown.left_out == "docstrings and annotations"


NAMES = st.sampled_from(["x", "größe", "_y1"])
EXPRESSIONS = st.sampled_from(
    ["1", "(1, 2)", "f(a, b=3)", "lambda q: q", "'ü: =,)'", "{1: 2}", "x[1:2]", "not x", "(\n    1,\n)"]
)
TYPES = st.sampled_from(
    ["int", "(int)", "'str: =,'", "dict[str, int]", "Callable[\n    [int], str\n]", "int | None", "((a).b)"]
)
GAPS = st.sampled_from(["", " ", "\n        ", "  # why, = : )\n        "])


STATEMENTS = [
    *("{n} = {e}", "{n}: {t} = {e}", "a.b: {t} = {e}", "{n}: {t}", "({n}): {t} = {e}"),
    *("# note\n| pass", "return {e}", "if x:\n|     {n}: {t} = {e}\n| else:\n|     pass"),
]
"""The bar is the indent of the body."""


@st.composite
def arguments(draw: st.DrawFn) -> str:
    """Return a list of arguments of all sorts, laid out in all ways."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        star = draw(st.sampled_from(["", "", "*", "**"])) if number == 3 else ""
        annotation = draw(st.one_of(st.just(""), TYPES.map(lambda text: f": {text}")))
        default = "" if star else f" = {draw(EXPRESSIONS)}" if annotation else f"={draw(EXPRESSIONS)}"
        made.append(f"{draw(GAPS)}{star}a{number}{annotation}{default}")
    return ",".join(made) + draw(st.sampled_from(["", ",\n    "] if made and "*" not in made[-1] else [""]))


@st.composite
def bodies(draw: st.DrawFn, indent: str) -> str:
    """Return statements, a docstring before them or not."""
    docstrings = ['"""One."""', '"""Two.\n\n    lines"""\n', "'a' 'b'  # noqa", '"""End."""; x = 1', "('p')"]
    lines = [draw(st.sampled_from(docstrings))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(not lines, 3))):
        kind = draw(st.sampled_from(STATEMENTS)).replace("| ", indent)
        lines.append(kind.format(n=draw(NAMES), e=draw(EXPRESSIONS), t=draw(TYPES)))
    return "".join(f"{indent}{line}\n" for line in lines)


@st.composite
def functions(draw: st.DrawFn) -> str:
    """Return a function, alone or in a class."""
    returned = draw(st.one_of(st.just(""), TYPES.map(lambda text: f" -> {text}")))
    head = f"def größe({draw(arguments())}){returned}:"
    if draw(st.booleans()):
        return f"{head}\n{draw(bodies('    '))}"
    doc, field = draw(st.sampled_from(['    """A class."""\n\n', ""])), "    field: int = 1\n"
    body = draw(bodies("        "))
    return f"class C:\n{doc}{field}    {head}\n{body}"


@given(functions())
def test_any_function_says_the_same_as_before(source: str) -> None:
    """Whatever a function looks like, its statements and its comments are those that were there."""
    shown = shortened(source).source
    assert statements(shown) == statements(source)
    assert comments(shown) == comments(source)
    assert ("field: int = 1" in shown) == ("field: int = 1" in source)


HEAD = """def f(
    first: int,
    second: str = "a",  {comment}
) -> None:
    return first
"""


def test_a_head_becomes_one_line_where_it_fits() -> None:
    """What annotations broke over lines is joined, and keeps its lines where a comment stands in it."""
    assert shortened(HEAD.format(comment="")).source == 'def f(first, second="a"):\n    return first\n'
    kept = shortened(HEAD.format(comment="# why")).source
    assert kept == 'def f(\n    first,\n    second="a",  # why\n):\n    return first\n'


def test_a_head_that_is_too_wide_keeps_its_lines() -> None:
    """A joined line never gets wider than the column."""
    names = [f"argument_{number}" for number in range(9)]
    source = "def f(\n" + "".join(f"    {name}: int,\n" for name in names) + "):\n    return 1\n"
    shown = shortened(source).source
    assert shown == source.replace(": int", "")
    assert all(len(line) <= WIDEST for line in shown.splitlines())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\n", ""),
        ('def f():\n    """D."""\n', ""),
        ('def f():\n    """D."""\n    return 1\n', "docstrings"),
        ("def f(x: int):\n    return 1\n", "annotations"),
        ("    def f(x: int):\n        return 1\n", ""),
    ],
)
def test_a_caption_says_what_was_left_out(source: str, words: str) -> None:
    """Only what is missing is said to be; a body's only statement, and what does not parse, stays."""
    assert shortened(source).left_out == words
