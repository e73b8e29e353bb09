"""Templates that are compiled once for all tests of a process, not once for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jinja2.nodes import Template

from cnnreport.report.page import templating


class Compiled(BytecodeCache):
    """Keeps what templates were compiled to, by their text."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hand out what is kept; jinja compares the text it was made of."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


@contextmanager
def compiled_once() -> Iterator[None]:
    """Keep what is compiled and parsed from now on."""
    parsed: dict[str, Template] = {}

    class Kept(Environment):
        def parse(self, source: str, name: str | None = None, filename: str | None = None) -> Template:
            """Hand out what is kept: only looked at, to see which templates are used."""
            if source not in parsed:
                parsed[source] = super().parse(source, name, filename)
            return parsed[source]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templating, "Environment", partial(Kept, bytecode_cache=Compiled()))
        yield
