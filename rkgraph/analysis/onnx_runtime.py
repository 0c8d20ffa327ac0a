"""ONNX Runtime without its telemetry: it would write a device id to the temporary folder and call home.

Recent Linux builds (seen: 1.31) collect by default, from the import on; a later `disable_telemetry_events()` comes
too late. `ORT_DISABLE_TELEMETRY=1`, set before the import, is the documented full opt-out (its Privacy.md).
"""

from __future__ import annotations

import os
from types import ModuleType

__all__ = ["import_runtime"]


def import_runtime() -> ModuleType:
    """The module `onnxruntime`; a user who set ORT_DISABLE_TELEMETRY, to whatever, keeps that."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    module: ModuleType = onnxruntime
    return module
