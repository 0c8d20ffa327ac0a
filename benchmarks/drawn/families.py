"""All families by name."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.drawn import (
    convolutions,
    elementwise,
    indexing,
    norms,
    others,
    pools,
    products,
    quantized,
    recurrent,
    reductions,
    resampling,
    shapes,
)
from benchmarks.drawn.case import Family

__all__ = ["FAMILIES"]

FAMILIES: Mapping[str, Family] = {
    **convolutions.FAMILIES,
    **pools.FAMILIES,
    **reductions.FAMILIES,
    **norms.FAMILIES,
    **indexing.FAMILIES,
    **resampling.FAMILIES,
    **products.FAMILIES,
    **elementwise.FAMILIES,
    **recurrent.FAMILIES,
    **quantized.FAMILIES,
    **shapes.FAMILIES,
    **others.FAMILIES,
}
