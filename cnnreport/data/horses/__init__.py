"""Images of horses, and the colours of a palette for their pixels."""
