"""A plan as TOML text: commented, in a fixed order, with the arrays that have to lie beside it."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.engine.plan_file import ABSENT, SCHEMA, PlanEntry, PlanFile
from rkgraph.errors import UsageError
from rkgraph.files import write_bytes, write_text

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.rewrite import Between

__all__ = ["toml_table", "write_plan"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class _Beside:
    """A frozen input too large for the plan itself."""

    file: str
    data: bytes


def write_plan(path: Path, plan: PlanFile, model: Path) -> None:
    """Write `plan` for `model` to `path`, and arrays beside it; each file whole or not at all, the plan last.

    Raises:
        UsageError: something cannot be written.
    """
    beside = {name: _beside(path, number, name, value) for number, (name, value) in _arrays(plan.request.freeze)}
    for each in beside.values():
        write_bytes(path.parent / each.file, each.data)
    write_text(path, "\n".join(_lines(path, plan, model, {name: each.file for name, each in beside.items()})) + "\n")


def toml_table(values: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a table of plain data: texts, numbers, flags, lists, and tables of these in one line."""
    yield from (f"{_key(name)} = {_value(value)}" for name, value in values.items())


def _lines(path: Path, plan: PlanFile, model: Path, beside: Mapping[str, str]) -> Iterator[str]:
    request = plan.request
    yield f"# What `rkgraph fix` was asked for and made of {_one_line(model.name)}. To have it otherwise, edit and run"
    yield f"#   rkgraph fix MODEL --plan {_one_line(path.name)} -o FIXED.onnx"
    yield "# with this model, or with a later export of it: fixes are found again by their fingerprints, which no name"
    yield "# of a node or a value is part of, but for inputs and outputs."
    yield f'schema = "{SCHEMA}"'
    yield f"target = {_value(request.target)}"
    yield f"rules = {_value(request.rules)}"
    yield f"precision = {_value(request.precision)}"
    yield f"allow = {_value(sorted(safety.value for safety in request.allow))}  # classes of fixes beyond safe"
    if request.lm_head_shards:
        yield f"lm_head_shards = {request.lm_head_shards}"
    if request.presimplify:
        yield "presimplify = true"
    for name, file in (("inputs", request.inputs), ("calibration", request.calibration)):
        if file is not None:
            yield f"{name} = {_value(os.path.relpath(file, path.parent))}"
    if plan.left_out:
        yield f"left_out = {_value(sorted(plan.left_out))}  # cuts that were compiled and found not to pay"
    frozen = {
        name: ABSENT if value is None else beside[name] if value.ndim else value.item()
        for name, value in request.freeze.items()
    }
    yield from _table("shapes", {name: list(shape) for name, shape in request.shapes.items()})
    yield from _table("dims", request.dims)
    yield from _table("freeze", frozen, f"inputs that are constants: a number, a .npy beside this file, {ABSENT}")
    yield from _table("assume", {name: _bounds(b) for name, b in request.assume.items()}, "what you vouch for")
    yield from _table("build", plan.build, "for `rkgraph compile --config`: what --tune found to pay")
    yield ""
    yield "# Fixes, in the order in which they were made. apply = false has one left out; apply = true allows one that"
    yield "# was left out for its class only. A fix that is not listed is made where the options above allow it."
    for entry in plan.fixes:
        yield from _entry(entry)


def _entry(entry: PlanEntry) -> Iterator[str]:
    yield ""
    yield "[[fix]]"
    for name in ("code", "place", "fingerprint", "title", "safety", "allowed_by"):
        value = getattr(entry, name)
        if value:
            yield f"{name} = {_value(value)}"
    comment = f"  # {_one_line(entry.reason)}" if entry.reason and not entry.apply else ""
    yield f"apply = {_value(entry.apply)}{comment}"


def _table(name: str, values: Mapping[str, Any], comment: str = "") -> Iterator[str]:
    if values:
        yield ""
        yield f"[{name}]" + (f"  # {comment}" if comment else "")
        yield from toml_table(values)


def _arrays(frozen: Mapping[str, npt.NDArray[Any] | None]) -> Iterator[tuple[int, tuple[str, npt.NDArray[Any]]]]:
    yield from enumerate(((name, value) for name, value in frozen.items() if value is not None and value.ndim), 1)


def _beside(path: Path, number: int, name: str, value: npt.NDArray[Any]) -> _Beside:
    import numpy as np

    data = io.BytesIO()
    try:
        np.save(data, value, allow_pickle=False)
    except ValueError as error:
        raise UsageError(
            f"--plan {path}: the frozen input {name} is no array of numbers ({error})", "leave --plan out"
        ) from error
    word = "-".join(_BARE.findall(name))[:40]
    return _Beside(f"{path.stem}.freeze-{number}{f'-{word}' if word else ''}.npy", data.getvalue())


def _bounds(bounds: Between) -> list[float]:
    """Whole numbers where whole ones are meant."""
    return [int(bounds.low), int(bounds.high)] if bounds.integer else [float(bounds.low), float(bounds.high)]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(toml_table(value)) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_value(each) for each in value)}]"
    text = json.dumps(str(value), ensure_ascii=False)
    return re.sub("[\x7f\ud800-\udfff]", lambda found: f"\\u{min(ord(found[0]), 0xD7FF):04x}", text)


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]+", " ", text)
