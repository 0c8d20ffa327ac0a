"""Dropout at every opset, its mask left out, asked for, or named and read by nobody; Gelu."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import COMPANION, Case, case, computed, positions

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield case("Gelu", "opset20", [computed(1, 12, 24)], opset=20)
    yield from positions("Dropout", "two", [computed(1, 12, 24)], outputs=2)
    for opset in (7, 8, 9, 10, 11, 12):
        yield from positions("Dropout", f"opset{opset}", [computed(1, 12, 24)], opset=opset)
        yield _unused_mask(opset)


def _unused_mask(opset: int) -> Case:
    """A Dropout whose second output is named and read by nobody, as exporters of old opsets leave it."""
    text = (
        f'<ir_version: 8, opset_import: ["" : {opset}]> rk ({COMPANION[0]}, {COMPANION[1]}, float[1,12,24] x) => '
        f"(after, k1) {{ {COMPANION[2]} [probe] probe_y, mask = Dropout(x) after = Sigmoid(probe_y) }}"
    )
    return Case(f"Dropout/opset{opset},unused-mask", "Dropout", text)
