"""Fetch a file once: with a hash, in bounded time, going on where an earlier attempt ended.

pooch, which most projects use for this, neither continues a transfer nor bounds its time or size.
"""

import hashlib
import importlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnnreport.errors import CnnReportError, DataError, EnvironmentFailure
from cnnreport.system import locks

if TYPE_CHECKING:
    from requests import Response, Session

Progress = Callable[[int, int | None], None]
"""Called from another thread with the bytes that are here and, where known, those of the whole."""

_CHUNK = 1 << 16
_ATTEMPTS = 5
_STALL = 30.0
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})|sha256:([0-9a-f]{8,63})|md5:([0-9a-f]{32})")


def cache_folder() -> Path:
    """Return where downloads are kept: CNNREPORT_CACHE, else the user's cache of the platform."""
    chosen = os.environ.get("CNNREPORT_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("cnnreport"))


@dataclass(frozen=True)
class Digest:
    """What is known of a file's hash.

    Args:
        algorithm: ``sha256`` or ``md5``.
        digits: Hexadecimal digits with which the hash begins; none where nothing is known.
    """

    algorithm: str = "sha256"
    digits: str = ""

    @classmethod
    def parse(cls, text: str | None) -> "Digest":
        """Read ``sha256:HEX`` (the first 8 digits or more), ``md5:HEX``, 64 bare digits, or None.

        Raises:
            ValueError: It is none of these.
        """
        if text is None:
            return cls()
        match = _DIGEST.fullmatch(text.lower())
        if match is None:
            raise ValueError(f"{text!r} is no hash: expected sha256:HEX, md5:HEX or 64 hexadecimal digits")
        return cls("md5" if match[3] else "sha256", match[1] or match[2] or match[3])

    @property
    def name(self) -> str:
        """Return the algorithm as people write it."""
        return {"sha256": "SHA-256", "md5": "MD5"}[self.algorithm]

    def fits(self, path: Path) -> bool:
        """Say whether a file is there and its hash begins with the digits."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, self.algorithm).hexdigest().startswith(self.digits)
        except OSError:
            return False


def fetch(
    url: str,
    digest: str | None,
    folder: Path,
    *,
    first_byte_within: float = 2.0,
    budget: float | None = None,
    limit: int = 1 << 30,
    progress: Progress | None = None,
) -> Path:
    """Return a file of a web address, downloaded where it is not in the folder yet.

    What arrives is kept in ``<file>.part`` and continued by the next attempt or call. The file
    appears under its name only when it is whole and its hash right. Processes that fetch at the
    same time do not disturb each other: one of them owns the part, the others start their own.

    Args:
        url: The address; the file is called as its last part.
        digest: What the file's hash must be: ``sha256:HEX``, where HEX may be its first 8 digits
            or more, ``md5:HEX``, or 64 bare digits of a SHA-256. None where nothing is known: what
            comes within the limit is taken, what is there already stays, and the caller judges it.
        folder: Where the file is kept.
        first_byte_within: Seconds within which the server must answer, name look-up included.
        budget: Seconds for the whole transfer, None for no limit.
        limit: The most bytes that are accepted.
        progress: Told now and then how far it is.

    Raises:
        DataError: No answer, a broken connection, the time is over, or another content.
        EnvironmentFailure: The folder cannot be written, or a library is missing.
    """
    # A file that is whole needs no server, and hashing it must not count as the server's silence.
    path = folder / url.rstrip("/").rpartition("/")[2]
    known = Digest.parse(digest)
    if known.fits(path):
        return path
    _load_library()
    job = _Job(url, known, path, first_byte_within, limit, progress)
    _await(job, first_byte_within, budget)
    if job.error is not None:
        raise _explained(job.error, url) from job.error
    return path


def _await(job: "_Job", first_byte_within: float, budget: float | None) -> None:
    """Start a download and wait until it is done, or the time is over."""
    # Nothing can interrupt a hanging name look-up, so the caller waits for a thread it may leave.
    thread = threading.Thread(target=job.run, name="cnnreport-download", daemon=True)
    started = time.monotonic()
    thread.start()
    answered = job.answered.wait(first_byte_within if budget is None else min(first_byte_within, budget))
    if answered:
        job.done.wait(None if budget is None else max(0.0, started + budget - time.monotonic()))
    if job.done.is_set():
        return
    job.cancelled.set()
    host = _host(job.url)
    problem = f"{host} sends too slowly to be done within {budget:g} s" if answered and budget else ""
    raise DataError(problem or f"{host} did not answer within {first_byte_within:g} s", _remedy())


def unwritable(error: OSError) -> EnvironmentFailure:
    """Say that the cache cannot be written, and why, without its path."""
    reason = (error.strerror or str(error)).lower()
    return EnvironmentFailure(
        f"cannot write to the cache: {reason}", "free some space, or set CNNREPORT_CACHE to another folder"
    )


def _load_library() -> None:
    """Import what the job needs before its clock starts: on a slow disk that takes seconds."""
    try:
        importlib.import_module("requests")
    except ImportError as error:
        raise EnvironmentFailure(
            f"a download needs the library {error.name}, which is missing", "install cnnreport again"
        ) from error


@dataclass
class _Job:
    """One download, run in a thread; the events tell the caller how far it is."""

    url: str
    digest: Digest
    path: Path
    first_byte_within: float
    limit: int
    progress: Progress | None
    answered: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def run(self) -> None:
        """Fetch; leave what went wrong in `error`, since nobody can catch it from a thread."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._retrieve()
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            self.error = error
        finally:
            self.done.set()
            self.answered.set()

    def _retrieve(self) -> None:
        with locks.attempt(self.path.parent / f"{self.path.name}.lock") as alone:
            if alone:
                self._fetch(self.path.parent / f"{self.path.name}.part")
                return
            with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=f"{self.path.name}.") as own:
                self._fetch(Path(own) / "part")

    def _fetch(self, part: Path) -> None:
        """Fill the part, and give it the file's name if its hash is right."""
        if self.digest.fits(self.path):  # another process was faster
            return
        if not (self.digest.digits and self.digest.fits(part)):  # else left whole by a killed process
            self._fill(part)
        _tag_of(part).unlink(missing_ok=True)
        if not self.digest.fits(part):
            part.unlink()
            raise DataError(
                f"what {_host(self.url)} sent has another {self.digest.name} than the published file",
                _remedy(),
            )
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, self.path)

    def _fill(self, part: Path) -> None:
        """Ask again as long as something comes: some servers cut off long answers."""
        import requests
        import urllib3

        fruitless = 0
        while True:
            before = _size(part)
            try:
                with requests.Session() as session:
                    self._continue(session, part)
                return
            except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError):
                fruitless = 0 if _size(part) > before else fruitless + 1
                if not self.answered.is_set() or fruitless >= _ATTEMPTS or self.cancelled.is_set():
                    raise
                time.sleep(min(0.05 * 2**fruitless, 1.0))

    def _continue(self, session: "Session", part: Path) -> None:
        """Ask for what is missing; begin again where the server cannot or its file has changed."""
        have = _size(part)
        # Bytes as they are stored: some servers call a .gz file an encoding and would unpack it.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            with suppress(FileNotFoundError):
                headers["If-Range"] = _tag_of(part).read_text("latin-1")
        timeout = (self.first_byte_within, _STALL)
        with session.get(self.url, headers=headers, stream=True, timeout=timeout) as answer:
            self.answered.set()
            if answer.status_code == 416:
                part.unlink()
                raise _cut_off()
            answer.raise_for_status()
            if answer.status_code != 206 or not _continues(answer, have):
                have = 0
            _remember_tag(answer, part)
            self._receive(answer, part, have)

    def _receive(self, answer: "Response", part: Path, have: int) -> None:
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else None
        self._check_size(total or 0)
        with part.open("ab" if have else "wb") as file:
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                if self.cancelled.is_set():
                    raise DataError("the download was given up")
                file.write(chunk)
                have += len(chunk)
                self._check_size(have)
                if self.progress:
                    self.progress(have, total)
        if total is not None and have < total:
            raise _cut_off()

    def _check_size(self, size: int) -> None:
        if size > self.limit:
            raise DataError(
                f"{self.path.name} has more than the {self.limit} bytes that are accepted", _remedy()
            )


