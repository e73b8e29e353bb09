"""Pages that are watched: what is served to a browser of this machine, and when it is told to reload."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cnnreport.commands import live
from cnnreport.commands.live import State

PAGE = "<!DOCTYPE html><html><body><p>Told.</p></body></html>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page beside another file."""
    (tmp_path / "secret.txt").write_text("secret")
    file = tmp_path / "r.html"
    file.write_text(PAGE)
    return file


@pytest.fixture
def served(page: Path) -> Iterator[tuple[State, str]]:
    """That page served, with the state of its watch."""
    state = State()
    with live.served([page], state) as address:
        yield state, address


def ask(address: str, path: str, **headers: str) -> HTTPResponse:
    """Ask the server for something."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def test_the_script_is_in_what_is_served_and_not_in_the_file(served: tuple[State, str], page: Path) -> None:
    """What is handed in never reloads."""
    answer = ask(served[1], "/r.html")
    assert answer.read().decode().count("<script>") == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert page.read_text() == PAGE


def test_the_address_leads_to_the_first_page(served: tuple[State, str]) -> None:
    """Nobody has to know its name."""
    answer = ask(served[1], "/")
    assert (answer.status, answer.headers["Location"]) == (302, "/r.html")


@pytest.mark.parametrize("path", ["/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/r.html/"])
def test_nothing_but_the_pages_is_served(served: tuple[State, str], path: str) -> None:
    """Other files of the folder are nobody's business."""
    assert ask(served[1], path).status == 404


def test_a_name_that_leads_here_by_guile_is_refused(served: tuple[State, str]) -> None:
    """A page of the web may have its own name resolved to this machine."""
    assert ask(served[1], "/r.html", Host="example.org").status == 403


def test_browsers_are_told_of_new_pages_and_of_mistakes(served: tuple[State, str]) -> None:
    """A new page counts up, a mistake is shown on the old one, and goes when it is mended."""
    state, address = served
    events = ask(address, "/events")

    def told() -> dict[str, object]:
        line = events.readline()
        assert events.readline() == b"\n"
        return json.loads(line.removeprefix(b"data: "))

    assert told() == {"version": 0, "mistake": ""}
    state.tell(new=True)
    assert told() == {"version": 1, "mistake": ""}
    state.tell("a.html.j2:1: wrong.")
    assert told() == {"version": 1, "mistake": "a.html.j2:1: wrong."}
    state.tell()
    assert told() == {"version": 1, "mistake": ""}


def test_a_page_that_is_not_there_yet_is_waited_for(served: tuple[State, str], page: Path) -> None:
    """The mistake that stopped it can be read in the browser, so that has something to show it on."""
    page.unlink()
    text = ask(served[1], "/r.html").read().decode()
    assert "There is no page yet." in text
    assert "<script>" in text


def test_a_second_watch_finds_another_port(served: tuple[State, str], page: Path) -> None:
    """Both go on."""
    with live.served([page], State()) as other:
        assert other != served[1]
        assert ask(other, "/r.html").status == 200
