"""What is trained, as frozen dataclasses that import nothing heavy."""
