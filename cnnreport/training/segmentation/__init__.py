"""Part D of CSC413 2021: frozen features, fine-tuning on them, and the pre-training of the embedded net."""
