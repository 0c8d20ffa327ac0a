"""Whole applications around a compiled model: text in, embeddings out."""
