"""The numbers of fp16 (IEEE 754, binary16), each in one place: what the NPU computes in."""

from __future__ import annotations

__all__ = ["FP16_MAX", "FP16_NORMAL"]

FP16_MAX = 65504.0
"""The largest finite number."""

FP16_NORMAL = 2.0**-14
"""The smallest normal number, 6.1e-05: what is smaller loses digits, and becomes zero below 2^-25."""
