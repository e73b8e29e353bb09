"""Source as a notebook shows it: what ran, without docstrings and annotations."""

import ast
import textwrap
from collections.abc import Iterator

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def bare(source: str) -> str:
    """Return source without its docstrings and annotations; all else, comments too, stays as it is written.

    Args:
        source: Of a class or of functions.
    """
    text = textwrap.dedent(source).strip("\n")
    places = _Places(text)
    for begin, end in sorted(_spans(ast.parse(text), places), reverse=True):
        text = text[:begin] + text[end:]
    return "\n".join(line.rstrip() for line in text.split("\n"))


class _Places:
    """Turns the lines and columns of a syntax tree, which count bytes, into positions in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = text.split("\n")
        self._begins = [0]
        for line in self._lines:
            self._begins.append(self._begins[-1] + len(line) + 1)

    def at(self, line: int, column: int) -> int:
        return self._begins[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def begin(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def lines(self, node: ast.stmt) -> tuple[int, int]:
        """Return where the lines of a statement begin and end, an empty line behind them included."""
        begin, last = self._begins[node.lineno - 1], node.end_lineno or node.lineno
        if last < len(self._lines) and not self._lines[last].strip():
            last += 1
        return begin, min(self._begins[last], len(self.text))


def _spans(tree: ast.Module, places: _Places) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        # Where there is nothing else, nothing would be left.
        if isinstance(node, _Documented) and len(node.body) > 1 and ast.get_docstring(node, clean=False):
            yield places.lines(node.body[0])
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield places.begin(node) + len(node.arg), places.end(node.annotation)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield places.text.rindex(")", 0, places.begin(node.returns)) + 1, places.end(node.returns)
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield places.end(node.target), places.end(node.annotation)
