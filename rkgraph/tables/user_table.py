"""What a user has measured of the operators of own models: consulted by lint beside the shipped op tables.

One JSON file, keyed by the instance of an operator (`rkgraph.tables.signature`); it never says anything of another
instance. What the compiler made of it by itself speaks where the shipped table knows nothing: among its neighbours in
the model it may be fused or folded, and that the table knows better. What a board did stands above all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.files import write_text
from rkgraph.records import Record
from rkgraph.tables.entry import Entry, Limit, Outcome
from rkgraph.tables.signature import key_of, signature_of
from rkgraph.tables.table import Judgement

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.limit import IsConstant
    from rkgraph.targets import Target

__all__ = ["Grade", "UserEntry", "UserTable", "default_user_table", "load_user_table"]

_VERSION = 1
_Ground = TypeVar("_Ground", Entry, Limit)
Grade = Literal["probed", "device"]
"""What an outcome rests on: the compiler's word, or that of a board, which stands above it."""

_GRADES: tuple[Grade, ...] = get_args(Grade)
_CONFIDENCE = {"probed": Confidence.PROBED, "device": Confidence.DEVICE}


class UserEntry(Record):
    """What became of one instance on one target.

    Attributes:
        outcome: as in an op table.
        grade: what says so.
        details: the rest of the line of evidence: layers, error, lost operators.
    """

    outcome: Outcome
    grade: Grade = "probed"
    details: Mapping[str, Any] = field(default_factory=dict)


class _Instance(Record):
    """`model` is the case that was built, as ONNX text; `outcomes` are by target ("rknn-2.3.2/rk3588-fp16")."""

    op: str
    signature: str
    model: str
    outcomes: Mapping[str, UserEntry]


class UserTable:
    """A user's measurements, by instance and target. It is not changed: `extended` makes another."""

    def __init__(self, instances: Mapping[str, _Instance] | None = None) -> None:
        self._instances: Mapping[str, _Instance] = instances or {}
        entries = (entry for each in self._instances.values() for entry in each.outcomes.values())
        self._has_device = any(entry.grade == "device" for entry in entries)

    def __len__(self) -> int:
        return len(self._instances)

    def find(self, signature: str, target: Target) -> UserEntry | None:
        """What is known of an instance on a target."""
        instance = self._instances.get(key_of(signature))
        if instance is None or instance.signature != signature:
            return None
        return instance.outcomes.get(_target_key(target))

    def consult(
        self, judged: Judgement, node: Node, graph: GraphView, target: Target, is_constant: IsConstant
    ) -> Judgement:
        """The judgement of the shipped table, or the user's of this very instance: where it is unknown, or a board's.

        Where a board says the same, the judgement stays and is as sure as a board is. `judged` is what `OpTable.judge`
        says; the rest is what it was given.
        """
        if not self._instances or not (judged.outcome == "unknown" or self._has_device):
            return judged
        signature = signature_of(node, graph, is_constant)
        known = None if signature is None else self.find(signature, target)
        if signature is None or known is None or (known.grade != "device" and judged.outcome != "unknown"):
            return judged
        evidence, confidence = (f"user:{key_of(signature)}",), _CONFIDENCE[known.grade]
        if known.outcome == judged.outcome != "unknown":
            return _confirmed(judged, evidence) if known.grade == "device" else judged
        entry = Entry(node.op, node.domain, (1, 10**6), known.outcome, evidence, confidence, note=_note(known))
        return Judgement(known.outcome, (), evidence, confidence, entry)

    def extended(self, found: Iterable[tuple[str, str, str, Target, UserEntry]]) -> UserTable:
        """With more outcomes: (operator, signature, model text, target, entry) each. A board's word stays."""
        instances = dict(self._instances)
        for op, signature, model, target, entry in found:
            key = key_of(signature)
            known = instances.get(key, _Instance(op, signature, model, {}))
            before = known.outcomes.get(_target_key(target))
            if before is None or _GRADES.index(entry.grade) >= _GRADES.index(before.grade):
                outcomes = {**known.outcomes, _target_key(target): entry}
                instances[key] = _Instance(op, signature, model or known.model, outcomes)
        return UserTable(instances)

    def write(self, path: Path) -> None:
        """Write the file, sorted, whole or not at all. Raises UsageError where that cannot be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{path.parent}: cannot be made ({error.strerror})", "give --user-table PATH") from error
        instances = {
            key: {
                "op": each.op,
                "signature": json.loads(each.signature),
                "model": each.model,
                "outcomes": {
                    target: {"outcome": entry.outcome, "grade": entry.grade, **entry.details}
                    for target, entry in sorted(each.outcomes.items())
                },
            }
            for key, each in sorted(self._instances.items())
        }
        document = {"version": _VERSION, "instances": instances}
        write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def default_user_table() -> Path:
    """$RKGRAPH_USER_TABLE, else user_table.json in $RKGRAPH_HOME, else in the user's data folder."""
    if given := os.environ.get("RKGRAPH_USER_TABLE"):
        return Path(given).expanduser()
    if home := os.environ.get("RKGRAPH_HOME"):
        return Path(home).expanduser() / "user_table.json"
    import platformdirs

    return platformdirs.user_data_path("rkgraph") / "user_table.json"


def load_user_table(path: Path | None = None) -> UserTable:
    """The user's table at `path` or its default place; an empty one where there is no file.

    Raises:
        UsageError: the file cannot be read, is not such a table, or was written by a newer rkgraph.
    """
    path = path or default_user_table()
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            raise UsageError(f"{path}: is of version {document['version']!r}, this rkgraph reads {_VERSION}", "upgrade")
        return UserTable({key: _read_instance(each) for key, each in document["instances"].items()})
    except FileNotFoundError:
        return UserTable()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})", "give --user-table PATH") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: is no user table ({error})", "mend it, move it away, or set RKGRAPH_USER_TABLE"
        ) from (error)


def _read_instance(data: Mapping[str, Any]) -> _Instance:
    signature = json.dumps(data["signature"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    outcomes = {target: _read_entry(entry) for target, entry in data["outcomes"].items()}
    return _Instance(data["op"], signature, data["model"], outcomes)


def _read_entry(data: Mapping[str, Any]) -> UserEntry:
    outcome, grade = data["outcome"], data["grade"]
    if outcome not in get_args(Outcome) or grade not in _GRADES:
        raise ValueError(f"{outcome!r} of grade {grade!r} is no outcome")
    return UserEntry(outcome, grade, {key: data[key] for key in data if key not in ("outcome", "grade")})


def _note(entry: UserEntry) -> str:
    """How the user knows, in words."""
    if entry.grade == "probed":
        return "measured by the user"
    detail = str(entry.details.get("detail", ""))
    if entry.outcome == "unknown" and detail:
        return detail
    return f"a board says so: {detail}" if detail else "a board says so"


def _confirmed(judged: Judgement, evidence: tuple[str, ...]) -> Judgement:
    """The same judgement with a board's word added to whatever says so."""

    def surer(ground: _Ground) -> _Ground:
        return replace(ground, evidence=(*evidence, *ground.evidence), confidence=Confidence.DEVICE)

    entry = judged.entry
    return replace(
        judged,
        violations=tuple(
            replace(v, limit=surer(v.limit)) if v.outcome == judged.outcome else v for v in judged.violations
        ),
        evidence=(*evidence, *judged.evidence),
        confidence=Confidence.DEVICE,
        entry=surer(entry) if entry is not None and entry.outcome == judged.outcome else entry,
    )


def _target_key(target: Target) -> str:
    return f"rknn-{target.toolkit}/{target.platform}-{target.precision}"
