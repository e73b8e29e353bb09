"""The rules: what each operation of torch does to shapes and counts."""
