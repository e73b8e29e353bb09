"""Kinds of training: what each leaves behind, declared once, without torch."""
