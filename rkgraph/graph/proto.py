"""The protobuf classes and the C++ extension of onnx, without the onnx package.

`import onnx` costs 85 ms and 30 MB (numpy, ml_dtypes, json); its generated classes and its compiled extension cost
20 ms. Both are imported here under their real names, so that a later `import onnx` in the same process finds and
shares them: a message made here is an instance of `onnx.ModelProto`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["native", "pb"]

if TYPE_CHECKING:
    from onnx import onnx_ml_pb2 as pb

_PACKAGE = "onnx"
_PARTS = ("onnx_ml_pb2", "onnx_cpp2py_export")


class _BindingLoader(SourceFileLoader):
    """Runs `onnx/__init__` with the parts that were imported before it already bound as its attributes."""

    def exec_module(self, module: ModuleType) -> None:
        for part in _PARTS:
            setattr(module, part, sys.modules[f"{_PACKAGE}.{part}"])
        super().exec_module(module)


class _BindingFinder:
    """Finds onnx once, for the first real `import onnx`, then steps aside.

    The import system binds a submodule to its package when it loads it; ours were loaded without one.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _BindingLoader(fullname, spec.origin)
        return spec


def _import_parts() -> list[Any]:
    names = [f"{_PACKAGE}.{part}" for part in _PARTS]
    if _PACKAGE in sys.modules:
        return [importlib.import_module(name) for name in names]
    spec = PathFinder.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("No module named 'onnx'", name=_PACKAGE)
    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = stand_in
    try:
        parts = [importlib.import_module(name) for name in names]
    finally:
        del sys.modules[_PACKAGE]
    sys.meta_path.insert(0, _BindingFinder())
    return parts


native: Any
if not TYPE_CHECKING:
    pb, native = _import_parts()
