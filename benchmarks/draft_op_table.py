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
from dataclasses import MISSING, dataclass, fields, replace
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

FIXED: dict[str, tuple[LimitKind, ...]] = {
    "Transpose": (
        kinds.DimensionProduct(0, "data", axes=(2, 3), high=8192),
        kinds.DimensionRange(0, "data", axis=1, high=8191),
    ),
    "Slice": (kinds.ConstantRange(4, "steps", high=1),),
    "Pad": (kinds.ConstantRange(1, "pads", low=0),),
    "LayerNormalization": (kinds.DimensionRange(0, "X", axis=-1, high=8191),),
    "Softmax": (kinds.DimensionRange(0, "input", axis=-1, high=8191),),
    "MatMul": (kinds.DimensionRange(1, "B", axis=-1, high=8191),),
    "Conv": (kinds.DimensionRange(0, "X", axis=-1, high=8191),),
}
"""Limits with a bound, to be tried as they are: 8192 is the field width that the compiler names in its messages."""

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
    """Add limits with one condition at most, then with two where much is still unexplained."""
    fit = _Fit(cases, default)
    conditions = [c for c in dict.fromkeys(_conditions(cases)) if 0 < sum(fit.holds[c]) < len(cases)]
    fit.improve([(), *((c,) for c in conditions)], least=1)
    if len(fit.unexplained()) >= 3:
        fit.improve(list(itertools.combinations(conditions, 2)), least=3)
    return default, fit.chosen, fit.unexplained()


class _Fit:
    """Predictions, and the limits that made them."""

    def __init__(self, cases: list[Seen], default: Outcome) -> None:
        self.cases = cases
        self.predicted = [default] * len(cases)
        self.chosen: list[Draft] = []
        self.probes = [*_probes(cases), *FIXED.get(cases[0].node.op, ())]
        self.seen = {p: [tuple(p.observe(c.node, c.graph, c.graph.is_constant)) for c in cases] for p in self.probes}
        self.holds = {
            c: [c.holds(s.node, s.graph, s.graph.is_constant) for s in cases] for c in dict.fromkeys(_conditions(cases))
        }

    def unexplained(self) -> list[Seen]:
        """Cases whose prediction is not what was measured."""
        return [c for c, p in zip(self.cases, self.predicted, strict=True) if c.outcome != p]

    def improve(self, conditions: list[tuple[LimitKind, ...]], least: int) -> None:
        """Add the best limit under any of the conditions until none explains `least` more cases."""
        while (best := self._best(conditions, least)) is not None:
            limit, hit = best
            self.chosen.append(limit)
            for i in hit:
                self.predicted[i] = worst((self.predicted[i], limit.outcome))

    def _best(self, conditions: list[tuple[LimitKind, ...]], least: int) -> tuple[Draft, list[int]] | None:
        best: tuple[float, Draft, list[int]] | None = None
        for when in conditions:
            scope = [i for i in range(len(self.cases)) if all(self.holds[c][i] for c in when)]
            wrong = {self.cases[i].outcome for i in scope if self.cases[i].outcome != self.predicted[i]}
            for outcome in wrong:
                for check, hit in self._candidates(scope, outcome):
                    score = self._gain(hit, outcome) - COST.get(check.kind, 0.3) - 0.95 * len(when)
                    if self._gain(hit, outcome) >= least and score > 0 and (best is None or score > best[0]):
                        evidence = tuple(self.cases[i].id for i in hit if self.cases[i].outcome == outcome)
                        best = (score, Draft(check, when, outcome, evidence), hit)
        return best and best[1:]

    def _gain(self, hit: list[int], outcome: Outcome) -> int:
        """How many cases get right; negative where any would get wrong."""
        level = ORDER.index(outcome)
        if any(ORDER.index(self.cases[i].outcome) < level for i in hit):
            return -1
        return sum(self.cases[i].outcome == outcome and ORDER.index(self.predicted[i]) < level for i in hit)

    def _candidates(self, scope: list[int], outcome: Outcome) -> Iterator[tuple[LimitKind, list[int]]]:
        """Limits, with the cases outside them, that forbid what was never seen better than `outcome` in `scope`."""
        level = ORDER.index(outcome)
        for probe in self.probes:
            values: dict[Any, bool] = {}
            for i in scope:
                for value in self.seen[probe][i]:
                    values[value] = values.get(value, True) and ORDER.index(self.cases[i].outcome) >= level
            for check in _limits_of(probe, values):
                yield check, [i for i in scope if not all(map(check.accepts, self.seen[probe][i]))]


def _limits_of(probe: LimitKind, values: dict[Any, bool]) -> Iterator[LimitKind]:
    """The limits of a probe that refuse values that are always bad; `values` says which are."""
    bad = tuple(v for v, always in values.items() if always)
    good = tuple(v for v, always in values.items() if not always)
    if not bad:
        return
    given = {f.name: getattr(probe, f.name) for f in fields(probe)}
    if "high" in given or probe.kind == "batch":
        yield probe
    elif "constant" in given or "present" in given:
        for wanted in (True, False):
            yield replace(probe, **{"constant" if "constant" in given else "present": wanted})
    elif probe.kind == "attribute-in" or not good:
        yield replace(probe, allowed=(), refused=tuple(sorted(bad, key=str)))  # type: ignore[call-arg]
    else:
        yield replace(probe, refused=(), allowed=_with_floats(good, bad))  # type: ignore[call-arg]


def _with_floats(good: Iterable[Any], bad: Iterable[Any] = ()) -> tuple[Any, ...]:
    """`good`, and the other float types where float32 is in it and they were not seen to fail.

    The toolkit turns float16 and float64 into float32 as it loads (`facts:float-types`).
    """
    floats = {"float16", "float64"} if "float32" in good else set()
    return tuple(sorted({*good, *(floats - set(bad))}, key=str))


def bounds(cases: list[Seen]) -> Iterator[Draft]:
    """Limits that say where the evidence ends: dtypes and ranks of the data inputs that nobody has measured."""
    formal = onnx.defs.get_schema(cases[0].node.op).inputs
    for probe in _probes(cases):
        if not isinstance(probe, (kinds.Dtype, kinds.Rank)) or probe.side == "output" or probe.index == "all":
            continue
        if formal[min(probe.index, len(formal) - 1)].type_str not in ("T", formal[0].type_str):
            continue
        seen: dict[Any, str] = {}
        for case in sorted(cases, key=lambda c: len(c.id)):
            for value in probe.observe(case.node, case.graph, case.graph.is_constant):
                seen.setdefault(value, case.id)
        if seen:
            between = tuple(range(min(seen), max(seen) + 1)) if probe.kind == "rank" else _with_floats(seen)
            yield Draft(replace(probe, allowed=between), (), "unknown", tuple(seen.values()))


def _conditions(cases: list[Seen]) -> Iterator[LimitKind]:
    """Simple facts that a limit may depend on."""
    for probe in _probes(cases):
        given = {f.name: getattr(probe, f.name) for f in fields(probe)}
        if probe.kind == "batch":
            continue
        if "constant" in given or "present" in given:
            for wanted in (True, False):
                yield type(probe)(**{**given, "constant" if "constant" in given else "present": wanted})
            continue
        values = {v for c in cases for v in probe.observe(c.node, c.graph, c.graph.is_constant)}
        if 1 < len(values) < 30:
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
