"""The networks, as the handouts state them."""
