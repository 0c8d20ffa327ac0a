"""What the attributes of a pool say of its windows."""

from __future__ import annotations

from rkgraph.graph.view import Node

__all__ = ["counts_padding", "is_dilated", "is_padded"]


def is_dilated(node: Node) -> bool:
    """Whether elements of a window lie apart."""
    return any(step > 1 for step in node.attributes.get("dilations", ()))


def is_padded(node: Node) -> bool:
    """Whether windows reach beyond the input at its edges, as far as attributes say."""
    return any(node.attributes.get("pads", ())) or str(node.attributes.get("auto_pad", "NOTSET")).startswith("SAME")


def counts_padding(node: Node) -> bool:
    """Whether a mean counts padding that is there."""
    return bool(node.attributes.get("count_include_pad", 0)) and is_padded(node)
