"""The kinds of output that a build can make, the quickest first, and how they are asked for."""

from pathlib import Path

from cnnreport.errors import UsageError
from cnnreport.report.out import html, notebook, pdf
from cnnreport.report.out.writer import Writer
from cnnreport.report.page.outline import Outline

WRITERS = (html.WRITER, notebook.WRITER, pdf.WRITER)


def chosen(words: str | None, outline: Outline) -> tuple[Writer, ...]:
    """Return the writers of some formats, None for all that a report has.

    Args:
        words: Names of formats with commas between them.
        outline: The report.

    Raises:
        UsageError: A format is not known, the report has no such file, or none is named.
    """
    had = {writer.format: writer for writer in WRITERS if writer.files(outline)}
    if words is None:
        return tuple(had.values())
    asked = [word.strip().lower() for word in words.split(",") if word.strip()]
    choices = f"choose from: {', '.join(sorted(had))}"
    if not asked:
        raise UsageError("--formats names none", choices)
    for word in asked:
        if word not in {writer.format for writer in WRITERS}:
            raise UsageError(f"--formats: there is no format {word!r}", choices)
        if word not in had:
            raise UsageError(f"--formats: the report {outline.name} has no {word} file", choices)
    return tuple(writer for name, writer in had.items() if name in asked)


def files(outline: Outline) -> list[Path]:
    """Name all files of a report, without their folder."""
    return [path for writer in WRITERS for path in writer.paths(outline, Path()).values()]
