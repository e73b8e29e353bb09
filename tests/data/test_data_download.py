"""Promises of the download, kept against servers on this machine that misbehave."""

import hashlib
import importlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cnnreport.data import download
from cnnreport.errors import DataError, EnvironmentFailure

CONTENT = hashlib.sha256(b"seed").digest() * 20_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """A server with faults that can be switched on."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.tag: str | None = '"one"'
        self.ranges = True
        self.cut_after: int | None = None
        self.pause = 0.0
        self.status = 200
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Return the address of the file."""
        return f"http://127.0.0.1:{self.server_port}/folder/file.bin"

    def handle_error(self, *_: Any) -> None:
        """Say nothing where a client left early."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET as the server's switches say."""

    server: Server

    def do_GET(self) -> None:
        """Send the file or what is asked for of it."""
        server, asked = self.server, dict(self.headers)
        server.asked.append(asked)
        start, changed = 0, asked.get("If-Range", server.tag) != server.tag
        if server.ranges and "Range" in asked and not changed:
            start = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
        if start > 0 and start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(server.status if not start else 206)
        self.send_header("Content-Length", str(len(body)))
        if start:
            size = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        for i in range(0, len(body[: server.cut_after]), 50_000):
            self.wfile.write(body[: server.cut_after][i : i + 50_000])
            time.sleep(server.pause)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that works well until it is told otherwise."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def files(folder: Path) -> set[str]:
    """Return the names in a folder, locks aside."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_whole(server: Server, tmp_path: Path) -> None:
    """The file arrives under its name, with its content and nothing beside it."""
    path = download.fetch(server.url, DIGEST, tmp_path / "new")
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert files(tmp_path / "new") == {"file.bin"}


def test_only_once(server: Server, tmp_path: Path) -> None:
    """What is there with the right hash is not asked for again."""
    download.fetch(server.url, DIGEST, tmp_path)
    download.fetch(server.url, DIGEST, tmp_path)
    assert len(server.asked) == 1


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    """What is there with another hash is fetched again."""
    (tmp_path / "file.bin").write_bytes(b"damaged")
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_progress(server: Server, tmp_path: Path) -> None:
    """The progress rises to the whole size, which is known from the start."""
    seen: list[tuple[int, int | None]] = []
    download.fetch(server.url, DIGEST, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_cut_connections(server: Server, tmp_path: Path) -> None:
    """A server that breaks off in the middle is asked for the rest, until all is there."""
    server.cut_after = 250_000
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT
    assert [asked.get("Range") for asked in server.asked] == [None, "bytes=250000-", "bytes=500000-"]


def test_the_next_call_goes_on(server: Server, tmp_path: Path) -> None:
    """What an earlier call left is continued, under the condition that the file is the same."""
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:300_000])
    (tmp_path / "file.bin.part.tag").write_text('"one"')
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT
    assert server.asked[0]["Range"] == "bytes=300000-"
    assert server.asked[0]["If-Range"] == '"one"'
    assert files(tmp_path) == {"file.bin"}


def test_a_changed_file(server: Server, tmp_path: Path) -> None:
    """Where the server's file has changed since, everything is fetched anew."""
    (tmp_path / "file.bin.part").write_bytes(b"x" * 300_000)
    (tmp_path / "file.bin.part.tag").write_text('"zero"')
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    """A server that ignores Range sends all again, and all is taken."""
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:300_000])
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_too_long(server: Server, tmp_path: Path) -> None:
    """A part beyond the end of the file is thrown away."""
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_another_content(server: Server, tmp_path: Path) -> None:
    """Another hash is an error, and nothing of it is kept."""
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match="has another SHA-256 than the published file"):
        download.fetch(server.url, DIGEST, tmp_path)
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    "digest",
    [
        f"sha256:{DIGEST}",
        f"sha256:{DIGEST[:8]}",
        DIGEST.upper(),
        f"md5:{hashlib.md5(CONTENT).hexdigest()}",
        None,
    ],
)
def test_what_may_be_known_of_a_hash(digest: str | None, server: Server, tmp_path: Path) -> None:
    """A whole SHA-256, its first digits, an MD5 or nothing: the file arrives alone, and only once."""
    for _ in range(2):
        assert download.fetch(server.url, digest, tmp_path).read_bytes() == CONTENT
    assert files(tmp_path) == {"file.bin"}
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("digest", "name"), [(f"sha256:{DIGEST[:8]}", "SHA-256"), (f"md5:{'0' * 32}", "MD5")]
)
def test_another_hash_of_another_kind(digest: str, name: str, server: Server, tmp_path: Path) -> None:
    """A wrong file never gets the name, however its hash is given; the error names the algorithm."""
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match=rf"sent has another {name} than the published file"):
        download.fetch(server.url, digest, tmp_path)
    assert files(tmp_path) == set()


