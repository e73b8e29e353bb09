"""Pictures, drawings and formulas as they are seen."""
