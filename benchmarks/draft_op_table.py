"""Draft an op table from its evidence: the fewest limits that explain every outcome, for a person to judge and edit.

    python benchmarks/draft_op_table.py [--toolkit 2.3.2] [--only GATHER,CAST] > draft.toml

Each operator starts with its best outcome; then the limit that explains the most worse outcomes, and contradicts
none, is added until nothing is left or nothing helps. What no limit explains is listed on stderr.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import onnx

sys.path.insert(0, str(Path(__file__).parent))

from op_cases.evidence import Seen, read_evidence

from rkgraph.tables import limits as kinds
from rkgraph.tables.entry import Outcome, worst
from rkgraph.tables.limits import LimitKind

ORDER: tuple[Outcome, ...] = ("npu", "cpu", "unknown", "no-kernel", "build-fails")

COST = {
    "dtype": 0.0,
    "constant": 0.1,
    "attribute-presence": 0.2,
    "attribute-in": 0.2,
    "presence": 0.3,
    "rank": 0.4,
    "batch": 0.5,
    "neighbour": 0.9,
}
"""What a kind must explain more than another to be preferred: dtypes are the likeliest reason, neighbours the last."""

CHAINS = {"Erf": (("after", ("Add", "Mul", "Mul")), ("before", ("Div",)))}
"""Chains of neighbours worth trying, of operators that fusions are known to swallow."""

NEIGHBOURS = ("@input", "@output", "Cast", "Mul", "Add")


@dataclass(frozen=True)
class Draft:
    """A limit that explains some cases."""

    check: LimitKind
    when: tuple[LimitKind, ...]
    outcome: Outcome
    evidence: tuple[str, ...]


def draft(cases: list[Seen]) -> tuple[Outcome, list[Draft], list[Seen]]:
    """The default outcome, the limits, and the cases that they do not explain."""
    options = sorted({c.outcome for c in cases}, key=ORDER.index)
    tries = [_fit(cases, default) for default in options]
    return min(tries, key=lambda t: (len(t[2]), ORDER.index(t[0])))


def _fit(cases: list[Seen], default: Outcome) -> tuple[Outcome, list[Draft], list[Seen]]:
    predicted = {c.id: default for c in cases}
    chosen: list[Draft] = []
    conditions: list[tuple[LimitKind, ...]] = [(), *((c,) for c in _conditions(cases))]
    while True:
        best: tuple[float, Draft] | None = None
        for outcome, when in itertools.product(ORDER[1:], conditions):
            scope = [c for c in cases if all(_holds(w, c) for w in when)]
            if not any(c.outcome == outcome != predicted[c.id] for c in scope):
                continue
            for check in _candidates(scope, outcome):
                hit = [c for c in scope if _violates(check, c)]
                if not hit or any(ORDER.index(c.outcome) < ORDER.index(outcome) for c in hit):
                    continue
                gain = [c for c in hit if c.outcome == outcome and ORDER.index(predicted[c.id]) < ORDER.index(outcome)]
                score = len(gain) - COST[check.kind] - 0.95 * len(when)
                if score > 0 and (best is None or score > best[0]):
                    evidence = tuple(c.id for c in hit if c.outcome == outcome)
                    best = (score, Draft(check, when, outcome, evidence))
        if best is None:
            return default, chosen, [c for c in cases if predicted[c.id] != c.outcome]
        chosen.append(best[1])
        for c in cases:
            if all(_holds(w, c) for w in best[1].when) and _violates(best[1].check, c):
                predicted[c.id] = worst((predicted[c.id], best[1].outcome))


def _holds(limit: LimitKind, case: Seen) -> bool:
    return limit.holds(case.node, case.graph, case.graph.is_constant)


def _violates(limit: LimitKind, case: Seen) -> bool:
    return limit.check(case.node, case.graph, case.graph.is_constant) is not None


def _candidates(scope: list[Seen], outcome: Outcome) -> Iterator[LimitKind]:
    """Limits that forbid exactly what was never seen better than `outcome` in `scope`."""
    level = ORDER.index(outcome)
    for probe in _probes(scope):
        values: dict[Any, bool] = {}
        for case in scope:
            for value in probe.observe(case.node, case.graph, case.graph.is_constant):
                values[value] = values.get(value, True) and ORDER.index(case.outcome) >= level
        bad = tuple(v for v, always in values.items() if always)
        good = tuple(v for v, always in values.items() if not always)
        if not bad:
            continue
        given = {f.name: getattr(probe, f.name) for f in fields(probe)}
        if probe.kind == "batch":
            yield probe
        elif "constant" in given or "present" in given:
            for wanted in (True, False):
                yield type(probe)(**{**given, "constant" if "constant" in given else "present": wanted})
        elif probe.kind == "attribute-in" or not good:
            yield type(probe)(**{**given, "allowed": (), "refused": tuple(sorted(bad, key=str))})
        else:
            yield type(probe)(**{**given, "refused": (), "allowed": _with_floats(good, bad)})


def _with_floats(good: Iterable[Any], bad: Iterable[Any] = ()) -> tuple[Any, ...]:
    """`good`, and the other float types where float32 is in it and they were not seen to fail.

    The toolkit turns float16 and float64 into float32 as it loads (`facts:float-types`).
    """
    floats = {"float16", "float64"} if "float32" in good else set()
    return tuple(sorted({*good, *(floats - set(bad))}, key=str))


def bounds(cases: list[Seen]) -> Iterator[Draft]:
    """Limits that say where the evidence ends: dtypes and ranks of the first inputs that nobody has measured."""
    for probe in _probes(cases):
        if probe.kind not in ("dtype", "rank"):
            continue
        seen: dict[Any, str] = {}
        for case in sorted(cases, key=lambda c: len(c.id)):
            for value in probe.observe(case.node, case.graph, case.graph.is_constant):
                seen.setdefault(value, case.id)
        if seen:
            between = tuple(range(min(seen), max(seen) + 1)) if probe.kind == "rank" else _with_floats(seen)
            given = {f.name: getattr(probe, f.name) for f in fields(probe)}
            yield Draft(type(probe)(**{**given, "allowed": between}), (), "unknown", tuple(seen.values()))


def _conditions(cases: list[Seen]) -> Iterator[LimitKind]:
    """Simple facts that a limit may depend on."""
    for probe in _probes(cases):
        given = {f.name: getattr(probe, f.name) for f in fields(probe)}
        if probe.kind in ("batch", "rank"):
            continue
        if "constant" in given or "present" in given:
            for wanted in (True, False):
                yield type(probe)(**{**given, "constant" if "constant" in given else "present": wanted})
            continue
        values = {v for c in cases for v in probe.observe(c.node, c.graph, c.graph.is_constant)}
        if 1 < len(values) < 12:
            for value in sorted(values, key=str):
                yield type(probe)(**{**given, "refused": (), "allowed": (value,)})


def _probes(cases: list[Seen]) -> Iterator[LimitKind]:
    """One limit of each kind and place, its values still open."""
    op = cases[0].node.op
    schema = onnx.defs.get_schema(op)
    for index in range(max(len(c.node.inputs) for c in cases)):
        label = schema.inputs[min(index, len(schema.inputs) - 1)].name if schema.inputs else ""
        varies = {len(c.node.inputs) > index and bool(c.node.inputs[index]) for c in cases}
        if index < 3:
            yield kinds.Dtype(index, label, allowed=("?",))
            yield kinds.Rank(index, label, allowed=(0,))
        yield kinds.ConstantInput(index, label)
        if len(varies) == 2:
            yield kinds.Presence(index, label)
    if op in ("Cast", "CastLike"):
        yield kinds.Dtype(0, schema.outputs[0].name, "output", allowed=("?",))
    yield kinds.Batch(0, schema.inputs[0].name if schema.inputs else "")
    for name in sorted({a for c in cases for a in c.node.attributes}):
        default = schema.attributes[name].default_value if name in schema.attributes else None
        value = onnx.helper.get_attribute_value(default) if default is not None and default.type else None
        value = value.decode() if isinstance(value, bytes) else value
        yield kinds.AttributeIn(name, allowed=("?",), default=value if isinstance(value, (int, float, str)) else None)
        if len({name in c.node.attributes for c in cases}) == 2:
            yield kinds.AttributePresence(name)
    for direction, end in (
        ("before", "@input"),
        ("after", "@output"),
        *itertools.product(("before", "after"), NEIGHBOURS[2:]),
    ):
        yield kinds.Neighbour(direction, (end,))  # type: ignore[arg-type]
    for direction, chain in CHAINS.get(op, ()):
        yield kinds.Neighbour(direction, chain)  # type: ignore[arg-type]


def to_toml(op: str, default: Outcome, drafts: Iterable[Draft], cases: list[Seen]) -> str:
    """An entry as text."""
    agreeing = [c.id for c in cases if c.outcome == default]
    lines = ["[[op]]", f'op = "{op}"', f'outcome = "{default}"', f"evidence = {_ids(agreeing)}", ""]
    for item in drafts:
        lines += ["[[op.limit]]", *_kind_lines(item.check), f'outcome = "{item.outcome}"']
        if item.when:
            lines.append(f"when = [{', '.join('{ ' + ', '.join(_kind_lines(w)) + ' }' for w in item.when)}]")
        lines += [f"evidence = {_ids(item.evidence)}", ""]
    return "\n".join(lines)


def _ids(ids: Iterable[str]) -> str:
    """The shortest few ids, as a TOML array."""
    few = sorted(sorted(ids, key=len)[:4])
    return json.dumps([f"probe:{name}" for name in few])


def _kind_lines(limit: LimitKind) -> list[str]:
    lines = [f'kind = "{limit.kind}"']
    for field in fields(limit):
        value = getattr(limit, field.name)
        if field.default is MISSING or (value != field.default and value not in ((), "", None)):
            lines.append(f"{field.name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return lines


def main() -> None:
    """Draft all operators of the evidence, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toolkit", default="2.3.2")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    evidence = read_evidence(options.toolkit, set(filter(None, options.only.split(","))))
    for op, cases in sorted(evidence.items()):
        default, drafts, rest = draft(cases)
        limits = [*drafts, *bounds(cases)] if any(c.outcome != default for c in cases) or default == "npu" else drafts
        print(to_toml(op, default, limits, cases))
        for case in rest:
            print(f"unexplained: {case.id} is {case.outcome}", file=sys.stderr)


if __name__ == "__main__":
    main()
