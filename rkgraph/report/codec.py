"""Frozen dataclasses to plain JSON data and back, driven by their type hints.

Non-finite numbers have no JSON token: they are written as the strings "NaN", "Infinity" and "-Infinity" and
read back as numbers wherever a number may stand, in open mappings too (there these three words are reserved).
Arrays are read back as tuples, so that what is read is as immutable as what was written.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, TypeVar

__all__ = ["NON_FINITE", "decode", "encode"]

NON_FINITE = ("NaN", "Infinity", "-Infinity")
"""How a number without a JSON token is written."""

_T = TypeVar("_T")


def encode(item: Any, orders: Mapping[type, tuple[str, ...]]) -> Any:
    """Plain data (dict, list, str, int, float, bool, None) for `item`; dataclasses in the field order of `orders`.

    Raises:
        TypeError: something that a report cannot hold, e.g. an array (a bug of whoever put it there).
    """
    if item is None or isinstance(item, str | bool):
        return item.value if isinstance(item, Enum) else item
    if isinstance(item, Integral):
        return int(item)
    if isinstance(item, Real):
        return _number(float(item))
    if isinstance(item, Mapping):
        return {_key(key): encode(value, orders) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [encode(value, orders) for value in item]
    if is_dataclass(item) and not isinstance(item, type):
        names = orders.get(type(item)) or tuple(field.name for field in fields(item))
        later = _later(type(item))
        values = ((name, getattr(item, name)) for name in names)
        return {name: encode(value, orders) for name, value in values if value is not None or name not in later}
    raise TypeError(f"a report cannot hold {type(item).__name__}: {item!r:.80}")


def decode(hint: type[_T], data: Any) -> _T:
    """The `hint` that plain `data` stands for; `data` has passed the schema, which has the same structure."""
    return typing.cast("_T", _decode(hint, data))


def _decode(hint: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return _open(data)
    if origin in (typing.Union, types.UnionType):
        return None if data is None else _decode(_member(arguments, data), data)
    if origin is tuple:
        return tuple(_decode(arguments[0], value) for value in data)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _decode(arguments[1], value) for key, value in data.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: _decode(hints[name], value) for name, value in data.items()})
    return hint(data) if issubclass(hint, Enum | float) else data


def _member(arguments: tuple[Any, ...], data: Any) -> Any:
    """The member of a union that `data` belongs to: dimensions are int or str, everything else has one member."""
    members = [hint for hint in arguments if hint is not type(None)]
    return next((hint for hint in members if isinstance(hint, type) and type(data) is hint), members[0])


@lru_cache(maxsize=64)
def _later(kind: Any) -> frozenset[str]:
    """The fields that are left out where they are None; see `diagnostics.LATER`."""
    return frozenset(field.name for field in fields(kind) if field.metadata.get("later"))


@lru_cache(maxsize=64)
def _hints(hint: type) -> Mapping[str, Any]:
    return typing.get_type_hints(hint)


def _open(data: Any) -> Any:
    """A value of an open mapping: arrays become tuples, the three reserved words become numbers."""
    if isinstance(data, dict):
        return {key: _open(value) for key, value in data.items()}
    if isinstance(data, list):
        return tuple(_open(value) for value in data)
    return float(data) if data in NON_FINITE else data


def _number(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key of a report is {type(key).__name__}, not str: {key!r:.80}")
    return key.value if isinstance(key, Enum) else key