@pytest.mark.parametrize("digest", [DIGEST, f"sha256:{DIGEST[:8]}"])
def test_a_damaged_file_stays_until_there_is_a_better_one(
    digest: str, server: Server, tmp_path: Path
) -> None:
    """What is there with another hash is replaced by the right file, and only by it."""
    (tmp_path / "file.bin").write_bytes(b"damaged")
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match="another SHA-256"):
        download.fetch(server.url, digest, tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == b"damaged"
    server.content = CONTENT
    assert download.fetch(server.url, digest, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("digest", [DIGEST, None])
def test_what_a_killed_process_left(digest: str | None, server: Server, tmp_path: Path) -> None:
    """A part that was whole and not yet named, of another version of the file, is not taken for it."""
    (tmp_path / "file.bin.part").write_bytes(b"?" * len(CONTENT))
    (tmp_path / "file.bin.part.tag").write_text('"zero"')
    assert download.fetch(server.url, digest, tmp_path).read_bytes() == CONTENT
    assert files(tmp_path) == {"file.bin"}


def test_a_whole_part_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    """A part that is whole and right, left by a process that was killed before it named it, is the file."""
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT
    assert server.asked == []


def test_two_at_once_with_the_first_digits(server: Server, tmp_path: Path) -> None:
    """Where not all digits are known, those who fetch together do not disturb each other either."""
    server.pause = 0.01
    (tmp_path / "file.bin").write_bytes(b"damaged")
    with ThreadPoolExecutor(4) as pool:
        digest = f"sha256:{DIGEST[:10]}"
        paths = list(pool.map(lambda _: download.fetch(server.url, digest, tmp_path), range(4)))
    assert all(path.read_bytes() == CONTENT for path in paths)
    assert files(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("digest", ["sha256:1234567", "md5:12345678", "12345678", "sha1:" + "0" * 40, ""])
def test_no_hash(digest: str, tmp_path: Path) -> None:
    """What is no hash is never taken for one, least of all for one that everything fits."""
    with pytest.raises(ValueError, match="is no hash"):
        download.fetch("http://127.0.0.1:9/f", digest, tmp_path)


def test_too_large(server: Server, tmp_path: Path) -> None:
    """A file larger than accepted is refused before it is taken."""
    with pytest.raises(DataError, match="more than the 1000 bytes"):
        download.fetch(server.url, DIGEST, tmp_path, limit=1000)
    assert "file.bin" not in files(tmp_path)


def test_a_status(server: Server, tmp_path: Path) -> None:
    """An error of the server is named by its number."""
    server.status = 503
    with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+ answered with status 503"):
        download.fetch(server.url, DIGEST, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    """A refused connection is reported at once."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/file.bin"
    with pytest.raises(DataError, match="cannot be reached"):  # not "did not answer within"
        download.fetch(address, DIGEST, tmp_path)


def test_a_black_hole(tmp_path: Path) -> None:
    """A server that accepts and never answers costs no more than the time allowed."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DataError, match=r"did not answer within 0\.3 s"):
            download.fetch(
                f"http://127.0.0.1:{silent.getsockname()[1]}/f", DIGEST, tmp_path, first_byte_within=0.3
            )


def test_libraries_are_not_the_servers_silence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the libraries take to be imported, the server has its whole time."""
    load = importlib.import_module

    def load_slowly(name: str) -> Any:
        time.sleep(0.3)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", load_slowly)
    path = download.fetch(server.url, DIGEST, tmp_path, first_byte_within=0.5, budget=0.6)
    assert path.read_bytes() == CONTENT


def test_a_missing_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not there is a failure of the machine."""
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(EnvironmentFailure, match=r"needs the library requests.*install"):
        download.fetch("http://127.0.0.1:9/f", DIGEST, tmp_path)


def test_a_hanging_name_look_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name look-up that hangs cannot hold the caller."""
    released = threading.Event()
    ended: list[bool] = []

    def hang(*_: Any, **__: Any) -> Any:
        ended.append(released.wait(60))
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(DataError, match=r"example\.invalid did not answer within 0\.2 s"):
        download.fetch("http://example.invalid/f", DIGEST, tmp_path, first_byte_within=0.2)
    assert not ended
    released.set()


def test_a_budget(server: Server, tmp_path: Path) -> None:
    """A slow server is left when the time is over; the next call goes on from there."""
    server.pause = 0.1
    with pytest.raises(DataError, match=r"sends too slowly to be done within 0\.4 s"):
        download.fetch(server.url, DIGEST, tmp_path, budget=0.4)
    server.pause = 0.0
    time.sleep(0.3)
    assert download.fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT
    assert "Range" in server.asked[-1]


def test_two_at_once(server: Server, tmp_path: Path) -> None:
    """Those who fetch at the same time all get the right file and leave nothing else."""
    server.pause = 0.01
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: download.fetch(server.url, DIGEST, tmp_path), range(4)))
    assert all(path.read_bytes() == CONTENT for path in paths)
    assert files(tmp_path) == {"file.bin"}


@pytest.mark.skipif(os.name == "nt", reason="needs /dev/null as a folder's parent")
def test_no_place_to_write() -> None:
    """A cache that cannot be written is a failure of the machine, with the way out."""
    with pytest.raises(EnvironmentFailure, match=r"cannot write to the cache.*CNNREPORT_CACHE"):
        download.fetch("http://127.0.0.1:9/f", DIGEST, Path("/dev/null/cache"))


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CNNREPORT_CACHE decides where downloads are kept."""
    monkeypatch.setenv("CNNREPORT_CACHE", str(tmp_path))
    assert download.cache_folder() == tmp_path
    monkeypatch.delenv("CNNREPORT_CACHE")
    assert download.cache_folder().name == "cnnreport"
