"""Drawings of a page as forms of a PDF: who prints a page again need not draw its figures again.

A form (ISO 32000-1, 8.10) is a drawing with all that it needs, to which pages refer. Before a page is
printed, each of its drawings gives way to a stand-in, an image of the same size; afterwards its form takes
the place of that image.
"""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

import pydyf  # type: ignore[import-untyped]

from cnnreport.errors import VerificationError

_DRAWN = re.compile(r'(?<=src="data:image/svg\+xml;base64,)[^"]+')
_SIZE = re.compile(
    r'<svg\b(?=[^>]*?\swidth="(?P<width>[\d.]+(?:px|pt)?)")(?=[^>]*?\sheight="(?P<height>[\d.]+(?:px|pt)?)")'
)
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
_STREAM, _END = b"\nstream\n", b"\nendstream"

_HEIGHT = 3
"""Of a stand-in, in pixels; its width is its number and one more. No picture of a report is such a strip."""


class Form(TypedDict):
    """A drawing as JSON can hold it.

    Keys:
        width: In points.
        height: In points.
        content: What draws it, compressed, in base64.
        resources: The number of the object that says what this uses.
        objects: That object and all that it refers to, each with its number and in base64.
    """

    width: float
    height: float
    content: str
    resources: int
    objects: list[tuple[int, str]]


def set_aside(page: str) -> tuple[str, list[str]]:
    """Put stand-ins into the place of a page's drawings.

    Args:
        page: HTML, in which drawings are SVG in base64.

    Returns:
        The page, and the drawings by the numbers of their stand-ins, as SVG. One that needs a typeface, or
        does not say its size, stays where it is.
    """
    numbers: dict[str, int] = {}

    def stand_in(found: re.Match[str]) -> str:
        svg = base64.b64decode(found[0]).decode()
        size = _SIZE.search(svg)
        if size is None or "<text" in svg:
            return found[0]
        return _encoded(_stand_in(size, numbers.setdefault(svg, len(numbers))).encode())

    return _DRAWN.sub(stand_in, page), list(numbers)


def sheet(svg: str) -> str:
    """Return a page of the size of a drawing that was set aside, with that drawing on it."""
    found = _SIZE.search(svg)
    assert found is not None
    width, height = (side + "px" * side[-1].isdigit() for side in found.groups())
    style = f"@page {{ size: {width} {height}; margin: 0 }} body {{ margin: 0 }} img {{ display: block }}"
    source = _encoded(svg.encode())
    return f'<style>{style}</style><img src="data:image/svg+xml;base64,{source}" alt="">'


def take(pdf: pydyf.PDF) -> Form:
    """Return the drawing of a `sheet` that was printed, as a form."""
    page = pdf.objects[_number(pdf.page_references[0])]
    content, resources = (_number(page[key]) for key in ("Contents", "Resources"))
    _, _, width, height = page["MediaBox"]
    drawn = pdf.objects[content].data
    return {
        "width": width,
        "height": height,
        "content": _encoded(drawn[drawn.index(_STREAM) + len(_STREAM) : -len(_END)]),
        "resources": resources,
        "objects": [(number, _encoded(data)) for number, data in _with_all_below(pdf, resources).items()],
    }


def put_back(pdf: pydyf.PDF, forms: Sequence[Form]) -> None:
    """Put forms into the places of the images that stood in for them.

    Raises:
        VerificationError: Something else looks like a stand-in.
    """
    images = [each for each in pdf.objects if isinstance(each, pydyf.Stream) and _is_stand_in(each)]
    places = {int(image.extra["Width"]) - 1: image for image in images}
    if len(places) < len(images) or max(places, default=-1) >= len(forms):
        raise VerificationError(
            f"the PDF was not written, a grey picture of it is {_HEIGHT} pixels high",
            "magnify that picture where it is drawn",
        )
    known: dict[bytes, int] = {}
    for number, image in places.items():
        _put(pdf, image, forms[number], known)


