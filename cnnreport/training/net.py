"""A net that a spec names, with initial weights that its seed alone decides."""

from typing import Any

from torch import nn

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.training.seeded import seeded


def make_net(name: str, seed: int, *arguments: Any, **named: Any) -> nn.Module:
    """Build a net.

    Args:
        name: Its class, as ``module:Class``.
        seed: Of the initial weights; the global generator of random numbers stays where it is.
        arguments: What the class takes by position.
        named: What it takes by name.

    Raises:
        UsageError: There is no such class, or it does not take these arguments.
    """
    net_class = modules.attribute(name)
    with seeded(seed):
        try:
            net = net_class(*arguments, **named)
        except TypeError as error:
            raise UsageError(f"the net {name!r} cannot be made: {error}", "see its arguments") from error
    if not isinstance(net, nn.Module):
        raise UsageError(f"{name!r} is no net", "name a class that is a torch.nn.Module")
    return net
