"""Embeddings and pooling that is undone: what they join, and that the real ones agree."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnreport.errors import UsageError
from cnnreport.formula.convention import find
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.symbols import symbol
from cnnreport.formula.tracing.derive import Derivation, derive

H, L, NF, V, D = symbol("h"), symbol("L"), symbol("NF"), symbol("vocab"), symbol("dim")


def proved(net: Callable[..., nn.Module], *sizes: Any, **fixed: Any) -> Derivation:
    """Derive a net and prove it."""
    derivation = derive(net, fixed, *sizes)
    prove(derivation)
    return derivation


class Tagger(nn.Module):
    """A table of rows, and a linear map of each."""

    def __init__(self, vocab: int, dim: int) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(vocab, dim, padding_idx=0), nn.Linear(dim, 5)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Map indices to scores."""
        return self.head(self.table(words.long()))


def test_an_embedding_counts_its_table_and_reads_one_row_for_each_index() -> None:
    """The input holds indices, since it is looked up; only `every-operation` counts what is read."""
    derivation = proved(Tagger, (L,))
    table, head = derivation.layers
    assert derivation.indices == {"words"}
    assert (table.kind, table.output, table.weights, table.taps) == (
        "lookup", (L, D), {"other": V * D}, L * D
    )  # fmt: skip
    assert find("learnable").totals(derivation) == {
        "weights": V * D + 5 * D + 5, "outputs": 5 * L, "connections": 5 * L * D
    }  # fmt: skip
    assert find("every-operation").totals(derivation)["outputs"] == L * D + 5 * L
    assert find("kernels").totals(derivation)["weights"] == 5 * D
    assert head.inputs == ((L, D),)


