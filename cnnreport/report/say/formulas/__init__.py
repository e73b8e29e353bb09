"""What derivations say: formulas, architectures, audits."""
