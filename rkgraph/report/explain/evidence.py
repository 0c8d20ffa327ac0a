"""What a statement rests on, in words: evidence ids as `op_tables/evidence/README.md` defines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rkgraph.report.visible import one_line

__all__ = ["described"]

IDS_SHOWN = 3

_KINDS = {
    "probe": "{} small models, built with the real toolkit",
    "user": "{} nodes of your own models, built with `rkgraph probe --model … --add` or run on a board",
    "facts": "{} behaviours of the toolkit, measured",
    "doc": "{} statements of the vendor's documents",
    "session": "{} recorded builds",
    "rewrites": "{} measurements of real models before and after a rewrite (benchmarks/rewrites.md)",
    "log": "the log of this very build",
    "field": "{} reports of users",
    "device": "{} runs on a board",
}
_ONE = {
    "probe": "a small model, built with the real toolkit",
    "user": "a node of your own model, built with `rkgraph probe --model … --add` or run on a board",
    "facts": "a behaviour of the toolkit, measured",
    "doc": "a statement of the vendor's documents",
    "session": "a recorded build",
    "rewrites": "measurements of real models before and after a rewrite (benchmarks/rewrites.md)",
    "field": "a report of a user",
    "device": "a run on a board",
}


def described(ids: Iterable[str]) -> Iterator[str]:
    """A line for each kind of evidence: what it is, how much there is, and its first ids."""
    kinds: dict[str, list[str]] = {}
    for name in ids:
        kinds.setdefault(name.partition(":")[0] if ":" in name else "", []).append(one_line(name))
    for kind, names in kinds.items():
        many = _KINDS.get(kind, "{} of another kind")
        told = many if len(names) > 1 else _ONE.get(kind, many)
        more = f" and {len(names) - IDS_SHOWN} more" if len(names) > IDS_SHOWN else ""
        yield f"{told.format(len(names))}: {', '.join(names[:IDS_SHOWN])}{more}"
