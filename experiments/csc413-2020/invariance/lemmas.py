"""What single layers make of s h + t, proved as identities of polynomials and roots, by sympy.

Each function proves its lemma when it is called, on symbols, and returns how many identities it proved. They
are all that `graph` takes to be known of layers.
"""

import itertools
from collections.abc import Iterable

import sympy

from cnnreport.errors import VerificationError

CHANNELS = 2
"""Of a convolution's input: it is a sum over channels, so what holds for two holds for all."""

A = sympy.Symbol("a", positive=True)
NEGATIVE = sympy.Symbol("a", negative=True)
SMALL_LATEX = r"1 - \left(\frac{1}{a^{2}} - 1\right) \frac{\epsilon}{2 v}"
"""What `small_remainder` returns, as it is written."""

V, EPSILON = sympy.symbols("v epsilon", positive=True)


def convolution(kernel: int) -> int:
    """Prove W * (s h + t) + beta = s (W * h + beta) + sum of W t + (1 - s) beta, and what padding breaks.

    With zero padding p = k // 2 the identity holds for t = 0 everywhere. For t of each channel the taps
    outside the image are missing: the result is less by their sum of W t, which is no zero.

    Args:
        kernel: k, odd.
    """
    s, beta = sympy.symbols("s beta")
    t = sympy.symbols(f"t:{CHANNELS}")
    taps = list(itertools.product(range(CHANNELS), range(kernel), range(kernel)))
    w = {tap: sympy.Symbol(f"w_{'_'.join(map(str, tap))}") for tap in taps}
    h = {tap: sympy.Symbol(f"h_{'_'.join(map(str, tap))}") for tap in taps}
    whole = sum(w[tap] * t[tap[0]] for tap in taps)
    proved = 0
    padding = kernel // 2
    for top, left in itertools.product(range(padding + 1), repeat=2):
        inside = [tap for tap in taps if tap[1] >= padding - top and tap[2] >= padding - left]
        before = sum(w[tap] * h[tap] for tap in inside) + beta
        after = sum(w[tap] * (s * h[tap] + t[tap[0]]) for tap in inside) + beta
        missing = whole - sum(w[tap] * t[tap[0]] for tap in inside)
        _prove([after - (s * before + whole + (1 - s) * beta) + missing])
        _prove([(after - (s * before + (1 - s) * beta)).subs(dict.fromkeys(t, 0))])
        interior = top == padding and left == padding
        _require((sympy.expand(missing) == 0) == interior, "padding breaks a constant at the border alone")
        proved += 3
    return proved


def last_convolution(kernel: int) -> int:
    """Prove that a convolution of channels that are the same and of ax + b changes by W * ((a - 1) x + b).

    Its result is linear in a and in b, and none of them goes away.

    Args:
        kernel: k.
    """
    a, b, beta = sympy.symbols("a b beta")
    places = range(kernel * kernel)
    w, u = sympy.symbols(f"w:{len(places)}"), sympy.symbols(f"u:{len(places)}")
    x, h = sympy.symbols(f"x:{len(places)}"), sympy.symbols(f"h:{len(places)}")
    before = sum(w[i] * h[i] + u[i] * x[i] for i in places) + beta
    after = sum(w[i] * h[i] + u[i] * (a * x[i] + b) for i in places) + beta
    change = sum(u[i] * ((a - 1) * x[i] + b) for i in places)
    _prove([after - before - change, sympy.diff(change, a, 2), sympy.diff(change, b, 2)])
    _require(sympy.expand(change) != 0, "the raw image changes the last convolution")
    return 4


def pooling() -> int:
    """Prove that the maximum of a s + t is that times s plus t for s > 0, and the minimum for s < 0."""
    t = sympy.Symbol("t", real=True)
    values = sympy.symbols("h:4", real=True)
    proved = 0
    for s, extreme in ((A, 1), (NEGATIVE, -1)):
        for number in (2, 4):
            after = _largest([s * value + t for value in values[:number]], 1)
            _prove([after - (s * _largest(values[:number], extreme) + t)])
            proved += 1
    least, largest = (_largest(values[:2], extreme) for extreme in (-1, 1))
    _require(sympy.expand(largest - least) != 0, "a minimum is another number than a maximum")
    return proved + 1


