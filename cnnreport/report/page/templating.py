"""Answers laid on a page: the only importer of Jinja. A template that misses something stops the build."""

import base64
import hashlib
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
)
from jinja2.bccache import Bucket
from jinja2.meta import find_referenced_templates
from markupsafe import Markup

from cnnreport.errors import CnnReportError, UsageError, VerificationError
from cnnreport.kinds.digits import MINUS, NARROW, in_unit
from cnnreport.report.draw.picture import Picture
from cnnreport.report.draw.sheets.rows import stacked
from cnnreport.report.numbers import contrast
from cnnreport.report.numbers.quantity import CONFIDENCE, Quantity
from cnnreport.report.page import formulas, listing, outcomes
from cnnreport.report.page.cells import syntax
from cnnreport.report.page.ledger import CLASS_NAME, Ledger
from cnnreport.report.page.outcomes import Outcomes
from cnnreport.report.page.shortened import shortened

Render = Callable[..., Markup]

_REFERRING = re.compile(r"\{%[-+]?\s*(?:extends|from|import|include)\b.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


class _Compiled(BytecodeCache):
    """Keeps what templates were compiled to: a watch compiles those that changed, and so does the next build.

    Args:
        kind: Tells its templates from others of the same text that are compiled otherwise.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])  # passed over if it is of another text
        elif (folder := _folder_of_compiled(self._kind)) is not None:
            folder.load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()
        if (folder := _folder_of_compiled(self._kind)) is not None:
            with suppress(OSError):  # a full disk costs time alone
                folder.dump_bytecode(bucket)


@lru_cache(maxsize=8)
def _folder_of_compiled(kind: str) -> FileSystemBytecodeCache | None:
    """Return where the machine keeps them for this user alone, None where it has no safe place."""
    # What a template is compiled to depends on the tags that this room adds, and on Jinja.
    code = [file.read_bytes() for file in (Path(__file__), Path(outcomes.__file__))]
    made_by = hashlib.sha256(b"".join([*code, version("jinja2").encode()])).hexdigest()[:16]
    try:
        return FileSystemBytecodeCache(pattern=f"cnnreport-{kind}-{made_by}-%s.cache")
    except (OSError, RuntimeError):
        return None


_HTML, _CODE_OF_CELLS = _Compiled("page"), _Compiled("cells")
"""Of pages, in which every value is escaped, and of cells, in which none is."""

_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<[^>]*>", re.DOTALL)
_CELL = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|^# %%\s*\n.*?(?=^# %%|\Z)", re.DOTALL | re.MULTILINE)
"""What may hold numbers in a template of cells: all but the cells of text."""
_CODE_NAME = re.compile(
    r"<(?P<whole>code|pre|svg|style|script|title)\b.*?</(?P=whole)>|<[^>]*>"
    rf"|(?P<name>{CLASS_NAME.pattern})",
    re.DOTALL,
)
"""What may not be looked into, or the name of a class in prose."""

_UNHYPHENATED = (".css.j2", "cover.html.j2", "page.html.j2")
"""Templates whose words are never divided, or have been seen to."""

_SPACE_AT_THE_END = re.compile(r"\s+(?=</(?:p|li|figcaption|caption)>)")
"""What nobody sees, but for which WeasyPrint 70 may break a line of the block after its first word."""
_DECIMAL = re.compile(r"\b\d+\.\d+\b")


def open_templates(folders: Sequence[Path], ledger: Ledger, names: Mapping[str, Any]) -> Render:
    """Return a function that renders a template by name with some more values.

    Text is escaped, a name that does not exist is an error, and so is a bare number: numbers enter
    only as quantities, which print themselves linked to their origin.

    Args:
        folders: Where templates are looked for, in order.
        ledger: Keeps what is printed.
        names: What every template may use.
    """
    environment = _environment(folders, ledger)
    environment.globals.update(names)

    def render(template: str, **values: Any) -> Markup:
        with _named(template):
            text = _SPACE_AT_THE_END.sub("", environment.get_template(template).render(values))
            # Safe: autoescape has seen every value in it.
            return Markup(text if template.endswith(_UNHYPHENATED) else _unbroken(text))

    return render


def _unbroken(text: str) -> str:
    """Mark the names of classes in prose, which no hyphen may divide."""
    return _CODE_NAME.sub(
        lambda found: f'<span class="whole">{found["name"]}</span>' if found["name"] else found[0], text
    )


def open_cells(folders: Sequence[Path]) -> Callable[..., str]:
    """Return a function that renders templates of a notebook's cells by name, with some values.

    Nothing is escaped, a name that does not exist is an error, and so is anything but a text: a value enters
    code as it is written in code, by the filter ``code``.

    Args:
        folders: Where templates are looked for, in order.
    """
    environment = _code_environment(folders)

    def render(template: str, **values: Any) -> str:
        with _named(template):
            return environment.get_template(template).render(values)

    return render


def check(folders: Sequence[Path], templates: Iterable[str]) -> None:
    """Compile templates and those that they use, which needs no values.

    Args:
        folders: Where templates are looked for, in order.
        templates: Their names.

    Raises:
        UsageError: One is missing or has a mistake, which is named with its line.
        VerificationError: A decimal number was typed into one.
    """
    html, code = _environment(folders, Ledger()), _code_environment(folders)
    waiting, seen = [*templates], set()
    while waiting:
        if (template := waiting.pop()) in seen:
            continue
        seen.add(template)
        with _named(template):
            environment = html if template.endswith(".html.j2") or ".css" in template else code
            environment.get_template(template)
            source = environment.loader.get_source(environment, template)[0]  # type: ignore[union-attr]
            waiting += _referenced(source)
        if environment is code:
            syntax.check_template(source, template)


@lru_cache(maxsize=1024)
def _referenced(source: str) -> tuple[str, ...]:
    """Return the names of the templates that one uses, as far as they stand in it."""
    # What else stands in a template was parsed when it was compiled.
    tags = _REFERRING.findall(_COMMENT.sub("", source))
    return tuple(filter(None, find_referenced_templates(Environment().parse("".join(tags)))))


def _environment(folders: Sequence[Path], ledger: Ledger) -> Environment:
    environment = Environment(
        loader=_HonestLoader(folders),
        bytecode_cache=_HTML,
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[Outcomes],
        finalize=lambda value: _printable(value, ledger),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.globals.update(
        confidence=f"{CONFIDENCE:.0%}".replace("%", f"{NARROW}%"),
        ref=ledger.refer,
        origin_link=ledger.origin,
        place=ledger.place,
        basis=contrast.basis,
        maths=formulas.inline,
        display=formulas.display,
        formula_lines=formulas.lines,
        picture=_address,
        stacked=stacked,
    )
    environment.filters.update(
        mean=lambda q: ledger.quote(q, _or_none(q, f"{q.show(q.mean)}{q.unit}")),
        span=lambda q: ledger.quote(q, _span(q)),
        bare=lambda q: ledger.quote(q, _or_none(q, q.bare)),
        power=lambda q: ledger.quote(q, _or_none(q, _power(q.text))),
        size=lambda q: ledger.quote(q, _or_none(q, f"{q.show(abs(q.mean))}{q.unit}")),
        only=lambda mapping, names: [mapping[name] for name in names],
        in_unit=lambda q, unit: ledger.quote(q, _or_none(q, in_unit(q.mean, q.form, unit))),
        python=listing.python,
        shell=listing.shell,
        shortened=shortened,
    )
    return environment


def _code_environment(folders: Sequence[Path]) -> Environment:
    return Environment(
        loader=_HonestLoader(folders),
        bytecode_cache=_CODE_OF_CELLS,
        autoescape=False,
        undefined=StrictUndefined,
        extensions=[Outcomes],
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


def _written(value: Any) -> str:
    if type(value) is Undefined:  # of an inline if without else
        return ""
    if isinstance(value, StrictUndefined):
        return str(value)  # raises, with the name that does not exist
    if not isinstance(value, str):
        raise UsageError(f"the bare value {value!r} was printed", "write code(...) around it")
    return value


class _TypedNumberError(VerificationError):
    """A number in the text of a template, with its place; exit code and all else are its parent's."""


class _HonestLoader(FileSystemLoader):
    """Reads templates, and refuses one into whose text a decimal number was typed."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        text, name, current = super().get_source(environment, template)
        if template.endswith((".html.j2", ".py.j2")):
            # Blanked, not removed: the lines keep their numbers.
            bare = (_CELL if template.endswith(".py.j2") else _CODE).sub(
                lambda code: "\n" * code.group().count("\n"), text
            )
            for number, line in enumerate(bare.splitlines(), 1):
                if typed := _DECIMAL.search(line):
                    raise _TypedNumberError(
                        f"{template}:{number}: the number {typed.group()} was typed into the text",
                        "print a Quantity, so that it has an origin",
                    )
        return text, name, current


@contextmanager
def _named(template: str) -> Iterator[None]:
    """Say of an error in which template, and where it is known in which line, it arose."""
    try:
        yield
    except _TypedNumberError:
        raise  # it says where, perhaps in a template that this one uses
    except TemplateNotFound as error:
        raise UsageError(f"the template {error.name} is missing", "restore the templates folder") from error
    except TemplateSyntaxError as error:
        raise UsageError(f"{error.name}:{error.lineno}: {error.message}", "mend the template") from error
    except TemplateError as error:
        raise UsageError(f"{_place(error, template)}: {error.message}", "mend the template") from error
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{_place(error, template)}: {error}", "mend the template") from error
    except CnnReportError as error:
        raise type(error)(f"{_place(error, template)}: {error.problem}", error.remedy) from error


def _place(error: Exception, template: str) -> str:
    """Find the line of the template in which an error arose."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else template


def _printable(value: Any, ledger: Ledger) -> Any:
    if isinstance(value, Quantity):
        return ledger.quote(value)
    if isinstance(value, bool | int | float | complex) or value is None:
        raise UsageError(f"the bare value {value} was printed", "print a Quantity, so that it has an origin")
    return value


def _or_none(quantity: Quantity, text: str) -> str:
    return text if quantity.finite else "no finite value"


def _power(text: str) -> str:
    """Write a number such as 1e-08 with a raised exponent; one without an exponent stays as it is."""
    digits, e, exponent = text.partition("e")
    if not e:
        return text
    times = "" if digits == "1" else f"{digits}{NARROW}×{NARROW}"
    raised = f"{int(exponent)}".replace("-", MINUS)
    return Markup('<span class="formula">{}10<sup>{}</sup></span>').format(times, raised)


def _span(quantity: Quantity) -> str:
    if not quantity.finite:
        return "no finite value"
    low, high = quantity.show(min(quantity.finite)), quantity.show(max(quantity.finite))
    return f"{low}{quantity.unit}" if low == high else f"{low} to {high}{quantity.unit}"


def _address(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
