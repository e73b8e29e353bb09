"""The auditor: do hand-written counts of a net hold, under which convention, and if not, why not?"""

import re
from collections.abc import Mapping
from functools import cached_property, wraps
from typing import Any

import sympy
import torch
from torch import nn

from cnnreport.errors import UsageError
from cnnreport.formula.audit.claims import Claims, Size
from cnnreport.formula.audit.diagnosis import Bench
from cnnreport.formula.audit.findings import Audit
from cnnreport.formula.audit.slips import Catalogue
from cnnreport.formula.convention import QUANTITIES
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.reading import expression
from cnnreport.formula.symbols import Count
from cnnreport.formula.target import resolve
from cnnreport.formula.tracing.derive import Derivation, Net, derive

_OTHER: Mapping[Size, Size] = {"original": "doubled", "doubled": "original"}
_LABEL = re.compile(rf"[^=]*?\b({'|'.join(QUANTITIES)})\b[^=]*=", re.IGNORECASE)


def audit(claims: Claims) -> Audit:
    """Judge hand-written formulas by counts that are derived from the net itself, and proved.

    Raises:
        UsageError: A formula cannot be read or has a letter that the net does not have, the net
            cannot be derived, or doubled formulas are given and its input has no height and width.
        VerificationError: The derived counts are not those of the real net.
    """
    return judge_of(claims.net, claims.input_size, doubled=bool(claims.doubled), place=claims.place).judge(
        claims
    )


def judge(claims: Claims, derivations: Mapping[Size, Derivation], points: int) -> Audit:
    """Judge hand-written formulas by counts that are derived and proved already.

    Args:
        claims: The formulas.
        derivations: Of the same net; that of the doubled input only if a formula is for it.
        points: On how many points the derivations are proved.

    Raises:
        UsageError: A formula cannot be read, or has a letter that the net does not have.
    """
    return Judge(derivations, points).judge(claims)


def judge_of(net: str, input_size: int, *, doubled: bool, place: str = "") -> "Judge":
    """Derive and prove a net, so that any number of answer sheets can be judged by it.

    Args:
        net: ``module:Class`` or ``path/file.py:Class``.
        input_size: Height and width of the input.
        doubled: Whether there are formulas for an input of twice that size.
        place: Where the net is named, for errors.

    Raises:
        UsageError: The net cannot be derived, or there is nothing to double.
        VerificationError: The derived counts are not those of the real net.
    """
    made = resolve(net)
    channels, *axes = derive(_first_layer(made)).input
    derivations: dict[Size, Derivation] = {
        "original": derive(made, size=(channels, *(input_size for _ in axes)))
    }
    if doubled:
        if not axes:
            start = f"{place}: " if place else ""
            raise UsageError(f"{start}the input of {net} has no height and width", "leave out [doubled]")
        derivations["doubled"] = derivations["original"].doubled()
    return Judge(derivations, prove(*derivations.values()).points)


class Judge:
    """A net for an input and perhaps for twice its size, by which formulas are judged.

    Args:
        derivations: The net by the size of its input.
        points: On how many points the derivations are proved.
    """

    def __init__(self, derivations: Mapping[Size, Derivation], points: int) -> None:
        self.derivations = derivations
        self._points = points
        self._catalogues = {
            size: Catalogue(derivation, derivations.get(_OTHER[size]), doubled=size == "doubled")
            for size, derivation in derivations.items()
        }

    @cached_property
    def _names(self) -> dict[str, sympy.Symbol]:
        return {symbol.name: symbol for symbol in self.derivations["original"].symbols}

    def read(self, claims: Claims, size: Size, quantity: str, text: str) -> Count:
        """Read one formula.

        Raises:
            UsageError: It cannot be read, has a letter that the net does not have, or names another quantity.
        """
        place = f"{claims.place}, " if claims.place else ""
        place = f"{place}[{size}]: {quantity}"
        label = _LABEL.match(text)
        if label and label.group(1).lower() != quantity:
            raise UsageError(f"{place}: the formula says {label.group(1)} =", f"move it to {label.group(1)}")
        return expression.parse(text, self._names, place)

    def judge(self, claims: Claims) -> Audit:
        """Judge all formulas of an answer sheet.

        Raises:
            UsageError: One of them cannot be read.
        """
        counts = {(size, quantity): self.read(claims, size, quantity, text)
                  for size, quantity, text in claims.formulas()}  # fmt: skip
        bench = Bench(self.derivations, self._catalogues, counts)
        return Audit(
            target=claims.net,
            input_size=claims.input_size,
            points=self._points,
            findings=tuple(bench.judge(size, quantity, text) for size, quantity, text in claims.formulas()),
            common=bench.common(),
            slips=bench.slips(),
            one_slip=bench.one_slip,
        )


def _first_layer(net: Net) -> Net:
    """Return a net that has the same parameters and does nothing: of this one, any size has an input."""

    class Idle(nn.Module):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__()
            self.net = net(*args, **kwargs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    @wraps(net)
    def build(*args: Any, **kwargs: Any) -> nn.Module:
        return Idle(*args, **kwargs)

    return build
