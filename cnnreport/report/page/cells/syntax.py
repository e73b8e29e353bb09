"""Whether the code of cells is Python: a mistake is told with its line, as early as it can be known."""

import ast
import re
import warnings

from cnnreport.errors import UsageError

_CODE_CELL = re.compile(r"^# %%[ \t]*\n(.*?)(?=^# %%|\Z)", re.DOTALL | re.MULTILINE)
_NO_CODE = re.compile(
    r"\{#.*?#\}|\{%-?\s*set\b.*?%\}|^\{\{-?\s*(?:printed|drawn)\(.*?\)\s*-?\}\}[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
"""What of a template leaves nothing in the code of a cell."""
_OF_IPYTHON = re.compile(r"^\s*[%!]|=\s*[%!]|\?\s*$", re.MULTILINE)
"""What a notebook understands and Python does not: commands of IPython and of the shell, and help."""


def check_template(text: str, template: str) -> None:
    """Look at those cells of a template in which nothing is filled in, before there are any runs.

    Args:
        text: The template.
        template: Its name, for errors.

    Raises:
        UsageError: The code of one is no Python.
    """
    for cell in _CODE_CELL.finditer(text):
        source = _NO_CODE.sub(lambda code: "\n" * code.group().count("\n"), cell.group(1))
        mistake = None if "{{" in source or "{%" in source else _mistake(source)
        if mistake is not None:
            line = text.count("\n", 0, cell.start(1)) + (mistake.lineno or 1)
            raise UsageError(f"{template}:{line}: {mistake.msg}", "mend the Python of the cell")


def check(source: str, template: str, number: int) -> None:
    """Look at a cell of code as it will stand in the notebook.

    Args:
        source: Its text.
        template: Where it comes from, for errors.
        number: Which cell of that it is, from 1.

    Raises:
        UsageError: It is no Python.
    """
    if (mistake := _mistake(source)) is not None:
        line = (mistake.text or "").strip()
        place = f"{template}: the code of cell {number} is no Python, line {mistake.lineno}"
        raise UsageError(f"{place}: {mistake.msg}: {line}", "mend it in the template")


def _mistake(source: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python only advises against is no mistake
            compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return None if _OF_IPYTHON.search(source) else error
    return None
