"""Frozen data whose methods are made when its first instance is.

    class TensorInfo(Record):
        name: str
        shape: tuple[int, ...] | None = None

is the same class as with `@dataclass(frozen=True)`: the standard library makes it, with equality, hash, `replace` and
`fields`. But that decorator compiles six methods for each class as its module is imported, 0.4 ms of CPU each, and a
lint imports 150 such classes and makes instances of every third.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from dataclasses import Field

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_options: object) -> Any:
        """What a type checker reads, and nobody else (Python 3.10 has none)."""
        return lambda cls: cls


__all__ = ["Record"]

_LOCK = RLock()


def _finish(cls: type[Any]) -> None:
    """Make the methods of a record, once. Until each of them is there, that of `Record` waits for it here."""
    with _LOCK:
        if "__dataclass_fields__" not in cls.__dict__:
            dataclass(frozen=True)(cls)


class _Finished:
    """An attribute of the class that the decorator will set: whoever asks earlier has it set."""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: object, cls: type[Any]) -> Any:
        if cls is self._owner:
            raise AttributeError(self._name)
        _finish(cls)
        return cls.__dict__[self._name]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """A frozen dataclass. What a class below another record inherits is settled at once, as it is rare."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _Finished()
        __match_args__ = _Finished()

        def __init__(self, *values: object, **named: object) -> None:
            _finish(type(self))
            type(self).__init__(self, *values, **named)

        # An instance that comes from another process by pickle was never initialised here.
        def __eq__(self, other: object) -> bool:
            _finish(type(self))
            return type(self).__eq__(self, other)

        def __hash__(self) -> int:
            _finish(type(self))
            return type(self).__hash__(self)

        def __repr__(self) -> str:
            _finish(type(self))
            return type(self).__repr__(self)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if any(issubclass(base, Record) and base is not Record for base in cls.__bases__):
            _finish(cls)
