"""Architectures with random weights for `strangers_export.py`: each module registers its own in `ARCHITECTURES`."""
