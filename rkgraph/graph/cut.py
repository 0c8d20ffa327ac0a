"""What a fix asks for that makes several models of one: nodes that are to run on the host, as data."""

from __future__ import annotations

from rkgraph.records import Record

__all__ = ["Cut"]


class Cut(Record):
    """Run the nodes of the main graph that make these values on the host; what is left stays with the NPU.

    Where exactly the model is cut is not said here: `analysis/partition.py` finds it for all cuts together.

    Attributes:
        host: values, the first output of each node that is to run on the host.
        detail: what is cut off, and what it gains, in a few words.
        needed: the model cannot be deployed without it; where it is False the cut is a gain and may be left out.
        weight: a constant that the host reads also without ONNX (an output projection, an embedding table); it is
            written to a raw file of its own.
    """

    host: frozenset[str]
    detail: str
    needed: bool = False
    weight: str | None = None
