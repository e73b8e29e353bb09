"""Source code as a reader needs it: without docstrings and annotations, every other character as it ran.

Only what goes is cut out of the text, so that comments and the layout of lines stay. The head of a function
that was broken over lines for its annotations becomes one line again, where that fits.
"""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

WIDEST = 92
"""Columns up to which the head of a function is joined; so many fit into the column of a page."""

_LAYOUT = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT)

_Position = tuple[int, int]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Node = ast.expr | ast.stmt | ast.arg


@dataclass(frozen=True)
class Shortened:
    """A source without what the reader does not need.

    Args:
        source: What is left; it parses to the same statements.
        docstrings: Whether a docstring was left out.
        annotations: Whether an annotation was.
    """

    source: str
    docstrings: bool
    annotations: bool

    @property
    def left_out(self) -> str:
        """What was left out, for a caption; empty if nothing was."""
        gone = {"docstrings": self.docstrings, "annotations": self.annotations}
        return " and ".join(word for word, left in gone.items() if left)


def shortened(source: str) -> Shortened:
    """Leave docstrings out of a source, and the annotations of functions and of what they assign.

    One stays where nothing else would be left of a body, or where a comment would go with it. Fields of
    classes keep their annotations: dataclasses read them.

    Args:
        source: Python such as a class that ran; what does not parse by itself is returned as it is.

    Returns:
        The rest of it, with the layout of its lines.
    """
    try:
        ast.parse(source)
    except SyntaxError:
        return Shortened(source, docstrings=False, annotations=False)
    undocumented = _without(source, _docstrings)
    bare = _without(undocumented, _annotations)
    return Shortened(_joined(bare), docstrings=undocumented != source, annotations=bare != undocumented)


@dataclass(frozen=True)
class _Text:
    """A source with its tree and its tokens. Columns are counted in characters."""

    lines: Sequence[str]
    tree: ast.Module
    tokens: Sequence[tokenize.TokenInfo]

    @classmethod
    def of(cls, source: str) -> "_Text":
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        return cls(source.split("\n"), ast.parse(source), [t for t in tokens if t.type not in _LAYOUT])

    def start(self, node: _Node) -> _Position:
        """Return where a node begins; the tree counts columns in bytes."""
        return node.lineno, self._column(node.lineno, node.col_offset)

    def end(self, node: _Node) -> _Position:
        """Return where a node ends."""
        line = node.end_lineno or node.lineno
        return line, self._column(line, node.end_col_offset or 0)

    def _column(self, line: int, offset: int) -> int:
        return len(self.lines[line - 1].encode()[:offset].decode())

    def between(self, start: _Position, end: _Position) -> list[tokenize.TokenInfo]:
        """Return the tokens between two places."""
        return [token for token in self.tokens if start <= token.start < end]

    def after(self, place: _Position) -> Iterator[tokenize.TokenInfo]:
        """Yield the tokens from a place on."""
        return (token for token in self.tokens if token.start >= place)

    def commented(self, start: _Position, end: _Position) -> bool:
        """Tell whether there is a comment between two places."""
        return any(token.type == tokenize.COMMENT for token in self.between(start, end))

    def functions(self) -> Iterator[_Function]:
        """Yield every function."""
        return (node for node in ast.walk(self.tree) if isinstance(node, _Function))


@dataclass(frozen=True)
class _Cut:
    """What goes, from one place to another, and what takes its place."""

    start: _Position
    end: _Position
    instead: str = ""


def _without(source: str, find: Callable[[_Text], Iterator[_Cut]]) -> str:
    text = _Text.of(source)
    lines = list(text.lines)
    for cut in sorted(find(text), key=lambda cut: cut.start, reverse=True):
        (first, left), (last, right) = cut.start, cut.end
        before, behind = lines[first - 1][:left], lines[last - 1][right:]
        if before.strip():
            lines[first - 1 : last] = [f"{before}{cut.instead}{behind}"]
        elif behind.strip():
            lines[first - 1 : last] = [f"{before}{behind.lstrip()}"]
        else:
            # The blank line that parted a docstring from what follows has nothing to part any more.
            parted = last < len(lines) - 1 and not lines[last].strip()
            del lines[first - 1 : last + parted]
    return "\n".join(lines)


