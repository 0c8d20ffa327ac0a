"""What the gate says: as text, as Markdown for a pull request, and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence

from rkgraph.gate.check import Row, State, Verdicts
from rkgraph.gate.measures import ESTIMATED, VERDICTS, Kind
from rkgraph.report.codec import encode
from rkgraph.report.formats.markdown_text import code, plain
from rkgraph.report.visible import one_line

__all__ = ["COLUMNS", "as_json", "headline", "markdown", "shown", "table", "written"]

COLUMNS = ("", "model", "target", "number", "is", "allowed", "")
RIGHT = (4, 5)
SCHEMA = "rkgraph.gate/1"

_ALL_SHOWN = 30
"""So many rows are all shown; of more only those that fail."""

_MARKDOWN_ROWS = 200
_SIGNS = {State.PASS: "✓", State.FAIL: "✗", State.MISSING: "?", State.SKIPPED: "·"}
_MARKS = {State.PASS: "✅", State.FAIL: "❌", State.MISSING: "❔", State.SKIPPED: "➖"}


def headline(found: Verdicts) -> str:
    """In one line: whether it passed, and what did not."""
    counts = Counter(row.state for row in found.rows)
    models = f"{found.models} model{'' if found.models == 1 else 's'}"
    if found.passed:
        return f"gate: passed ({models}, {counts[State.PASS]} numbers within their bounds)"
    bad = {(row.path, row.place) for row in found.rows if row.state.bad}
    parts = [f"{counts[State.FAIL]} beyond their bounds"] if counts[State.FAIL] else []
    parts += [f"{counts[State.MISSING]} missing"] if counts[State.MISSING] else []
    return f"gate: FAILED ({len(bad)} of {models}; of {len(found.rows)} numbers {', '.join(parts)})"


def shown(found: Verdicts, *, everything: bool = False) -> tuple[Row, ...]:
    """The rows to show, what fails first: all of them where they are few."""
    rows = sorted(found.rows, key=lambda row: not row.state.bad)
    if everything or len(rows) <= _ALL_SHOWN:
        return tuple(rows)
    return tuple(row for row in rows if row.state.bad)


def table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Cells in the order of COLUMNS; a model is named in its first row."""
    cells: list[tuple[str, ...]] = []
    last = ("", "")
    for row in rows:
        name = ("", "") if (row.path, row.place) == last else (one_line(row.path), row.place)
        last = (row.path, row.place)
        cells.append((_SIGNS[row.state], *name, row.name, _value(row), _limit(row), _remark(row)))
    return cells


def markdown(found: Verdicts) -> str:
    """A heading, a table and notes; long tables show what fails."""
    rows = shown(found)[:_MARKDOWN_ROWS]
    lines = [f"### {'✅' if found.passed else '❌'} {plain(headline(found))}", ""]
    if rows:
        lines += ["| | model | target | number | is | allowed | |", "|---|---|---|---|---:|---:|---|"]
    for row in rows:
        cells = (
            _MARKS[row.state],
            code(row.path),
            plain(row.place),
            plain(row.name),
            _value(row),
            _limit(row),
            _remark(row),
        )
        lines.append(f"| {' | '.join(cells)} |")
    left = len(found.rows) - len(rows)
    lines += ["", f"{left} more numbers are not shown."] if left else []
    lines += ["", *(f"- {plain(note)}" for note in found.notes)] if found.notes else []
    return "\n".join(lines) + "\n"


def as_json(found: Verdicts) -> str:
    """The same as data: raw numbers, of verdicts their names."""
    rows = [
        {
            "model": row.path,
            "target": row.place,
            "number": row.name,
            "against": row.against,
            "value": _plain(row.kind, row.value),
            "source": row.source or None,
            "limit": _plain(row.kind, row.limit),
            "before": _plain(row.kind, row.before),
            "state": row.state.value,
            "why": row.why,
        }
        for row in found.rows
    ]
    document = {"schema": SCHEMA, "passed": found.passed, "rows": rows, "notes": list(found.notes)}
    return json.dumps(encode(document, {}), indent=1) + "\n"


def _plain(kind: Kind, value: float | None) -> float | int | str | None:
    if value is None:
        return None
    if kind is Kind.VERDICT:
        return VERDICTS[int(value)]
    return int(value) if value == int(value if math.isfinite(value) else 0) else value


def _value(row: Row) -> str:
    if row.value is None:
        return "none"
    about = "≈ " if row.source == ESTIMATED else ""
    return f"{about}{written(row.kind, row.value)}"


def _limit(row: Row) -> str:
    if row.kind is Kind.VERDICT:
        return written(row.kind, row.limit)
    return f"{'≥' if row.kind is Kind.LIKENESS else '≤'} {written(row.kind, row.limit)}"


def _remark(row: Row) -> str:
    words = [row.why] if row.why else []
    if row.against == "before" and row.before is not None:
        words.append(f"was {written(row.kind, row.before)}")
    return ", ".join(words)


def written(kind: Kind, value: float) -> str:
    """A number as people read it, exact enough that two that differ look different where that matters."""
    if not math.isfinite(value):
        return "not a number"
    if kind is Kind.VERDICT:
        return VERDICTS[int(value)]
    if kind is Kind.LIKENESS:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if kind is Kind.SHARE:
        return f"{100 * value:.3g} %"
    if kind is Kind.BYTES:
        return _bytes(value)
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _bytes(value: float) -> str:
    for unit, word in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if value >= unit:
            return f"{value / unit:,.2f} {word}"
    return f"{value:.0f} B"
