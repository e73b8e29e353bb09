"""Images of flowers, and for each pixel whether it shows one."""
