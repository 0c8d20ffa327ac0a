"""What removing a cause would buy, in words; and numbers in as many digits as matter."""

from __future__ import annotations

import math

from rkgraph.results import Saving

__all__ = ["amount", "bytes_text", "cosine_text", "error_text", "gains", "of_bytes"]


def gains(each: Saving) -> tuple[str, ...]:
    """E.g. "12 nodes off the CPU", "3 crossings less (4 kB)"; what it would not change is left out."""
    words = ["in the way of every build or board"] if each.blocks else []
    words += [_nodes(each.no_kernel, "without a kernel")] if each.no_kernel else []
    words += [_nodes(each.cpu_nodes, "off the CPU")] if each.cpu_nodes else []
    if each.crossings > 0:
        plural = "" if each.crossings == 1 else "s"
        words.append(f"{each.crossings} crossing{plural} less{of_bytes(each.crossing_bytes)}")
    words += [f"{each.induced} finding{'' if each.induced == 1 else 's'} with it"] if each.induced else []
    return tuple(words)


def of_bytes(size: int | None) -> str:
    """A size in parentheses, to follow what it is of; nothing where it is not known, or none."""
    return "" if size is None or size <= 0 else f" ({bytes_text(size)})"


def amount(number: float) -> str:
    """A count in three digits: 698 M."""
    for unit, word in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{word}"
    return f"{number:.0f}"


def cosine_text(cosine: float) -> str:
    """Six digits, never rounded up: 1.000000 is what is equal. NaN: beyond comparison."""
    return "not comparable" if math.isnan(cosine) else f"{math.floor(cosine * 1e6) / 1e6:.6f}"


def error_text(error: float) -> str:
    """A relative error in two digits, "0.021 %"; what is not finite has overflowed."""
    return f"{float(f'{100 * error:.2g}'):g} %" if math.isfinite(error) else "overflow"


def bytes_text(size: float | None) -> str:
    """Bytes in three digits: 42.7 MB."""
    if size is None:
        return "unknown"
    for unit, word in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {word}" if size < 1000 * unit else f"{size / unit:.0f} {word}"
    return f"{size:.0f} B"


def _nodes(count: int, where: str) -> str:
    return f"{count} node{'' if count == 1 else 's'} {where}"
