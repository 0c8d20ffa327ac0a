"""What an edit did."""

from __future__ import annotations

from rkgraph.records import Record

__all__ = ["Applied", "Region"]


class Region(Record):
    """A part of a graph between values: all that computes `outputs` from `inputs` (and constants)."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Applied(Record):
    """Labels of the nodes that went and came, and the touched region in the model before and in the model after.

    Both regions have the same inputs; their outputs correspond by position. An edit of the whole model has empty
    regions.
    """

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    before: Region = Region()
    after: Region = Region()
