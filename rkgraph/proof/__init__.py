"""Proofs: structure, ranges and equivalence, each with a negative control in the tests."""
