"""Windows that slide along one axis: how many outputs, and which of their taps fall on padding.

The same arithmetic serves convolutions, transposed convolutions and pooling, with sizes that are
integers or expressions. Sources: the shape equations of torch.nn.Conv2d, ConvTranspose2d and
MaxPool2d in the documentation of PyTorch.
"""

from dataclasses import dataclass
from typing import Any

import sympy

from cnnreport.errors import UsageError
from cnnreport.formula.symbols import Count, simple


@dataclass(frozen=True)
class Window:
    """A window along one axis.

    Args:
        kernel: Taps.
        stride: Steps between two neighbouring windows.
        padding: Zeros before the first input; as many behind the last unless `behind` says otherwise.
        dilation: Steps between two neighbouring taps.
        behind: Zeros behind the last input, None for as many as before the first.
    """

    kernel: Count
    stride: Count = 1
    padding: Count = 0
    dilation: Count = 1
    behind: Count | None = None

    @property
    def reach(self) -> Count:
        """Steps from the first tap to the last."""
        return self.dilation * (self.kernel - 1)

    def outputs(self, size: Count, *, ceil: bool = False) -> Count:
        """Return how many windows fit on `size` inputs; with `ceil` the last one may hang over."""
        behind = self.padding if self.behind is None else self.behind
        room = simple(size + self.padding + behind - self.reach - 1)
        if not ceil:
            return simple(quotient(room, self.stride) + 1)
        windows = -quotient(-room, self.stride) + 1
        # PyTorch drops a window that would start in the padding behind the last input.
        if _known(
            (windows - 1) * self.stride >= size + self.padding,
            f"ceil_mode with an input of {size}: whether the last window begins in the padding",
        ):
            windows -= 1
        return simple(windows)

    def spread(self, size: Count, output_padding: Count) -> Count:
        """Return the outputs of the transposed convolution on `size` inputs."""
        return simple((size - 1) * self.stride - 2 * self.padding + self.reach + output_padding + 1)

    def inside(self, size: Count, outputs: Count) -> Count:
        """Count the pairs of a window and one of its taps that lie on inputs, not on padding.

        Raises:
            UsageError: The number has no closed form in these symbols.
        """
        parts = (size, outputs, self.kernel, self.stride, self.padding, self.dilation)
        if all(isinstance(part, int) for part in parts):
            return self._count_inside(*map(int, (size, outputs)))
        beyond = self._beyond_both(self.padding, self._over(size, outputs))
        return simple(sympy.expand(self.kernel * outputs - beyond))

    def conditions(self, size: Count, outputs: Count) -> list[Any]:
        """Say when `inside` holds: there are windows, and no tap lies on padding for more than all of them.

        Raises:
            UsageError: It never holds.
        """
        parts = (size, outputs, self.kernel, self.stride, self.padding, self.dilation)
        if all(isinstance(part, int) for part in parts):
            return []
        over = self._over(size, outputs)
        ends = [end for end in (self.padding, over) if not sympy.sympify(end).is_nonpositive]
        if len(ends) == 2 and sympy.sympify(self.padding - over).is_nonnegative:
            ends.pop()  # what holds before the first input holds behind the last
        conditions = [size > 0, outputs > 0]
        for end in ends:
            conditions.append(end <= self.stride * outputs)
            if not all(isinstance(part, int) for part in (end, self.kernel, self.dilation)):
                conditions.append(end <= self.kernel * self.dilation)
        if any(relation == False for relation in conditions):  # noqa: E712 - a relation of sympy
            raise UsageError(
                f"a window of {self.kernel} with a padding of {self.padding} has no closed form here",
                "give the input size as a number",
            )
        return conditions

    def _over(self, size: Count, outputs: Count) -> Count:
        """Return how far the last tap of the last window lies beyond the last input, 0 for not at all."""
        if self.behind in (0, None) and self.padding == 0 and outputs == self.outputs(size):
            return 0
        return simple(sympy.expand(self.stride * (outputs - 1) + self.reach - self.padding - (size - 1)))

    def _count_inside(self, size: int, outputs: int) -> int:
        kernel, stride, padding, dilation = (
            int(part) for part in (self.kernel, self.stride, self.padding, self.dilation)
        )
        total = 0
        for tap in range(kernel):
            first = max(0, -((tap * dilation - padding) // stride))
            last = min(outputs - 1, (size - 1 + padding - tap * dilation) // stride)
            total += max(0, last - first + 1)
        return total

    def _beyond_both(self, before: Count, behind: Count) -> Count:
        apart = simple(sympy.expand(before - behind))
        if self.stride == 2 and self.dilation == 1 and apart in (1, -1):
            # What one end rounds up the other rounds down: both together are 1 + 2 + … + the larger.
            larger = before if apart == 1 else behind
            return simple(larger * (larger + 1) / sympy.Integer(2))
        return self._beyond(before) + self._beyond(behind)

    def _beyond(self, over: Count) -> Count:
        """Count the pairs beyond one end, where the outermost window has its outermost tap `over` beyond.

        Tap by tap, inwards, that is ceil(over / stride) + ceil((over - dilation) / stride) + …
        """
        stride, dilation, known = self.stride, self.dilation, isinstance(self.kernel, int)
        if isinstance(over, int) and isinstance(stride, int) and isinstance(dilation, int):
            outside = range(over, 0, -dilation)
            return sum(-(-rest // stride) for rest in (outside[: self.kernel] if known else outside))
        if stride == 1:
            taps = over / dilation
            if taps.is_integer:
                return simple(dilation * taps * (taps + 1) / 2)
        if dilation == 1:
            full = quotient(over, stride)
            return simple(stride * full * (full + 1) / 2 + (over - stride * full) * (full + 1))
        raise UsageError(
            f"the taps on padding have no closed form for stride {stride} and dilation {dilation}",
            "give the kernel size as a number",
        )


def quotient(number: Count, divisor: Count) -> Count:
    """Divide and round down, exactly."""
    if isinstance(number, int) and isinstance(divisor, int):
        return number // divisor
    if isinstance(divisor, int) and divisor > 0:
        number = _rounded_once(sympy.expand(number))
    exact = number / sympy.sympify(divisor)
    if getattr(divisor, "free_symbols", ()):
        exact = sympy.cancel(exact)  # 2(NF + 2) / (NF + 2) is 2
    return simple(_rounded_down(sympy.expand(exact)))


def _rounded_down(number: sympy.Expr) -> sympy.Expr:
    """Round down in the one form that equal sizes share: floor(h/2 - 1/2) is floor(h/2 + 1/2) - 1."""
    whole = sympy.floor(number.as_coeff_Add()[0])
    return sympy.floor(number - whole) + whole


def _rounded_once(number: sympy.Expr) -> sympy.Expr:
    """Leave out a rounding that a later one does too: floor((floor(u) + z) / n) is floor((u + z) / n)."""
    terms = sympy.Add.make_args(number)
    for place, term in enumerate(terms):
        rest = sympy.Add(*terms[:place], *terms[place + 1 :])
        if isinstance(term, sympy.floor) and rest.is_integer:
            return sympy.expand(term.args[0] + rest)
    return number


def same(left: Count, right: Count) -> bool:
    """Say whether two counts are equal for all values of their symbols.

    Raises:
        UsageError: They are equal for some values only, or that cannot be told.
    """
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    difference = sympy.simplify(left - right)
    if difference.is_zero:
        return True
    if difference.is_nonzero or difference.is_number:
        return False
    raise UsageError(f"{left} and {right} are not equal for all values of their symbols", "fix some of them")


def _known(relation: Any, question: str) -> bool:
    """Decide a comparison.

    Args:
        relation: A bool, or a relation of sympy.
        question: What it decides, for the error.

    Raises:
        UsageError: It holds for some values of the symbols only.
    """
    if isinstance(relation, bool) or relation in (sympy.true, sympy.false):
        return bool(relation)
    raise UsageError(f"{question} depends on the letters", "give the input size as numbers")
