"""Measuring: small models, what the real toolkit makes of each, and the evidence that op tables are induced from."""
