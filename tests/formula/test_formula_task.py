"""What a run of derivations says of a net, held against values for several letters."""

import pytest
import sympy
from torch import Tensor, nn

from cnnreport.formula.spec import Formulas
from cnnreport.formula.tasks import FormulasTask


class Bare(nn.Module):
    """A convolution without padding, whose outputs do not grow with the input by one factor."""

    def __init__(self, c: int, k: int) -> None:
        super().__init__()
        self.only = nn.Conv2d(c, c, k)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, c, H, W) to (N, c, H - k + 1, W - k + 1)."""
        result: Tensor = self.only(x)
        return result


class Padded(Bare):
    """The same with padding, so that each pixel has its output."""

    def __init__(self, c: int, k: int) -> None:
        super().__init__(c, k)
        self.only = nn.Conv2d(c, c, k, padding=k // 2)


@pytest.mark.parametrize(("net", "factors"), [(Bare, {"weights": {1}, "outputs": {None}}),
                                              (Padded, {"weights": {1}, "outputs": {4}})])  # fmt: skip
def test_a_factor_of_doubling_holds_for_all_letters(
    net: type[nn.Module], factors: dict[str, set[int | None]]
) -> None:
    """It is the quotient of both formulas at any letters; where that varies there is none."""
    spec = Formulas(f"{__name__}:{net.__name__}", ("c", "16", "16"), (("c", 2), ("k", 3)))
    task = FormulasTask(spec, 0, {}, "cpu")
    task.run_epoch()
    totals = task.results().measures["totals"]
    for total in totals:
        one, other = (sympy.sympify(total[size]["code"]) for size in ("original", "doubled"))
        quotients = {
            (other.subs(letters) / one.subs(letters) if one != 0 else sympy.Integer(1))
            for letters in ({"c": 1, "k": 3}, {"c": 2, "k": 5}, {"c": 5, "k": 7})
        }
        constant = len(quotients) == 1 and min(quotients).is_Integer
        assert total["factor"] == (int(min(quotients)) if constant else None), total["name"]
    for quantity, expected in factors.items():
        assert {total["factor"] for total in totals if total["quantity"] == quantity} == expected
