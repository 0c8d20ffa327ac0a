"""Writes the index of the cards' front matters: `python -m rkgraph.rulebook.index`, after every edit of one.

A test holds the committed index current.
"""

from __future__ import annotations

from rkgraph.files import write_text
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import front_of
from rkgraph.rulebook.fronts import index_path, index_text
from rkgraph.rulebook.registry import MODULES

__all__ = ["current_index"]


def current_index() -> str:
    """What the index has to say of the cards as they are. Raises CardError for a card without front matter."""
    folder = data_folder("rules")
    return index_text({stem: front_of((folder / f"{stem}.md").read_text(encoding="utf-8"), stem) for stem in MODULES})


if __name__ == "__main__":
    write_text(index_path(), current_index())