def relu() -> int:
    """Prove that ReLU passes a positive factor, and by examples that it passes no constant and no sign."""
    h = sympy.Symbol("h", real=True)
    _prove([_rectified(A * h) - A * _rectified(h)])
    for s, t in ((1, -2), (-1, 0)):
        one = sympy.Integer(1)
        _require(
            _rectified(s * one + t) != s * _rectified(one) + t, "ReLU cuts what a constant or a sign moves"
        )
    return 3


def normalisation() -> int:
    """Prove what batch norm with the statistics of the batch makes of s h + t.

    The mean is s m + t and the variance s^2 v, so that t goes away and s becomes
    s sqrt(v + epsilon) / sqrt(s^2 v + epsilon): the sign of s where epsilon is zero.
    """
    s, t = sympy.symbols("s t", real=True)
    values = sympy.symbols("h:3", real=True)
    mean, variance = _moments(values)
    after_mean, after_variance = _moments([s * value + t for value in values])
    _prove([after_mean - (s * mean + t), after_variance - s**2 * variance])
    m, h, beta, gamma = sympy.symbols("m h beta gamma", real=True)
    for factor in (A, NEGATIVE):
        before = gamma * (h - m) / sympy.sqrt(V + EPSILON)
        after = gamma * (factor * h + t - (factor * m + t)) / sympy.sqrt(factor**2 * V + EPSILON)
        left = remainder(factor)
        _prove([after + beta - (left * (before + beta) + (1 - left) * beta)])
        _prove([sympy.limit(left, EPSILON, 0) - sympy.sign(factor)])
    return 6


def small_epsilon() -> int:
    """Prove that for a small epsilon the factor that it leaves of a is 1 - (1 / a^2 - 1) epsilon / (2 v)."""
    series = sympy.series(remainder(A), EPSILON, 0, 2).removeO()
    _prove([series - small_remainder()])
    return 1


def fixed_normalisation() -> int:
    """Prove that batch norm with kept statistics passes s, and makes of t a constant that is no zero."""
    s, t, h, m, beta, gamma = sympy.symbols("s t h m beta gamma", real=True)
    root = sympy.sqrt(V + EPSILON)
    before, after = (gamma * (value - m) / root + beta for value in (h, s * h + t))
    constant = (1 - s) * (beta - gamma * m / root) + gamma * t / root
    _prove([after - (s * before + constant)])
    _require(sympy.simplify(constant) != 0, "kept statistics leave a constant")
    return 2


def remainder(scale: sympy.Expr) -> sympy.Expr:
    """Return the factor that batch norm leaves of a scale, for a variance v and its epsilon."""
    return scale * sympy.sqrt(V + EPSILON) / sympy.sqrt(scale**2 * V + EPSILON)


def small_remainder() -> sympy.Expr:
    """Return the same to first order in epsilon."""
    return 1 - (1 / A**2 - 1) * EPSILON / (2 * V)


def _largest(values: Iterable[sympy.Expr], extreme: int) -> sympy.Expr:
    """Return the largest of some values, or the least for `extreme` = -1."""
    first, *others = values
    for other in others:
        apart = sympy.factor(sympy.expand(first - other))
        first = (first + other + extreme * sympy.Abs(apart)) / 2
    return first


def _rectified(value: sympy.Expr) -> sympy.Expr:
    return (value + sympy.Abs(value)) / 2


def _moments(values: Iterable[sympy.Expr]) -> tuple[sympy.Expr, sympy.Expr]:
    listed = list(values)
    mean = sympy.Add(*listed) / len(listed)
    return mean, sympy.Add(*((value - mean) ** 2 for value in listed)) / len(listed)


def _prove(residues: Iterable[sympy.Expr]) -> None:
    """Prove that some expressions are zero.

    Raises:
        VerificationError: One is not.
    """
    for residue in residues:
        if sympy.expand(residue) != 0 and sympy.simplify(residue) != 0:
            raise VerificationError(f"a layer does something else than was derived: {residue} is not zero")


def _require(holds: bool, claim: str) -> None:
    if not holds:
        raise VerificationError(f"it was derived that {claim}, but that is not so")
