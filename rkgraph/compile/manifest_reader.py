"""From the JSON of a manifest, which may come from anywhere, to a bundle's fields: types and keys, no meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rkgraph.compile.bundle_parts import BundleStage, Crop, Padding, RawWeight
from rkgraph.errors import TargetError, UsageError
from rkgraph.results import TensorInfo
from rkgraph.targets import Target, resolve_target

__all__ = ["SCHEMA", "SIZES", "Fields", "ManifestReader"]

SCHEMA = "rkgraph.bundle/1"

SIZES: Mapping[str, int] = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4,
    "float32": 4, "int64": 8, "uint64": 8, "float64": 8,
}  # fmt: skip
"""Bytes of an element of a raw weight by dtype."""


class Fields(NamedTuple):
    """The fields of a Bundle behind its folder, by name and in order."""

    stages: tuple[BundleStage, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    target: Target | None
    padding: tuple[Padding, ...]
    crops: tuple[Crop, ...]
    options: Mapping[str, Any] | None
    calibration: str | None
    weights: tuple[RawWeight, ...]


class ManifestReader:
    """Turns parsed JSON into fields of a Bundle, refusing whatever is not of the right type."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fields(self, data: Any) -> Fields:
        """The fields of the bundle that `data` describes. Raises UsageError naming what is malformed."""
        top = self._table(data, "the document", {"schema", *Fields._fields})
        if top.get("schema") != SCHEMA:
            raise self._wrong(f"its schema is {top.get('schema')!r}, this rkgraph reads {SCHEMA}")
        stages = tuple(self._stage(each) for each in self._items(top.get("stages"), "stages"))
        if not stages:
            raise self._wrong("it has no stages")
        return Fields(
            stages,
            self._tensors(top.get("inputs"), "inputs"),
            self._tensors(top.get("outputs"), "outputs"),
            self._target(top.get("target")),
            tuple(Padding(**self._rule(each, Padding)) for each in self._items(top.get("padding", []), "padding")),
            tuple(Crop(**self._rule(each, Crop)) for each in self._items(top.get("crops", []), "crops")),
            None if top.get("options") is None else self._table(top["options"], "options"),
            self._maybe_text(top.get("calibration"), "calibration"),
            tuple(self._weight(each) for each in self._items(top.get("weights", []), "weights")),
        )

    def _stage(self, data: Any) -> BundleStage:
        table = self._table(data, "a stage", set(BundleStage.__dataclass_fields__))
        kind = table.get("kind")
        if kind not in ("rknn", "onnx"):
            raise self._wrong(f"the kind of a stage is rknn or onnx, not {kind!r}")
        return BundleStage(
            self._text(table.get("name"), "name of a stage"),
            kind,
            self._maybe_text(table.get("source"), "source of a stage"),
            self._maybe_text(table.get("model"), "model of a stage"),
            self._tensors(table.get("inputs"), "inputs of a stage"),
            self._tensors(table.get("outputs"), "outputs of a stage"),
        )

    def _weight(self, data: Any) -> RawWeight:
        table = self._table(data, "a weight", set(RawWeight.__dataclass_fields__))
        name, file, dtype = (self._text(table.get(key), f"{key} of a weight") for key in ("name", "file", "dtype"))
        shape = tuple(self._items(table.get("shape"), "a shape"))
        if not all(type(size) is int and size >= 0 for size in shape):
            raise self._wrong(f"weight {name}: {list(shape)} is no shape")
        return RawWeight(name, file, dtype, shape)

    def _target(self, data: Any) -> Target | None:
        if data is None:
            return None
        table = self._table(data, "target", {"platform", "toolkit", "precision"})
        keys = ("platform", "toolkit", "precision")
        try:
            return resolve_target(*(self._text(table.get(key), f"{key} of target") for key in keys))
        except TargetError as error:
            raise self._wrong(error.message) from error

    def _tensors(self, data: Any, what: str) -> tuple[TensorInfo, ...]:
        tensors = tuple(self._tensor(each, what) for each in self._items(data, what))
        names = [tensor.name for tensor in tensors]
        if len(set(names)) != len(names):
            raise self._wrong(f"{what}: a name is there twice")
        return tensors

    def _tensor(self, data: Any, what: str) -> TensorInfo:
        table = self._table(data, what, {"name", "dtype", "shape"})
        shape = table.get("shape")
        if shape is not None:
            shape = tuple(self._items(shape, "a shape"))
            if not all(size is None or isinstance(size, str) or (type(size) is int and size >= 0) for size in shape):
                raise self._wrong(f"{what}: {list(shape)} is no shape")
        return TensorInfo(self._text(table.get("name"), what), self._maybe_text(table.get("dtype"), what), shape)

    def _rule(self, data: Any, kind: type[Padding | Crop]) -> dict[str, Any]:
        fields = kind.__dataclass_fields__
        table = self._table(data, f"a {kind.__name__.lower()} rule", set(fields))
        for name, field in fields.items():
            types: tuple[type, ...] = {"str": (str,), "int": (int,), "float": (int, float)}[str(field.type)]
            if type(table.get(name)) not in types:
                raise self._wrong(f"a {kind.__name__.lower()} rule has {table.get(name)!r} as its {name}")
        return table

    def _table(self, data: Any, what: str, known: Iterable[str] | None = None) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self._wrong(f"{what} is no table")
        for key in data:
            if known is not None and key not in known:
                raise self._wrong(f"{what} has a key {key!r} that this rkgraph does not know")
        return data

    def _items(self, data: Any, what: str) -> list[Any]:
        if not isinstance(data, list):
            raise self._wrong(f"{what}: is no list")
        return data

    def _text(self, data: Any, what: str) -> str:
        if not isinstance(data, str) or not data:
            raise self._wrong(f"{what}: {data!r} is no text")
        return data

    def _maybe_text(self, data: Any, what: str) -> str | None:
        return None if data is None else self._text(data, what)

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.path}: {what}", "make the bundle again: rkgraph fix … -o FOLDER.rk")
