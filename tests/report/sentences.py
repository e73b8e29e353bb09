"""What a text says that another one does not, so that many outcomes stand in one golden text."""

import re
from collections.abc import Iterator, Mapping

_NUMBER = re.compile(r"[−\d][\d ]*(?:\.\d+)?(?: ± [\d.]+)?")


def news(usual: str, text: str) -> list[str]:
    """Return the sentences of a text that the usual one does not have, whatever their numbers are."""
    known = {_NUMBER.sub("#", sentence) for sentence in _sentences(usual)}
    return [sentence for sentence in _sentences(text) if _NUMBER.sub("#", sentence) not in known]


def outcomes(usual: str, others: Mapping[str, str]) -> str:
    """Return for each text, under what makes it another one, what it says that the usual one does not."""
    blocks = ["\n".join([f"== {what}", *news(usual, text)]) for what, text in others.items()]
    return "\n\n".join(blocks) + "\n"


def section_of(text: str, title: str) -> str:
    """Return one section of several."""
    (section,) = (part for part in re.split(r"\n(?=## )", text) if part.startswith(f"## {title}"))
    return section


def _sentences(text: str) -> Iterator[str]:
    """Yield what is neither a heading, nor of a table, nor the words of a picture."""
    prose = re.sub(r"(?ms)^\[.*?\]$", "", text)
    yield from (line for line in prose.splitlines() if line and not line.startswith(("|", "#")))
