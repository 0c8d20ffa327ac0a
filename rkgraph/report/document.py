"""The report as one JSON document: `report_to_json` and `report_from_json` are inverses.

Writing needs the standard library only, so that `lint --format json` stays fast; reading validates against the
committed JSON Schema, because a report may come from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from rkgraph.diagnostics import Diagnostic
from rkgraph.errors import UsageError
from rkgraph.report.codec import NON_FINITE, decode, encode
from rkgraph.report.graph_rows import check_graphs
from rkgraph.resources import data_folder
from rkgraph.results import SCHEMA, Cause, Opportunity, PlacedNode, Report

__all__ = ["MAX_BYTES", "join_reports", "report_from_json", "report_schema", "report_to_json"]

MAX_BYTES = 64 << 20
"""A larger document is refused: a model of 100,000 nodes needs about 20 MB."""

_MAX_DIGITS = 400
"""A longer number is refused before Python spends quadratic time on it."""

_SAVING = ("blocks", "no_kernel", "cpu_nodes", "crossings", "crossing_bytes", "induced")

_ORDERS: dict[type, tuple[str, ...]] = {
    Report: ("schema", "tool", "run", "results"),
    Cause: ("fingerprint", "code", *_SAVING),
    Opportunity: ("code", "findings", *_SAVING),
    PlacedNode: ("index", "node", "op", "outputs", "device", "because", "graph"),
    Diagnostic: (
        *("code", "severity", "fingerprint", "cause", "induced_by", "at", "message"),
        *("observed", "limit", "evidence", "confidence", "fix", "suppressed", "baseline"),
    ),
}

_EXPANDED = 4
"""Containers down to this depth get a line an item: one line a node and one a finding, so that diffs read well."""


def report_to_json(report: Report) -> str:
    """The document as text: UTF-8 safe, keys in a fixed order, non-finite numbers as strings, newline at its end.

    Raises:
        TypeError: the report holds something that is no plain data (our bug).
    """
    text = _layout(encode(report, _ORDERS), 0) + "\n"
    # A file name may hold bytes that are no UTF-8 (lone surrogates in Python): escaped, they survive.
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def report_from_json(text: str) -> Report:
    """The report that `report_to_json` wrote.

    Raises:
        UsageError: not JSON, too large, another schema, or not valid under the schema; with the place.
    """
    if len(text) > MAX_BYTES:
        raise UsageError(f"the report is larger than {MAX_BYTES >> 20} MB", "is it a report of rkgraph?")
    data = _parse(text)
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise UsageError(
            f"not a report of rkgraph: schema is {found!r:.60}, not {SCHEMA!r}",
            "make one with `rkgraph lint MODEL.onnx --format json -o report.json`",
        )
    _validate(data)
    report: Report = decode(Report, data)
    check_graphs(report)
    return report


def join_reports(reports: Sequence[Report]) -> Report:
    """One document with the results of all, in order; tool and run of the first, seconds added up."""
    first, *others = reports
    if not others:
        return first
    seconds = sum(report.run.get("seconds", 0) for report in reports)
    results = tuple(result for report in reports for result in report.results)
    return replace(first, results=results, run={**first.run, "seconds": seconds})


@lru_cache(maxsize=1)
def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document, as shipped."""
    path = data_folder("schema") / "rkgraph.report-1.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_token, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise UsageError(f"the report is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise UsageError("the report is not one of rkgraph: it is nested too deeply") from error


def _no_token(token: str) -> Any:
    raise UsageError(f"the report is not JSON: the token {token}", f"such numbers are strings: {', '.join(NON_FINITE)}")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise UsageError(f"the report holds a number of {len(digits)} digits")
    return int(digits)


def _validate(data: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        error = best_match(Draft202012Validator(report_schema()).iter_errors(data))
    except RecursionError as deep:
        raise UsageError("the report is not one of rkgraph: it is nested too deeply") from deep
    if error is not None:
        raise UsageError(f"the report is not valid at {error.json_path}: {error.message:.200}")


def _layout(data: Any, depth: int) -> str:
    """JSON with a line an item down to `_EXPANDED`, and compact below."""
    if not data or depth >= _EXPANDED or not isinstance(data, dict | list):
        return json.dumps(data, ensure_ascii=False, allow_nan=False)
    indent, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(data, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {_layout(value, depth + 1)}" for key, value in data.items()]
        return "{" + indent + ("," + indent).join(items) + end + "}"
    return "[" + indent + ("," + indent).join(_layout(value, depth + 1) for value in data) + end + "]"
