"""Pages of a report as a browser of this machine sees them while they are watched: they reload by themselves.

The script that does it is put into what is served, never into a file.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOST = "127.0.0.1"
"""Nobody but this machine can ask."""

PORT = 8765
"""Where the pages are, so that a browser finds them again; another one where that is taken."""

_EVENTS = "/events"

_PATIENCE = 10.0
"""Seconds after which a browser is told that nothing has changed, which shows whether it is still there."""

_SCRIPT = """
<script>
(() => {
  let first = null;
  const note = document.createElement("pre");
  note.setAttribute("role", "alert");
  note.style.cssText = "position:fixed;inset:auto 0 0 0;margin:0;padding:1em;white-space:pre-wrap;" +
    "background:#8a1f11;color:#fff;font:14px/1.4 monospace;z-index:99";
  new EventSource("/events").onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (first !== null && now.version !== first) location.reload();
    first = first ?? now.version;
    note.textContent = now.mistake;
    if (now.mistake) document.body.append(note); else note.remove();
  };
})();
</script>
"""

_WAITING = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>No page yet</title></head>
<body><p>There is no page yet.</p></body></html>
"""


@dataclass
class State:
    """What browsers are told: how often the pages changed, and what is wrong with their sources."""

    version: int = 0
    mistake: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, mistake: str = "", *, new: bool = False) -> None:
        """Let browsers show a mistake or none, and reload where the pages are new."""
        with self.changed:
            self.version += new
            self.mistake = mistake
            self.changed.notify_all()

    def now(self) -> str:
        """Return it as JSON."""
        return json.dumps({"version": self.version, "mistake": self.mistake})


@contextmanager
def served(pages: Sequence[Path], state: State) -> Iterator[str]:
    """Serve some pages as long as the context lasts; the first one is where a browser begins.

    Yields:
        The address.
    """
    server = _listening(pages, state)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _listening(pages: Sequence[Path], state: State) -> "_Server":
    try:
        return _Server(PORT, pages, state)
    except OSError:  # taken, as by another watch
        return _Server(0, pages, state)


class _Server(ThreadingHTTPServer):
    """A server that knows its pages; browsers that still listen do not keep it from ending."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, port: int, pages: Sequence[Path], state: State) -> None:
        super().__init__((HOST, port), _Handler)
        self.pages = {page.name: page for page in pages}
        self.state = state


class _Handler(BaseHTTPRequestHandler):
    """Answers one browser."""

    server: _Server
    protocol_version = "HTTP/1.0"  # an answer ends with its connection

    def do_GET(self) -> None:
        """Serve a page, or tell of changes until the browser goes."""
        path = unquote(urlsplit(self.path).path)
        name = path.removeprefix("/")
        try:
            if self.headers.get("Host", "").partition(":")[0] not in (HOST, "localhost"):
                self.send_error(403)  # a page from elsewhere that had its name resolved to this machine
            elif path == "/":
                self.send_response(302)
                self.send_header("Location", f"/{next(iter(self.server.pages))}")
                self.end_headers()
            elif path == _EVENTS:
                self._tell()
            elif name in self.server.pages:
                self._serve(self.server.pages[name])
            else:
                self.send_error(404)
        except ConnectionError:  # it is gone
            return

    def _serve(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8") if page.is_file() else _WAITING
        head, end, tail = text.rpartition("</body>")
        content = f"{head}{_SCRIPT}{end}{tail}".encode()
        self._begin("text/html; charset=utf-8")
        self.wfile.write(content)

    def _tell(self) -> None:
        self._begin("text/event-stream")
        state = self.server.state
        while True:
            with state.changed:
                now = state.now()
            self.wfile.write(f"data: {now}\n\n".encode())
            self.wfile.flush()
            with state.changed:
                if state.now() == now:
                    state.changed.wait(_PATIENCE)

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is for mistakes."""
