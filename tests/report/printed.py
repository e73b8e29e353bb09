"""What a composed page says, read back from its HTML."""

import re


def number_lines(html: str) -> list[str]:
    """Return the line of each printed number in the appendix, behind the line that says where it was read."""
    lines = []
    origin = ""
    for line in re.findall(r'<p (?:class="origin"|id="number-\d+")>.*?</p>', html, flags=re.DOTALL):
        if 'class="origin"' in line:
            origin = line
        else:
            lines.append(origin + line)
    return lines
