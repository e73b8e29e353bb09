"""How progress comes back from another machine, and how it is known there that a run is still wanted."""

import contextlib
import json
import os
import threading
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path

from cnnreport.runs.runner import Notify, Progress

POSTS = "progress"
"""The folder, in an errand's room, of the posts."""

LOCK = "lock"
"""The file of a room that its command holds; where it is gone, nobody wants anything any more.

Not the folder itself: a run that is being written when its command ends would make that again."""

POLL = 1.0
"""Seconds between two looks at the posts."""


class Reporter(ABC):
    """Reports on one run from where it is computed; travels with the errand."""

    @abstractmethod
    def tell(self, progress: Progress) -> None:
        """Pass progress on; must not raise where nobody listens."""

    @abstractmethod
    def wanted(self) -> bool:
        """Say whether the run is still wanted, as far as is known."""


def is_open(room: Path) -> bool:
    """Say whether a room can be seen from here, and is wanted."""
    return (room / LOCK).is_file()


class Poster(Reporter):
    """Writes the last progress of a run into a file of the room, where that is shared.

    Args:
        room: The errand's room.
        name: A name for the file.
    """

    def __init__(self, room: Path, name: str) -> None:
        self._room = room
        self._file = room / POSTS / f"{name}.json"
        self._shared: bool | None = None

    def tell(self, progress: Progress) -> None:
        """Put a new file in the place of the last."""
        if not self._sees():
            return
        new = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(asdict(progress)))
            os.replace(new, self._file)

    def wanted(self) -> bool:
        """Say yes until the room's lock is gone."""
        return not self._sees() or is_open(self._room)

    def _sees(self) -> bool:
        if self._shared is None:
            self._shared = is_open(self._room)
        return self._shared


class Posts:
    """Reads what posters write, in a thread of its own.

    Args:
        room: The errands' room.
        notify: Takes the progress.
    """

    def __init__(self, room: Path, notify: Notify) -> None:
        self._folder = room / POSTS
        self._folder.mkdir(parents=True)
        self._notify = notify
        self._seen: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="cnnreport-posts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read what has come, and no more."""
        self._over.set()
        self._thread.join()

    def forget(self, name: str) -> None:
        """Pass on the last of a run that has ended, and remove its post: nobody looks at it again."""
        file = self._folder / f"{name}.json"
        self._pass_on(file)
        self._seen.pop(file.name, None)
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)

    def look(self) -> None:
        """Pass on what is new since the last look."""
        for file in self._folder.glob("*.json"):
            self._pass_on(file)

    def _pass_on(self, file: Path) -> None:
        with contextlib.suppress(OSError, ValueError, TypeError):  # gone, or half of it as shares have it
            text = file.read_text()
            if text != self._seen.get(file.name):
                self._seen[file.name] = text
                self._notify(Progress(**json.loads(text)))

    def _follow(self) -> None:
        while not self._over.wait(POLL):
            self.look()
        self.look()
