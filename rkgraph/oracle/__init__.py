"""What the real compiler makes of a model, held against what lint said of it."""
