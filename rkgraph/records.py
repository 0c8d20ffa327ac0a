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


class _Unfinished:
    """Stands in a class for its fields: whoever asks for them has the class finished."""

    def __get__(self, instance: object, cls: type[Any]) -> Any:
        _finish(cls)
        return cls.__dict__["__dataclass_fields__"]


def _finish(cls: type[Any]) -> None:
    """Make the methods of a record, once. Until each of them is there, that of `Record` waits for it here.

    An abstract class has no instances: it gets its fields alone, so that those below it still have the methods of
    `Record` until they are finished themselves.
    """
    with _LOCK:
        if isinstance(cls.__dict__["__dataclass_fields__"], _Unfinished):
            concrete = not _is_abstract(cls)
            dataclass(frozen=True, init=concrete, repr=concrete, eq=concrete, match_args=concrete)(cls)


def _is_abstract(cls: type[Any]) -> bool:
    return bool(getattr(cls, "__abstractmethods__", ()))


class _MatchArguments:
    """The names of the fields, for a `match` of an instance that was not made here."""

    def __get__(self, instance: object, cls: type[Any]) -> Any:
        if cls is Record:
            return ()
        _finish(cls)
        return cls.__dict__["__match_args__"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """A frozen dataclass. It may lie below abstract ones; below others it is finished at once, which is rare."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __match_args__ = _MatchArguments()

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
        cls.__dataclass_fields__ = _Unfinished()  # type: ignore[assignment]
        if any(issubclass(base, Record) and base is not Record and not _is_abstract(base) for base in cls.__bases__):
            _finish(cls)
