"""The numbers at the top of a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rkgraph.diagnostics import Device
from rkgraph.report.gains import cosine_text
from rkgraph.report.story import Story

__all__ = ["Tile", "tiles_of"]

_BOUNDARY = ("InputOperator", "OutputOperator")
_TONES = {Device.NPU: "good", Device.CPU: "warn", Device.NO_KERNEL: "bad", Device.UNKNOWN: "warn"}
_LABELS = {
    Device.NPU: "on the NPU",
    Device.CPU: "on the CPU",
    Device.HOST: "on the host",
    Device.FOLDED: "folded away",
    Device.NO_KERNEL: "without a kernel",
    Device.UNKNOWN: "unknown",
}


@dataclass(frozen=True)
class Tile:
    """A number of the summary; `tone` is "good", "warn", "bad" or ""."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


def tiles_of(story: Story) -> tuple[Tile, ...]:
    """The summary: nodes, layers, size, traffic, memory, likeness; only what is known."""
    devices = [node.device for node in story.settled]
    return (*_node_tiles(devices), *_compile_tiles(story))


def _node_tiles(placement: Sequence[Device]) -> Iterable[Tile]:
    counts = Counter(placement)
    for device in Device:
        if counts[device]:
            whole = f"of {len(placement):,} nodes"
            yield Tile(_LABELS[device], f"{counts[device]:,}", whole, _TONES.get(device, ""))


def _compile_tiles(story: Story) -> Iterable[Tile]:
    layers = story.layers
    if layers:
        on_cpu = sum(layer["target"] == "CPU" and layer["op"] not in _BOUNDARY for layer in layers)
        yield Tile("layers", f"{len(layers):,}", f"{on_cpu} on the CPU", "warn" if on_cpu else "good")
        yield Tile("read + write", f"{sum(layer.get('rw_kb') or 0 for layer in layers):,.0f} KB", "per inference")
    size = sum(stage.get("size_bytes", 0) for stage in story.compiled_stages)
    if size:
        files = len(story.compiled_stages)
        yield Tile(".rknn", f"{size / 1e6:.1f} MB", "1 file" if files == 1 else f"{files} files")
    internal = sum(stage.get("memory", {}).get("internal_kb", 0) for stage in story.compiled_stages)
    weights = sum(stage.get("memory", {}).get("weight_kb", 0) for stage in story.compiled_stages)
    if internal or weights:
        yield Tile("memory", f"{(internal + weights) / 1024:.1f} MB", f"{weights / 1024:.1f} MB of it weights")
    cosine = story.lowest_cosine
    if cosine is not None:
        threshold = (story.verify or story.sentences or {}).get("threshold", 0.99)
        yield Tile("lowest cosine", cosine_text(cosine), "simulator", "good" if cosine >= threshold else "bad")
