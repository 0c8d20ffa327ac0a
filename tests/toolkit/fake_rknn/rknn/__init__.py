"""Stands in for rknn-toolkit2 in tests of the worker."""
