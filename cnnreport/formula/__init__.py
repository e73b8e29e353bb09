"""Counts derived from the very classes that train: symbolic execution, conventions, proofs, audits."""
