"""What a drawing becomes: a file's bytes, and the words that stand for it."""

from dataclasses import dataclass

from cnnreport.report.numbers.reading import DataSet


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Args:
        content: The bytes of the file.
        media_type: ``image/svg+xml``, ``image/png`` or ``image/jpeg``.
        alt: What someone who cannot see it needs to know.
        data: The data that it depends on; its caption names them.
    """

    content: bytes
    media_type: str
    alt: str
    data: tuple[DataSet, ...] = ()
