"""Puts weights back into a serialized model: the inverse of `wire.skim`, as a stream of pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rkgraph.graph.references import Reference
from rkgraph.graph.wire import DATA_FIELDS, PATHS, fields, varint
from rkgraph.records import Record

__all__ = ["Splice", "splice"]

_BYTES = 2


class Splice(Record):
    """Bytes to put in: where they lie, and the name of the tensor that they belong to."""

    reference: Reference
    name: str


def splice(model: bytes, token: bytes, splices: Mapping[bytes, Splice]) -> Iterator[bytes | Splice]:
    """The pieces of `model` (a serialized ModelProto), every placeholder replaced by its splice.

    Args:
        model: tensors to be filled have a key of `splices` as their raw_data.
        token: what all keys begin with; random, so that no other data does.
        splices: key → what goes there, as the payload of the field that its reference names.
    """
    pieces, _ = _message(_Job(model, token, splices), 0, len(model), "Model")
    yield from pieces


class _Job(Record):
    data: bytes
    token: bytes
    splices: Mapping[bytes, Splice]


_Pieces = tuple[list[bytes | Splice], int]


def _message(job: _Job, start: int, end: int, message: str) -> _Pieces:
    """The pieces of one message and their total length in bytes."""
    pieces: list[bytes | Splice] = []
    total = 0
    run = start
    inner = PATHS.get(message, {})
    for field in fields(memoryview(job.data), start, end):
        found: _Pieces | None = None
        if message == "Tensor" and field.number == DATA_FIELDS["raw_data"]:
            put = job.splices.get(job.data[field.body : field.end])
            if put is not None:
                length = put.reference.length or 0
                head = varint(DATA_FIELDS[put.reference.field] << 3 | _BYTES) + varint(length)
                found = [head, put], len(head) + length
        elif field.number in inner and job.data.find(job.token, field.body, field.end) >= 0:
            body, length = _message(job, field.body, field.end, inner[field.number])
            head = varint(field.number << 3 | _BYTES) + varint(length)
            found = [head, *body], len(head) + length
        if found is not None:
            pieces += [job.data[run : field.start], *found[0]]
            total += field.start - run + found[1]
            run = field.end
    pieces.append(job.data[run:end])
    return pieces, total + end - run