def settle(pdf: pydyf.PDF) -> None:
    """Spare the objects of a finished PDF to be written out twice, as pydyf does to hash them."""
    for number, each in enumerate(pdf.objects):
        if each.free != "f":
            _add(pdf, each.data, number)


def _is_stand_in(image: pydyf.Stream) -> bool:
    wanted = {"Subtype": "/Image", "Height": _HEIGHT, "ColorSpace": "/DeviceGray"}
    return {key: image.extra.get(key) for key in wanted} == wanted


def _put(pdf: pydyf.PDF, image: pydyf.Stream, form: Form, known: dict[bytes, int]) -> None:
    """Put a form into the place of an image: references to the one lead to the other.

    Args:
        pdf: Where.
        image: What is there.
        form: What comes there.
        known: Objects of other forms that refer to nothing, with their numbers: they are not added again.
    """
    numbers: dict[bytes, bytes] = {}
    for number, encoded in reversed(form["objects"]):
        data = _with_references(base64.b64decode(encoded), numbers)
        if (place := known.get(data)) is None:
            place = _add(pdf, data)
        if not _references(data):
            known[data] = place
        numbers[b"%d 0 R" % number] = b"%d 0 R" % place
    _add(pdf, _as_form(form, numbers[b"%d 0 R" % form["resources"]]), image.number)


def _as_form(form: Form, resources: bytes) -> bytes:
    width, height = form["width"], form["height"]
    extra = {
        "Type": "/XObject",
        "Subtype": "/Form",
        "BBox": pydyf.Array((0, 0, width, height)),
        # An image fills the square between (0, 0) and (1, 1), and pydyf rounds to six decimals.
        "Matrix": f"[{1 / width:.12f} 0 0 {1 / height:.12f} 0 0]",
        "Resources": resources,
        "Filter": "/FlateDecode",
    }
    drawn: bytes = pydyf.Stream([base64.b64decode(form["content"])], extra).data
    return drawn


class _Settled(pydyf.Object):  # type: ignore[misc]
    """An object of which it is known what it is, in bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    @property
    def data(self) -> bytes:
        """What stands between its number and its end."""
        return self._content

    @property
    def compressible(self) -> bool:
        """Whether it may lie in a stream itself."""
        return _STREAM not in self._content


def _add(pdf: pydyf.PDF, content: bytes, number: int | None = None) -> int:
    """Add an object, in the place of another where its number is given; return its number."""
    settled = _Settled(content)
    if number is None:
        pdf.add_object(settled)
    else:
        settled.number, pdf.objects[number] = number, settled
    return int(settled.number)


def _with_all_below(pdf: pydyf.PDF, number: int) -> dict[int, bytes]:
    """Return an object and all that it refers to, by their numbers: each before those that it refers to."""
    data = pdf.objects[number].data
    found = {number: data}
    for reference in _references(data):
        below = _with_all_below(pdf, reference)
        found = {key: each for key, each in found.items() if key not in below} | below
    return found


def _references(data: bytes) -> list[int]:
    head, _, _ = data.partition(_STREAM)
    return [int(number) for number in _REFERENCE.findall(head)]


def _with_references(data: bytes, numbers: Mapping[bytes, bytes]) -> bytes:
    head, stream, body = data.partition(_STREAM)
    return _REFERENCE.sub(lambda found: numbers[found[0]], head) + stream + body


def _number(reference: bytes) -> int:
    return int(reference.partition(b" ")[0])


def _stand_in(size: re.Match[str], number: int) -> str:
    from PIL import Image

    image = io.BytesIO()
    Image.new("L", (number + 1, _HEIGHT)).save(image, "PNG")
    # As many units as pixels: whatever is scaled within is rounded.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size["width"]}" height="{size["height"]}" '
        f'viewBox="0 0 {number + 1} {_HEIGHT}" preserveAspectRatio="none">'
        f'<image width="{number + 1}" height="{_HEIGHT}" '
        f'href="data:image/png;base64,{_encoded(image.getvalue())}"/></svg>'
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
