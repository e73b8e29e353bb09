"""Operations that look up where something is: embeddings, and pooling that is undone.

Sources: the documentation of torch.nn.functional, operation by operation.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cnnreport.errors import UsageError
from cnnreport.formula.rules.operands import each, product
from cnnreport.formula.rules.rule import Effect, Rules
from cnnreport.formula.rules.windows import Window, same
from cnnreport.formula.symbols import Count, Shape, simple
from cnnreport.formula.tensor import sizes_of


def add_to(rules: Rules) -> None:
    """Register these rules."""
    rules.add("embedding", kind="lookup")(embed)
    rules.add("embedding_bag", kind="lookup")(embed_bag)
    for axes in (1, 2, 3):
        for name in (f"max_pool{axes}d", f"adaptive_max_pool{axes}d"):
            rules.add(f"{name}_with_indices", kind="pooling")(_with_places(rules, name))
    rules.add("one_hot", kind="lookup")(mark)
    rules.add("max_unpool1d", "max_unpool2d", "max_unpool3d", kind="upsampling")(unpool)
    rules.add("max", "min", kind="reduction")(extreme)
    rules.add("stack", kind="concatenation")(stack)


def _with_places(rules: Rules, name: str) -> Callable[..., Effect]:
    """Return the rule of a pooling that also tells where each maximum was; places are no outputs."""

    def pool(*args: Any, **kwargs: Any) -> Effect:
        effect = rules.find(name, "").apply(*args, **kwargs)
        return replace(effect, parts=(effect.shape, effect.shape))

    return pool


def embed(x: Any, weight: Any, *rest: Any, **options: Any) -> Effect:
    """Read one row for each index: every output is joined with the one entry of the table that it is.

    Takes x (*), indices, and weight (words, width); gives (*, width).
    """
    shape = (*sizes_of(x), sizes_of(weight)[1])
    return Effect(shape, taps=product(shape), roles={"other": (weight,)})


def embed_bag(
    x: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: Any = None,
    norm_type: Any = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> Effect:
    """Join every output with its entry of each row that is read into the bag.

    Takes x (bags, indices) and weight (rows, values); gives (bags, values).

    Raises:
        UsageError: The bags are of several lengths, or have weights.
    """
    if offsets is not None or per_sample_weights is not None or len(sizes_of(x)) != 2:
        raise UsageError(
            "bags of several lengths, or with weights, cannot be counted",
            "give one bag of indices: --input N",
        )
    bags, indices = sizes_of(x)
    shape = (bags, sizes_of(weight)[1])
    return Effect(shape, taps=simple(product(shape) * indices), roles={"other": (weight,)})


def mark(x: Any, num_classes: Count = -1) -> Effect:
    """Join each index of x (*) with its row of zeros and a one, (*, classes).

    Raises:
        UsageError: The number of classes is not given.
    """
    if isinstance(num_classes, int) and num_classes < 1:
        raise UsageError("one_hot takes the number of classes from its values", "give it num_classes")
    shape = (*sizes_of(x), num_classes)
    return Effect(shape, taps=product(shape))


def unpool(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Effect:
    """Join every input with the one output to which it returns; the other outputs are zeros.

    Takes x and indices (N, C, H, W); gives (N, C, H', W').

    Raises:
        UsageError: There are not as many indices as values.
    """
    batch, channels, *sizes = sizes_of(x)
    for here, there in zip(sizes_of(x), sizes_of(indices), strict=True):
        if not same(here, there):
            raise UsageError(f"{sizes_of(x)} values have {sizes_of(indices)} indices", "mend the net")
    axes = len(sizes)
    kernels = each(kernel_size, axes)
    strides = kernels if stride is None or stride == [] else each(stride, axes)
    windows = [Window(*parts) for parts in zip(kernels, strides, each(padding, axes), strict=True)]
    outputs: Shape = tuple(w.spread(s, 0) for w, s in zip(windows, sizes, strict=True))
    if output_size is not None:
        outputs = tuple(output_size)[-axes:]
    return Effect((batch, channels, *map(simple, outputs)), taps=product(sizes_of(x)))


def extreme(x: Any, dim: Any = None, keepdim: bool = False) -> Effect:
    """Join each output with all the inputs among which it is the largest or smallest.

    Takes x (*); gives a number, or values and places without the axis `dim`, or with one of size 1.

    Raises:
        UsageError: `dim` is another tensor.
    """
    sizes, taps = sizes_of(x), product(sizes_of(x))
    if dim is None:
        return Effect((), taps=taps)
    if not isinstance(dim, int):
        raise UsageError(
            "max and min of two tensors cannot be counted", "write torch.maximum or torch.minimum"
        )
    axis = dim % len(sizes)
    shape = (*sizes[:axis], *((1,) if keepdim else ()), *sizes[axis + 1 :])
    return Effect(shape, taps=taps, parts=(shape, shape))


def stack(tensors: Sequence[Any], dim: int = 0) -> Effect:
    """Put tensors of one shape beside each other along a new axis; parameters come from no input.

    Takes tensors (N, C, H, W), T of them; gives (N, T, C, H, W) along axis 1.

    Raises:
        UsageError: Their shapes differ.
    """
    first, *others = [sizes_of(tensor) for tensor in tensors]
    for other in others:
        if len(other) != len(first) or not all(map(same, first, other)):
            raise UsageError(f"tensors of {first} and {other} cannot be stacked", "mend the net")
    place = dim % (len(first) + 1)
    computed = [tensor for tensor in tensors if getattr(tensor, "sources", ())]
    learnt = tuple(tensor for tensor in tensors if not getattr(tensor, "sources", ()))
    return Effect(
        (*first[:place], len(tensors), *first[place:]),
        taps=simple(product(first) * len(computed)),
        roles={"other": learnt} if learnt else {},
    )
