from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import pytest

from rkgraph.records import Record


class Point(Record):
    """A place."""

    x: int
    y: int = 2
    names: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict, compare=False)
    count: ClassVar[int] = 0

    @cached_property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True)
class Standard:
    x: int
    y: int = 2
    names: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict, compare=False)
    count: ClassVar[int] = 0


def fresh() -> type[Any]:
    """A class of which no instance was made yet."""

    class Fresh(Record):
        a: int
        b: str = "x"

    return Fresh


def test_a_record_is_the_frozen_dataclass_of_the_standard_library() -> None:
    one, other = Point(1, names=("a",)), Standard(1, names=("a",))
    assert repr(one) == repr(other).replace("Standard", "Point")
    assert vars(one) == vars(other)
    assert hash(one) == hash(other)
    assert [f.name for f in fields(Point)] == [f.name for f in fields(Standard)]
    assert is_dataclass(one)
    assert one.total == 3
    assert one == Point(1, names=("a",), more={"b": 1})
    assert one not in (Point(2), other)
    assert replace(one, y=5) == Point(1, 5, ("a",))
    with pytest.raises(FrozenInstanceError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.x
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Point()  # type: ignore[call-arg]


def test_nothing_is_made_before_an_instance_is() -> None:
    cls = fresh()
    assert "__init__" not in cls.__dict__
    assert cls(1) == cls(1, "x")
    assert "__init__" in cls.__dict__


@pytest.mark.parametrize(
    "ask", [fields, is_dataclass, lambda cls: cls.__match_args__], ids=["fields", "is-dataclass", "match"]
)
def test_who_asks_for_the_fields_of_a_class_has_them(ask: Any) -> None:
    cls = fresh()
    assert ask(cls)
    assert cls.__match_args__ == ("a", "b")
    assert not is_dataclass(Record)


class Base(Record, ABC):
    """What cannot be made."""

    a: int

    @abstractmethod
    def word(self) -> str: ...


def below() -> tuple[type[Any], type[Any]]:
    """Two classes below the abstract one, neither of which was asked for anything."""

    class Child(Base):
        b: int = 3

        def word(self) -> str:
            return "child"

    class Other(Base):
        c: int

        def word(self) -> str:
            return "other"

    return Child, Other


def test_each_class_below_an_abstract_one_has_its_own_fields() -> None:
    """Also where another one below it, and so the abstract one itself, was finished before."""
    child, other = below()
    assert child(1) == child(1, 3)
    assert repr(child(1)).endswith("Child(a=1, b=3)")
    assert [f.name for f in fields(other)] == ["a", "c"]
    child, other = below()
    assert [f.name for f in fields(child)] == ["a", "b"]
    assert other(1, 2) != child(1, 2)
    assert (other(1, c=2).word(), other.__match_args__) == ("other", ("a", "c"))
    with pytest.raises(FrozenInstanceError):
        other(1, 2).a = 2
    with pytest.raises(TypeError, match="abstract"):
        Base(1)  # type: ignore[abstract]


def test_a_class_below_one_that_has_instances_is_finished_at_once() -> None:
    class Further(Point):
        z: int = 0

    assert "__init__" in Further.__dict__
    assert Further(1, z=4) == Further(1, 2, z=4)
    assert Further(1) != Point(1)


def test_checks_after_initialisation_run() -> None:
    class Checked(Record):
        a: int

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("negative")

    assert Checked(1).a == 1
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)


def test_what_another_process_made_is_equal_to_what_this_one_makes() -> None:
    """Unpickling initialises nothing, so the class is still unfinished when the first is compared."""
    code = (
        "import pickle, sys\nfrom tests.test_records import Point\n"
        "here = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "assert '__init__' not in Point.__dict__\n"
        "print(repr(here), here == Point(1, 4), hash(here) == hash(Point(1, 4)))\n"
        "match here:\n    case Point(x, y): print(x, y)\n"
    )
    sent = pickle.dumps(Point(1, 4)).hex()
    done = subprocess.run([sys.executable, "-c", code, sent], capture_output=True, text=True, check=True)
    assert done.stdout == "Point(x=1, y=4, names=(), more={}) True True\n1 4\n"


def test_threads_that_make_the_first_instance_together_all_get_one() -> None:
    for _ in range(50):
        cls, together, made = fresh(), threading.Barrier(8), list[Any]()

        def make(cls: type[Any] = cls, together: threading.Barrier = together, made: list[Any] = made) -> None:
            together.wait()
            made.append(cls(1))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [cls(1)] * 8
