"""One finding at its place: what `rkgraph explain` shows. `build.py` gathers it as data, `markdown.py` writes it."""