def test_a_bag_joins_each_output_with_all_its_rows() -> None:
    """Sixty values are summed up into five."""

    class Bag(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(7, dim)

        def forward(self, words: torch.Tensor, offsets: Any = None) -> torch.Tensor:
            return self.bag(words, offsets)

    (layer,) = proved(Bag, (12,), dim=5).layers
    assert (layer.output, layer.taps, layer.weights) == ((5,), 60, {"other": 35})
    with pytest.raises(UsageError, match=r"layer bag \(EmbeddingBag\): bags of several lengths"):
        derive(Bag, {}, (12,), ())


def test_one_index_for_an_image_has_no_axis() -> None:
    """Labels, as conditional generators take them: a size of () beside that of the image."""

    class Conditional(nn.Module):
        def __init__(self, classes: int, dim: int) -> None:
            super().__init__()
            self.table, self.up = nn.Embedding(classes, dim), nn.ConvTranspose2d(2 * dim, 3, 4)

        def forward(self, z: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return self.up(torch.cat([z, self.table(label)], 1)[:, :, None, None])

    derivation = proved(Conditional, (D,), ())
    assert (derivation.indices, derivation.output) == ({"label"}, (3, 4, 4))


def test_constant_indices_are_arithmetic_on_parameters() -> None:
    """Rows at positions that are no input belong to the sum that uses them."""

    class Positions(nn.Module):
        def __init__(self, vocab: int, dim: int) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(vocab, dim), nn.Embedding(9, dim)
            self.register_buffer("order", torch.arange(9))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.words(x) + self.places(self.order[: x.size(1)])

    words, added = proved(Positions, (4,)).layers
    assert (words.weights, added.weights, added.taps) == ({"other": V * D}, {"other": 9 * D}, 4 * D)


def test_indices_that_are_shifted_first_are_indices() -> None:
    """Fields of one table, as recommenders look them up."""

    class Fields(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            self.table = nn.Embedding(12, dim)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.table(x + x.new_tensor([0, 4, 9])).sum(1)

    derivation = proved(Fields, (3,))
    assert (derivation.indices, derivation.output) == ({"x"}, (D,))


def test_one_hot_rows_are_lookups() -> None:
    """A number of classes may be a letter."""

    class Hot(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.classes, self.head = classes, nn.Linear(classes, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(F.one_hot(x, self.classes).float())

    derivation = proved(Hot, (L,))
    assert derivation.indices == {"x"}
    assert derivation.layers[0].output == (L, symbol("classes"))


class SegNet(nn.Module):
    """Pools twice and puts every maximum back to where it was."""

    def __init__(self, num_filters: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, num_filters, 3, padding=1)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        self.up = nn.Conv2d(num_filters, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map an image to logits of its size."""
        x = self.down(x)
        small, places = self.pool(x)
        smaller, more = F.max_pool2d(small, 2, return_indices=True)
        small = F.max_unpool2d(smaller, more, 2, output_size=small.shape[-2:])
        return self.up(self.unpool(small, places, output_size=x.size()))


def test_pooling_that_is_undone_is_derived() -> None:
    """Each value that was kept returns to one place; letters and odd sizes alike."""
    derivation = proved(SegNet, (3, 4 * H, 8))
    taps = {layer.path: (layer.output, layer.taps) for layer in derivation.layers}
    assert taps["pool"] == ((NF, 2 * H, 4), 32 * NF * H)
    assert taps["max_pool2d_with_indices"] == ((NF, H, 2), 8 * NF * H)
    assert taps["max_unpool2d"] == ((NF, 2 * H, 4), 2 * NF * H)
    assert taps["unpool"] == ((NF, 4 * H, 8), 8 * NF * H)
    assert derivation.output == (2, 4 * H, 8)
    assert proved(SegNet, (3, 11, 13)).output == (2, 11, 13)


@pytest.mark.parametrize(
    ("pool", "unpool", "size"),
    [
        (nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2), (4, 12)),
        (nn.MaxPool2d(3, 2, 1, return_indices=True), nn.MaxUnpool2d(3, 2, 1), (4, 9, 7)),
        (nn.MaxPool3d((1, 2, 2), return_indices=True), nn.MaxUnpool3d((1, 2, 2)), (4, 3, 6, 6)),
        (nn.AdaptiveMaxPool2d(3, return_indices=True), None, (4, 9, 9)),
    ],
)
def test_pooling_with_places_has_the_shapes_of_the_real_one(
    pool: nn.Module, unpool: nn.Module | None, size: tuple[int, ...]
) -> None:
    """In one, two and three axes, with padding and strides of their own."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.unpool = pool, unpool

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            small, places = self.pool(x)
            return small if self.unpool is None else self.unpool(small, places)

    derivation = proved(Net, size)
    assert derivation.output == tuple(Net()(torch.rand(1, *size)).shape[1:])
    if unpool is not None:
        kept = derivation.layers[0].outputs
        assert derivation.layers[1].taps == kept


def test_large_nets_with_places_are_proved_without_numbers() -> None:
    """Pooling that is undone runs on the meta device, too."""
    derivation = proved(SegNet, (3, 32, 32), num_filters=40_000)
    assert derivation.output == (2, 32, 32)


def test_maxima_along_an_axis_are_reductions() -> None:
    """With their places beside them, by name and by number, and over everything."""

    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x.max(1).values, torch.min(x, 1)[0], x.mean(1)], 1) * x.max()

    derivation = proved(Attention, (NF, 8, 8))
    assert derivation.output == (3, 8, 8)
    assert [(layer.operation, layer.taps) for layer in derivation.layers] == [
        ("max", 64 * NF), ("min", 64 * NF), ("mean", 64 * NF), ("stack", 192), ("max", 64 * NF), ("mul", 384)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("move", "shape"),
    [
        (lambda x: x[:, [2, 0, 1]], (3, 8, 8)),
        (lambda x: x[:, torch.tensor([2, 0])], (2, 8, 8)),
        (lambda x: x[..., torch.tensor([True, False] * 4)], (4, 8, 4)),
        (lambda x: torch.index_select(x, 1, torch.tensor([0, 0, 1, 2, 3])), (5, 8, 8)),
        (lambda x: x.flip(1).roll(1, 2), (4, 8, 8)),
        (lambda x: x.repeat(1, 2, 1, 3), (8, 8, 24)),
        (lambda x: x.movedim(1, -1), (8, 8, 4)),
        (lambda x: x.unbind(1)[2], (8, 8)),
        (lambda x: x.select(1, 0).narrow(1, 2, 3), (3, 8)),
        (lambda x: x.mT, (4, 8, 8)),
    ],
)
def test_more_moves(move: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]) -> None:
    """Lists of numbers as indices, and moves that nets make, have the shapes of the real ones."""

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return move(x).relu()

    derivation = proved(Net, (4, 8, 8))
    assert derivation.output == shape == tuple(move(torch.zeros(1, 4, 8, 8)).shape[1:])
