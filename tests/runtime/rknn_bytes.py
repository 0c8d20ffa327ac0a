"""Writes .rknn files of format 6 for tests: a FlatBuffer body as small as one can be, and the metadata behind it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

LAYERS = (("InputOperator", "InputOperator:x", 0), ("ConvRelu", "Conv:c", 2), ("Reshape", "Reshape:y", 0))
GENERATOR = {
    "attrs": {"x": {"dtype": "float32", "layout": "nchw"}, "y": {"dtype": "float32"}},
}


def rknn_file(
    layers: Sequence[tuple[str, str, int]] = LAYERS,
    generator: str | None = None,
    *,
    platform: str = "rk3588",
    toolkit: str = "2.3.2",
    version: int = 6,
) -> bytes:
    """The bytes of a file with one input x and one output y."""
    body = _Writer().model(layers, str(GENERATOR) if generator is None else generator, platform, toolkit)
    metadata = {
        "norm_tensor": [
            {"tensor_id": 0, "url": "x", "size": [1, 3]},
            {"tensor_id": 1, "url": "y", "size": [1, 4]},
        ],
        "graph": [
            {"left": "input", "left_tensor_id": 0, "right": "norm_tensor", "right_tensor_id": 0},
            {"left": "output", "left_tensor_id": 0, "right": "norm_tensor", "right_tensor_id": 1},
        ],
        "target_platform": [platform],
        "version": toolkit,
    }
    text = json.dumps(metadata).encode()
    head = struct.pack("<4s4xQQ", b"RKNN", version, len(body)).ljust(64, b"\0")
    return head + body + struct.pack("<Q", len(text)) + text


class _Writer:
    """Writes from the outside in: a table first, then what its fields point to."""

    def __init__(self) -> None:
        self.data = bytearray(4)

    def model(self, layers: Sequence[tuple[str, str, int]], generator: str, platform: str, toolkit: str) -> bytes:
        fields: dict[int, Any] = {
            1: "RKNPU v2",
            3: generator,
            2: [
                {
                    0: [{5: "x", 10: (0.5,), 11: (-128,)}, {5: "y"}],
                    1: [{1: kind, 2: name, 3: device} for kind, name, device in layers],
                }
            ],
            7: f"{toolkit}(compiler version: {toolkit})",
            8: platform,
            9: "ONNX",
            12: '{"x": {"dtype": "int8", "layout": "NHWC"}}',
            13: '{"y": {"dtype": "float16", "layout": "UNDEFINED"}}',
        }
        struct.pack_into("<I", self.data, 0, self.table(fields))
        return bytes(self.data)

    def table(self, fields: Mapping[int, Any]) -> int:
        """Write a table; a small number is written as a byte in the table itself. Returns its place."""
        count = max(fields) + 1
        vtable = len(self.data)
        places = {field: 4 + 4 * row for row, field in enumerate(sorted(fields))}
        offsets = [places.get(field, 0) for field in range(count)]
        self.data += struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * len(fields), *offsets)
        self.data += bytes(-len(self.data) % 4)
        place = len(self.data)
        self.data += struct.pack("<i", place - vtable) + bytes(4 * len(fields))
        for field, value in fields.items():
            at = place + places[field]
            if isinstance(value, int):
                self.data[at] = value
            else:
                target = self.text(value) if isinstance(value, str) else self.list(value)
                struct.pack_into("<I", self.data, at, target - at)
        return place

    def text(self, text: str) -> int:
        place = len(self.data)
        raw = text.encode()
        self.data += struct.pack("<I", len(raw)) + raw + bytes(1 + (-len(raw) - 1) % 4)
        return place

    def list(self, items: Sequence[Any]) -> int:
        if isinstance(items, list):
            return self.tables(items)
        place = len(self.data)
        self.data += struct.pack("<I", len(items))
        self.data += b"".join(struct.pack("<f" if isinstance(item, float) else "<i", item) for item in items)
        return place

    def tables(self, tables: Sequence[Mapping[int, Any]]) -> int:
        place = len(self.data)
        self.data += struct.pack("<I", len(tables)) + bytes(4 * len(tables))
        for row, fields in enumerate(tables):
            at = place + 4 + 4 * row
            struct.pack_into("<I", self.data, at, self.table(fields) - at)
        return place
