import pytest
import torchvision
from thinned import thinned
from torchvision import models

from cnnreport.errors import UsageError
from cnnreport.formula.convention import Connections, total
from cnnreport.formula.proof.prove import prove
from cnnreport.formula.tracing.derive import Derivation, derive

AGREEING = {
    "alexnet": ("alexnet",),
    "convnext": ("convnext_base", "convnext_large", "convnext_small", "convnext_tiny"),
    "densenet": ("densenet121", "densenet161", "densenet169", "densenet201"),
    "efficientnet": (
        *(f"efficientnet_b{number}" for number in range(8)),
        *(f"efficientnet_v2_{size}" for size in "lms"),
    ),
    "googlenet": ("googlenet",),
    "inception": ("inception_v3",),
    "mnasnet": ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    "mobilenet": ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    "regnet": (
        *(f"regnet_x_{size}" for size in ("16gf", "1_6gf", "32gf", "3_2gf", "400mf", "800mf", "8gf")),
        "regnet_y_128gf",
        *(f"regnet_y_{size}" for size in ("16gf", "1_6gf", "32gf", "3_2gf", "400mf", "800mf", "8gf")),
    ),
    "resnet": (
        *(f"resnet{layers}" for layers in (18, 34, 50, 101, 152)),
        "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "wide_resnet101_2", "wide_resnet50_2",
    ),
    "shufflenet": tuple(f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")),
    "squeezenet": ("squeezenet1_0", "squeezenet1_1"),
    "vgg": tuple(f"vgg{layers}{norm}" for layers in (11, 13, 16, 19) for norm in ("", "_bn")),
}  # fmt: skip
"""Families whose counts agree with what torchvision says of them."""

REFUSED = {
    "vit": (("vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"), "multi_head_attention_forward"),
    "swin": (("swin_b", "swin_s", "swin_t"), "matmul"),
    "swin_v2": (("swin_v2_b", "swin_v2_s", "swin_v2_t"), "normalize"),
    "maxvit": (("maxvit_t",), "einsum"),
}
"""Families with an operation that has no rule, and which."""

SIZES = {"vit": 224, "swin": 224, "swin_v2": 256, "maxvit": 224}

OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False}, "inception_v3": {"init_weights": False}}
"""The published counts of GoogLeNet leave out its auxiliary heads, those of Inception do not."""

FAST = (
    "alexnet", "vgg16", "resnet50", "squeezenet1_0", "densenet121", "mobilenet_v2", "mobilenet_v3_small",
    "efficientnet_b0", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "shufflenet_v2_x1_0",
    "mnasnet1_0", "googlenet", "inception_v3",
)  # fmt: skip
"""One of each family."""

MULTIPLY_ADDS = Connections("", "", frozenset(("convolution", "linear")))


def derived(name: str, size: int) -> Derivation:
    """A model of torchvision's, for a colour image of some size."""
    builder = models.get_model_builder(name)
    return derive(builder, {"weights": None, **OPTIONS.get(name, {})}, (3, size, size))


def entries(name: str) -> list[pytest.param]:
    """All published weights of a model."""
    return [pytest.param(name, entry, id=f"{name}-{entry.name}") for entry in models.get_model_weights(name)]


def check(name: str, entry: torchvision.models.WeightsEnum) -> None:
    """Compare with what the metadata say: parameters exactly, multiply-adds to the decimals given."""
    derivation = derived(name, entry.transforms().crop_size[0])
    weights = [count for layer in derivation.layers for count in layer.weights.values()]
    assert sum(weights) == sum(derivation.parameters.values()) == entry.meta["num_params"]
    assert round(total(MULTIPLY_ADDS, derivation) / 1e9, 3) == pytest.approx(entry.meta["_ops"], abs=1e-9)


@pytest.mark.parametrize(("name", "entry"), thinned([entries(name)[0] for name in FAST], 4))
def test_one_model_of_each_family_agrees_with_published_counts(
    name: str, entry: torchvision.models.WeightsEnum
) -> None:
    """Parameters and multiply-adds are those that torchvision states, which no one here wrote."""
    check(name, entry)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "entry"), [each for names in AGREEING.values() for name in names for each in entries(name)]
)
def test_every_model_agrees_with_published_counts(name: str, entry: torchvision.models.WeightsEnum) -> None:
    """The same for every published set of weights, at the size of image that it was made for."""
    check(name, entry)


@pytest.mark.parametrize("family", [pytest.param(f) for f in REFUSED])
def test_families_without_rules_are_refused_by_name(family: str) -> None:
    """A model with an operation that has no rule is refused, and the layer is named."""
    names, operation = REFUSED[family]
    with pytest.raises(UsageError, match=rf"^layer [\w.]+ \(\w+\): .*\b{operation}\b.* cannot be counted"):
        derived(names[-1], SIZES[family])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "name"),
    [pytest.param(family, name) for family, (names, _) in REFUSED.items() for name in names],
)
def test_every_model_without_rules_is_refused(family: str, name: str) -> None:
    """The same for each of them."""
    with pytest.raises(UsageError, match=REFUSED[family][1]):
        derived(name, SIZES[family])


def test_every_classification_model_is_listed() -> None:
    """Each classification model that torchvision has stands in one of the two lists, once."""
    agreeing = [name for names in AGREEING.values() for name in names]
    refused = [name for names, _ in REFUSED.values() for name in names]
    assert sorted(agreeing + refused) == sorted(models.list_models(module=models))


@pytest.mark.parametrize(
    ("name", "weights", "outputs"),
    [
        ("fcn_resnet50", 35_322_218, {"out": (21, 64, 64), "aux": (21, 64, 64)}),
        ("deeplabv3_resnet50", 42_004_074, {"out": (21, 64, 64), "aux": (21, 64, 64)}),
        ("lraspp_mobilenet_v3_large", 3_221_538, {"out": (21, 64, 64)}),
    ],
)
def test_segmentation_models_return_named_outputs(
    name: str, weights: int, outputs: dict[str, tuple[int, ...]]
) -> None:
    """Their heads, the auxiliary ones too, with the numbers of parameters that torchvision publishes."""
    fixed = {"weights": None, "weights_backbone": None, **({"aux_loss": True} if "aux" in outputs else {})}
    derivation = derive(models.get_model_builder(name), fixed, (3, 64, 64))
    entry = next(iter(models.get_model_weights(name)))
    assert derivation.outputs == outputs
    assert sum(derivation.parameters.values()) == weights == entry.meta["num_params"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large"])
def test_segmentation_models_are_proved(name: str) -> None:
    """Counts and outputs are those of the real nets, of odd sizes too."""
    for size in ((3, 64, 64), (3, 65, 47)):
        prove(derive(models.get_model_builder(name), {"weights": None, "weights_backbone": None}, size))
