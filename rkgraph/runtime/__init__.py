"""Running what was compiled: `Pipeline` takes and gives NumPy arrays, on the board, in the simulator or on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkgraph.runtime.pipeline import Pipeline, Run

__all__ = ["Pipeline", "Run"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import rkgraph.runtime` stays cheap."""
    if name in __all__:
        from rkgraph.runtime import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
