"""A plan: what `rkgraph fix` was asked for and what it made of it, as TOML that a person can edit and apply again.

What is read has its values checked one by one; what is written is in a fixed order, so that two plans can be compared
line by line. Large frozen inputs lie in .npy files beside the plan, whose paths are relative to it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix_choices import Choices
from rkgraph.errors import UsageError
from rkgraph.graph.rewrite import Between
from rkgraph.records import Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.results import AppliedFix, Fixes, RefusedFix

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ABSENT", "PlanEntry", "PlanFile", "Request", "entries_of", "read_plan"]

SCHEMA = "rkgraph.plan/1"

ABSENT = "none"  # the value of a sequence or optional input that holds nothing, on the command line and in plans
MAX_BYTES = 8 << 20
SAYS_SO = "the plan says so"
"""The reason of a fix that a plan refuses."""


class Request(Record):
    """What a fix is asked for, but for the model and where it goes: the fields are the options of these names."""

    target: str = "rk3588"
    rules: str = "rknn-2.3.2"
    precision: str = "fp16"
    allow: frozenset[Safety] = frozenset()
    lm_head_shards: int = 0
    presimplify: bool = False
    inputs: Path | None = None
    calibration: Path | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    freeze: Mapping[str, npt.NDArray[Any] | None] = field(default_factory=dict)
    assume: Mapping[str, Between] = field(default_factory=dict)


class PlanEntry(Record):
    """One fix; `apply` is what is to be done about it, and `reason` why it was not made."""

    code: str
    place: str
    fingerprint: str
    apply: bool
    title: str = ""
    safety: str = ""
    allowed_by: str = ""
    reason: str = ""


class PlanFile(Record):
    """A plan: what was asked for, the fixes in their order, and options for `rkgraph compile` that were found to pay.

    `left_out` are the rules of cuts that did not pay; `shards` is not written: it becomes `lm_head_shards`.
    """

    request: Request = Request()
    fixes: tuple[PlanEntry, ...] = ()
    build: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    shards: int = 0

    @property
    def choices(self) -> Choices:
        """What the plan decides of single fixes."""
        return Choices(
            declined={entry.fingerprint: SAYS_SO for entry in self.fixes if not entry.apply},
            approved=frozenset(entry.fingerprint for entry in self.fixes if entry.apply),
            without=frozenset(self.left_out),
        )


def entries_of(fixes: Fixes, titles: Mapping[str, str]) -> tuple[PlanEntry, ...]:
    """The fixes of a run as entries of a plan: what was done, then what was refused, each in the order of the report.

    Args:
        fixes: what was and was not done; what has no fingerprint (--freeze) is told by the request.
        titles: code → title of the rule's fix.
    """
    done = [_done(fix, fix.fingerprint) for fix in fixes.applied if fix.fingerprint is not None]
    refused = [
        _refused(fix, fix.fingerprint, titles.get(fix.code, "")) for fix in fixes.refused if fix.fingerprint is not None
    ]
    return tuple({entry.fingerprint: entry for entry in (*refused, *done)}.values())


def _done(fix: AppliedFix, fingerprint: str) -> PlanEntry:
    return PlanEntry(fix.code, str(fix.at), fingerprint, True, fix.title, fix.safety.value, fix.allowed_by)


def _refused(fix: RefusedFix, fingerprint: str, title: str) -> PlanEntry:
    reason = f"{fix.reason}; {fix.needs} would allow it" if fix.needs else fix.reason
    return PlanEntry(fix.code, str(fix.at), fingerprint, False, title, reason=reason)


def read_plan(path: Path) -> PlanFile:
    """Read and check the plan at `path`.

    Raises:
        UsageError: it cannot be read, is no plan, or says what cannot be; naming the key.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: is larger than {MAX_BYTES >> 20} MB", "is it a plan of rkgraph?")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--plan {path}: cannot be read ({error.strerror})", "check its permissions") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--plan {path}: is not TOML ({error})", "give another name to have a new plan") from error
    return _Reader(path, table).plan()