def _cut_off() -> Exception:
    """Return the error of an answer that ended too early, which is worth another attempt."""
    import requests

    return requests.ConnectionError("the connection was cut off")


def _continues(answer: "Response", have: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _tag_of(part: Path) -> Path:
    """Return the file that says which version of the server's file a part belongs to."""
    return part.with_name(f"{part.name}.tag")


def _remember_tag(answer: "Response", part: Path) -> None:
    tag = answer.headers.get("ETag", "")
    # A weak tag says that two versions are alike, not that their bytes are the same.
    tag = answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
    if tag:
        _tag_of(part).write_text(tag, "latin-1")
    else:
        _tag_of(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remedy() -> str:
    return "try again later, pass a folder that holds the file with --data-dir, or use --data drawn"


def _host(url: str) -> str:
    return url.split("/")[2] if "//" in url else url


def _explained(error: BaseException, url: str) -> CnnReportError:
    """Turn what went wrong in the thread into an error for the user, without paths."""
    import requests

    host = _host(url)
    if isinstance(error, CnnReportError):
        return error
    if isinstance(error, requests.HTTPError):
        return DataError(f"{host} answered with status {error.response.status_code}", _remedy())
    if isinstance(error, requests.Timeout):
        return DataError(f"{host} did not answer in time", _remedy())
    if isinstance(error, requests.RequestException):
        return DataError(f"{host} cannot be reached or broke off the connection", _remedy())
    if isinstance(error, OSError):
        return unwritable(error)
    return DataError(f"the download from {host} failed: {error}", _remedy())
