"""Numbers with their origin, and what follows from them."""
