"""From what was learned of an operator to its entry: limits with evidence, and where the evidence ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import onnx

from rkgraph.diagnostics import Confidence
from rkgraph.induction.fit import Fitted
from rkgraph.induction.sample import Sample
from rkgraph.tables import limits as kinds
from rkgraph.tables.entry import Entry, Limit, Outcome

__all__ = ["entry_of"]

_IDS = 3
"""Cases that a statement names: the shortest of those that speak for it."""

_OPEN_TEXTS = ("equation", "body", "pattern")
"""Text attributes without a closed set of values."""

_WORKS = ("npu", "cpu")
_FLOATS = {"float16", "float64"}


def entry_of(op: str, samples: Sequence[Sample], fitted: Fitted, platforms: Sequence[str] = ()) -> Entry:
    """The entry of an operator ("Gelu", "com.microsoft::Gelu") for `platforms` (none: all)."""
    domain, _, name = op.rpartition("::")
    learned = tuple(
        Limit(rule.check, rule.outcome, _cited(samples, rule.outside, rule.outcome), Confidence.PROBED, rule.when)
        for rule in fitted.rules
    )
    edges = tuple(_edges(name, samples)) if fitted.default in _WORKS else ()
    everything = (1 << len(samples)) - 1
    return Entry(
        op=name,
        domain=domain,
        opsets=(1, 10**6),
        outcome=fitted.default,
        evidence=_cited(samples, everything, fitted.default),
        confidence=Confidence.PROBED,
        limits=(*learned, *edges),
        platforms=tuple(platforms),
        cases=sum(not sample.imputed for sample in samples),
    )


def _cited(samples: Sequence[Sample], inside: int, outcome: Outcome) -> tuple[str, ...]:
    """The shortest ids of cases in a set that had an outcome; those measured on the target itself first."""
    speaking = [s for i, s in enumerate(samples) if inside >> i & 1 and s.outcome == outcome]
    few = sorted(speaking, key=lambda s: (s.imputed, len(s.id), s.id))[:_IDS]
    return _ids(s.id for s in few)


def _ids(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(f"probe:{name}" for name in names))


def _edges(op: str, samples: Sequence[Sample]) -> Iterator[Limit]:
    """Limits that say where the evidence ends: element types, ranks and modes that nobody has measured."""
    schema = onnx.defs.get_schema(op) if onnx.defs.has(op) else None
    if schema is None:
        return
    data = {schema.inputs[0].type_str, "T"} if schema.inputs else set()
    for index in range(max(len(s.place.node.inputs) for s in samples)):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        if formal.type_str not in data or index > 2:
            continue
        dtypes = _shown(samples, kinds.Dtype(index, formal.name, allowed=("?",)))
        if dtypes:
            floats = _FLOATS if "float32" in dtypes else set()
            allowed = tuple(sorted({*map(str, dtypes), *floats}))
            yield _edge(kinds.Dtype(index, formal.name, allowed=allowed), dtypes.values())
        ranks = _shown(samples, kinds.Rank(index, formal.name, allowed=(0,)))
        if ranks:
            numbers = [int(r) for r in ranks]
            yield _edge(
                kinds.Rank(index, formal.name, allowed=tuple(range(min(numbers), max(numbers) + 1))), ranks.values()
            )
    for attribute in sorted({a for s in samples for a in s.place.node.attributes}):
        values = [s.place.node.attributes.get(attribute) for s in samples]
        texts = {v for v in values if v is not None}
        if attribute in _OPEN_TEXTS or not texts or not all(isinstance(v, str) for v in texts):
            continue
        limit = kinds.AttributeIn(attribute, allowed=tuple(sorted(texts)))
        yield _edge(limit, _shown(samples, replace(limit)).values())


def _shown(samples: Sequence[Sample], limit: kinds.LimitKind) -> dict[kinds.Scalar, str]:
    """What a limit observes over all cases, each with the shortest case that shows it."""
    found: dict[kinds.Scalar, str] = {}
    for sample in sorted(samples, key=lambda s: (s.imputed, len(s.id), s.id)):
        for value in sample.place.observe(limit):
            found.setdefault(value, sample.id)
    return found


def _edge(limit: kinds.LimitKind, ids: Iterable[str]) -> Limit:
    return Limit(limit, "unknown", _ids(sorted(set(ids), key=lambda n: (len(n), n))[:_IDS]), Confidence.PROBED)