def _docstrings(text: _Text) -> Iterator[_Cut]:
    for node in ast.walk(text.tree):
        if not isinstance(node, ast.Module | ast.ClassDef | _Function) or len(node.body) < 2:
            continue
        start, end = text.start(node.body[0]), text.end(node.body[0])
        if ast.get_docstring(node) is None or text.lines[start[0] - 1][: start[1]].strip():
            continue
        # What follows is another statement, or the line goes on behind a backslash.
        follows = next(text.after(end))
        if follows.type in (tokenize.NEWLINE, tokenize.COMMENT) and follows.start[0] == end[0]:
            yield _Cut(start, end)


def _annotations(text: _Text) -> Iterator[_Cut]:
    for function in text.functions():
        found = [_argument(text, arg) for arg in _arguments(function) if arg.annotation]
        found += [_assignment(text, each) for each in _assignments(function)]
        found += [_returns(text, function, function.returns)] if function.returns else []
        yield from (cut for cut in found if cut and not text.commented(cut.start, cut.end))


def _arguments(function: _Function) -> Iterator[ast.arg]:
    args = function.args
    extra = [arg for arg in (args.vararg, args.kwarg) if arg]
    return chain(args.posonlyargs, args.args, args.kwonlyargs, extra)


def _assignments(scope: ast.AST) -> Iterator[ast.AnnAssign]:
    """Yield what is assigned with an annotation in a function itself, not in what is defined there."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.AnnAssign) and node.value:
            yield node
        if not isinstance(node, _Function | ast.ClassDef | ast.Lambda):
            yield from _assignments(node)


def _argument(text: _Text, arg: ast.arg) -> _Cut | None:
    assert arg.annotation
    name = next(text.after(text.start(arg)))
    behind = _behind(text, name.end, arg.annotation)
    # Where a default follows, PEP 8 sets no spaces around its sign any more.
    if behind.string == "=":
        return _Cut(name.end, next(text.after(behind.end)).start, "=")
    return _Cut(name.end, _end_before(text, behind))


def _returns(text: _Text, function: _Function, returned: ast.expr) -> _Cut | None:
    head = text.between(text.start(function), text.start(returned))
    arrow = max(number for number, token in enumerate(head) if token.string == "->")
    return _Cut(head[arrow - 1].end, _behind(text, head[arrow].start, returned).start)


def _assignment(text: _Text, assigned: ast.AnnAssign) -> _Cut | None:
    place = text.end(assigned.target)
    if next(text.after(place)).string != ":":
        return None  # parentheses around the name
    return _Cut(place, _behind(text, place, assigned.annotation).start, " ")


def _behind(text: _Text, start: _Position, annotation: ast.expr) -> tokenize.TokenInfo:
    """Return the token behind an annotation and the parentheses around it, which the tree leaves out."""
    around = sum(token.string == "(" for token in text.between(start, text.start(annotation)))
    following = (token for token in text.after(text.end(annotation)) if token.type != tokenize.COMMENT)
    token = next(following)
    for _ in range(around):
        token = next(following)
    return token


def _end_before(text: _Text, token: tokenize.TokenInfo) -> _Position:
    """Return where the token before one ends: a line break between the two stays."""
    return [each for each in text.tokens if each.start < token.start][-1].end


def _joined(source: str) -> str:
    text = _Text.of(source)
    for function in sorted(text.functions(), key=lambda function: -function.lineno):
        source = _with_one_head(source, text, function)
    return source


def _with_one_head(source: str, text: _Text, function: _Function) -> str:
    """Join the head of a function to one line, if that fits and says the same."""
    first, last = function.lineno, _colon(text, function).end[0]
    lines = source.split("\n")
    if first == last or text.commented((first, 0), (last + 1, 0)):
        return source
    head = lines[first - 1].rstrip()
    for line in lines[first:last]:
        head = _glued(head, line.strip())
    joined = "\n".join([*lines[: first - 1], head, *lines[last:]])
    return joined if len(head) <= WIDEST and _same(joined, source) else source


def _colon(text: _Text, function: _Function) -> tokenize.TokenInfo:
    """Return the colon that ends the head of a function."""
    depth = 0
    for token in text.after(text.start(function)):
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        if token.string == ":" and not depth:
            return token
    raise AssertionError(f"{function.name} has no head that ends")


def _glued(left: str, right: str) -> str:
    if right[:1] in (")", "]", "}"):
        return left.removesuffix(",") + right
    return left + right if left.endswith(("(", "[", "{")) else f"{left} {right}"


def _same(left: str, right: str) -> bool:
    try:
        return ast.dump(ast.parse(left)) == ast.dump(ast.parse(right))
    except SyntaxError:
        return False