class _Reader:
    """Takes keys out of the table of a plan; what is left at the end is unknown."""

    def __init__(self, path: Path, table: dict[str, Any]) -> None:
        self.path, self.table = path, table

    def plan(self) -> PlanFile:
        if self.table.pop("schema", None) != SCHEMA:
            raise UsageError(f"--plan {self.path}: is no plan of rkgraph", f'a plan says schema = "{SCHEMA}"')
        default = Request()
        request = Request(
            target=self.take("target", str, default.target),
            rules=self.take("rules", str, default.rules),
            precision=self.take("precision", str, default.precision),
            allow=frozenset(self.safety(word) for word in self.texts("allow")),
            lm_head_shards=self.take("lm_head_shards", int, 0),
            presimplify=self.take("presimplify", bool, False),
            inputs=self.file("inputs"),
            calibration=self.file("calibration"),
            shapes={name: self.shape(name, sizes) for name, sizes in self.entries("shapes")},
            dims={name: self.check(f"dims.{name}", size, int, size) for name, size in self.entries("dims")},
            freeze={name: self.frozen(name, value) for name, value in self.entries("freeze")},
            assume={name: self.between(name, value) for name, value in self.entries("assume")},
        )
        fixes = tuple(self.entry(number, row) for number, row in enumerate(self.take("fix", list, []), 1))
        plan = PlanFile(request, fixes, dict(self.entries("build")), self.texts("left_out"))
        if self.table:
            raise self.wrong(sorted(self.table)[0], "there is no such key in a plan")
        return plan

    def wrong(self, key: str, what: str) -> UsageError:
        return UsageError(f"--plan {self.path}: {key}: {what}", "edit it, or have a new plan written to another name")

    def check(self, key: str, value: Any, kind: type, default: Any) -> Any:
        negative = kind is int and isinstance(value, int) and (isinstance(value, bool) or value < 0)
        if isinstance(value, kind) and not negative:
            return value
        if value is default and value is None:
            return None
        raise self.wrong(key, f"{value!r} is no {'whole number' if kind is int else kind.__name__}")

    def take(self, key: str, kind: type, default: Any) -> Any:
        return self.check(key, self.table.pop(key, default), kind, default)

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.take(key, list, [])
        if not all(isinstance(word, str) for word in found):
            raise self.wrong(key, f"{found!r} is no list of texts")
        return tuple(found)

    def entries(self, key: str) -> Iterable[tuple[str, Any]]:
        found: dict[str, Any] = self.take(key, dict, {})
        return found.items()

    def safety(self, word: str) -> Safety:
        known = [s.value for s in Safety if s not in (Safety.SAFE, Safety.MANUAL)]
        if word not in known:
            raise self.wrong("allow", f"{word!r} is no class of fixes to allow: {', '.join(known)}")
        return Safety(word)

    def file(self, key: str) -> Path | None:
        name = self.take(key, str, "")
        return self.path.parent / name if name else None

    def shape(self, name: str, sizes: Any) -> tuple[int, ...]:
        if not isinstance(sizes, list) or not all(type(size) is int and size > 0 for size in sizes):
            raise self.wrong(f"shapes.{name}", f"{sizes!r} is no shape, e.g. [1, 256]")
        return tuple(sizes)

    def frozen(self, name: str, value: Any) -> npt.NDArray[Any] | None:
        import numpy as np

        if value == ABSENT:
            return None
        if isinstance(value, bool | int | float):
            return np.asarray(value)
        if not isinstance(value, str):
            raise self.wrong(f"freeze.{name}", f"{value!r} is neither a number, nor {ABSENT}, nor the path of a .npy")
        try:
            array: npt.NDArray[Any] = np.load(self.path.parent / value, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise self.wrong(f"freeze.{name}", f"{value} cannot be read ({error})") from error
        return array

    def between(self, name: str, value: Any) -> Between:
        """A range as [low, high]; whole bounds mean whole numbers, as on the command line."""
        numbers = isinstance(value, list) and all(type(each) in (int, float) for each in value)
        if not numbers or len(value) != 2 or not value[0] <= value[1]:
            raise self.wrong(f"assume.{name}", f"{value!r} is no range, e.g. [0, 1]")
        return Between(float(value[0]), float(value[1]), integer=all(type(each) is int for each in value))

    def entry(self, number: int, row: Any) -> PlanEntry:
        where = f"fix {number}"
        if not isinstance(row, dict):
            raise self.wrong(where, "is no table")
        known = {
            key: row[key] for key in ("code", "place", "fingerprint", "title", "safety", "allowed_by") if key in row
        }
        unknown = sorted(row.keys() - known.keys() - {"apply"})
        if unknown:
            raise self.wrong(where, f"{unknown[0]}: there is no such key")
        if not isinstance(row.get("apply"), bool):
            raise self.wrong(where, f"apply = {row.get('apply')!r} is to be true or false")
        if not all(isinstance(value, str) for value in known.values()) or not known.get("fingerprint"):
            raise self.wrong(where, "needs code, place and fingerprint as texts")
        return PlanEntry(
            known.get("code", ""),
            known.get("place", ""),
            known["fingerprint"],
            row["apply"],
            known.get("title", ""),
            known.get("safety", ""),
            known.get("allowed_by", ""),
        )
