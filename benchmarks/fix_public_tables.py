"""The tables of `fix_public.py`, in Markdown, and the bars that its numbers are held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

__all__ = ["document"]

COSINE = 0.999
QUANTIZED_COSINE = 0.98  # of a model that was dynamically quantized, to the original
MORE_TRAFFIC = 1.02

Row = dict[str, Any]


def document(rows: Sequence[Row], target: str) -> str:
    """All models, how many reach the bars, and what stands in the way."""
    return "\n".join((_HEADER.format(target=target), *_bars(rows), "", *_models(rows), "", *_causes(rows)))


_HEADER = """# Public models after fix

Made by `python benchmarks/fix_public.py` (which says how); {target}, fp16. *Raw* is the original with its shapes
pinned. A model is *right* where it is deployable and every output reaches cosine 0.999 in the simulator, against the
original in ONNX Runtime; where the original is dynamically quantized, against the fixed model in ONNX Runtime, and 0.98
against the original. CPU layers leave out input and output. What is not right is told below the table, and
[fix_public_failures](fix_public_failures/README.md) has the smallest model that fails alike, and the toolkit's words.
"""


def is_right(row: Row) -> bool:
    """Deployable, with the right numbers."""
    if row["fixed"] is None or row["fixed"]["verdict"] != "deployable" or not row["cosines"]:
        return False
    if row["quantized"]:
        return _reaches(row["float_cosines"], COSINE) and _reaches(row["cosines"], QUANTIZED_COSINE)
    return _reaches(row["cosines"], COSINE)


def is_worse(row: Row) -> bool:
    """Deployable raw and after fix, with more CPU layers or noticeably more traffic after it."""
    raw, fixed = row["raw"], row["fixed"]
    return _both(row) and (_cpu(fixed) > _cpu(raw) or fixed["rw_kb"] > raw["rw_kb"] * MORE_TRAFFIC)


def _bars(rows: Sequence[Row]) -> list[str]:
    right, both = [row for row in rows if is_right(row)], [row for row in rows if _both(row)]
    raw = sum(row["raw"]["verdict"] == "deployable" for row in rows)
    ratios = [_cpu(row["fixed"]) / _cpu(row["raw"]) for row in both if _cpu(row["raw"])]
    before = median([_cpu(row["raw"]) for row in both] or [0])
    after = median([_cpu(row["fixed"]) for row in both] or [0])
    return [
        "| what | bar | measured |",
        "|---|---|---|",
        f"| deployable and right, of {len(rows)} ({raw} deployable raw) | 95 % | {_share(len(right), rows)} |",
        f"| worse than raw, of {len(both)} that are deployable raw | 0 | {sum(map(is_worse, both))} |",
        f"| median CPU layers, raw → fixed | 0 or −50 % | {before:g} → {after:g} |",
        f"| median of the ratio of CPU layers | 0.5 | {median(ratios or [1]):.2f} |",
        f"| built only in another process of the toolkit, the first one died | – | {_dying(rows)} |",
    ]


def _models(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| model | verdict | CPU layers | layers | read + write, KB | lowest cosine | rules |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        raw, fixed = row["raw"], row["fixed"] or {"verdict": "not built", "cpu": {}, "layers": 0, "rw_kb": 0}
        rules = ", ".join(f"{code} {count}" for code, count in row["applied"].items())
        mark = "" if is_right(row) and not is_worse(row) else " ⚠"
        cells = (
            f"{row['name']}{mark}",
            _change(raw["verdict"], fixed["verdict"]),
            _change(_cpu(raw), _cpu(fixed)),
            _change(raw["layers"], fixed["layers"]),
            _change(f"{raw['rw_kb']:,.0f}", f"{fixed['rw_kb']:,.0f}"),
            _lowest(row["float_cosines"] or row["cosines"]),
            rules,
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _causes(rows: Sequence[Row]) -> list[str]:
    lines = ["What is not right or worse than raw:", ""]
    for row in rows:
        if not is_right(row):
            lines.append(f"- {row['name']}: {_why(row)}")
        elif is_worse(row):
            more = Counter(row["fixed"]["cpu"]) - Counter(row["raw"]["cpu"])
            told = ", ".join(f"{count} more {op}" for op, count in more.items()) or "no more CPU layers"
            lines.append(f"- {row['name']}: {told}; {row['raw']['rw_kb']:,.0f} → {row['fixed']['rw_kb']:,.0f} KB")
        lines += [f"- {row['name']}: {problem}" for problem in row["problems"]]
    left: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for row in rows:
        cpu = (row["fixed"] or {"cpu": {}})["cpu"]
        left.update(cpu)
        models.update(cpu.keys())
    lines += ["", "CPU layers that are left:", "", "| layer | layers | models |", "|---|---|---|"]
    return [*lines, *(f"| {op} | {count} | {models[op]} |" for op, count in left.most_common())]


def _why(row: Row) -> str:
    fixed = row["fixed"]
    if fixed is None:
        return "not fixed"
    if fixed["lost"]:
        return f"no kernel for {', '.join(fixed['lost'])}"
    low = [f"{name} {value}" for name, value in row["cosines"].items() if value is None or value < COSINE]
    said = fixed["error"] or row["detail"] or f"cosine of {', '.join(low[:4])}"
    own = [value for value in row.get("rounded_inputs", {}).values() if value is not None]
    return said + (f"; of the original itself on inputs rounded to fp16: {min(own):.4f}" if own else "")


def _both(row: Row) -> bool:
    """Whether both could be deployed: what a board refuses has no cost to compare with."""
    return all(row[key] is not None and row[key]["verdict"] == "deployable" for key in ("raw", "fixed"))


def _dying(rows: Sequence[Row]) -> str:
    names = [row["name"] for row in rows if row["fixed"] and row["fixed"].get("deaths")]
    return ", ".join(names) or "none"


def _cpu(built: Row) -> int:
    return sum(built["cpu"].values())


def _reaches(cosines: Row, bar: float) -> bool:
    return bool(cosines) and all(value is not None and value >= bar for value in cosines.values())


def _lowest(cosines: Row) -> str:
    values = list(cosines.values())
    known = [value for value in values if value is not None]
    return "–" if not values else "none" if len(known) < len(values) else f"{min(known):.6f}"


def _change(before: object, after: object) -> str:
    return str(before) if before == after else f"{before} → {after}"


def _share(count: int, of: Sequence[Row]) -> str:
    return f"{count} = {100 * count / max(1, len(of)):.1f} %"
