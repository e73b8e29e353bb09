"""The paddings that keep the shapes of a net, for every kernel size."""
