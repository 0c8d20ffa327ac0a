"""What the page's script works on: the views of each story's graph and the tables, compact and safe to show.

Everything that a model says passes `plain_data`, so that what hides or reorders text is spelled out. Names occur once:
views refer to them by index, and a value that is called after the node that makes it has only the rest of its name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rkgraph.diagnostics import Device, Diagnostic
from rkgraph.report.page.drawn import DrawnGraph, DrawnValue, compiled_graph, graph_of
from rkgraph.report.page.matching import Match, match_fixed, match_layers
from rkgraph.report.page.scopes import Box, box_tree
from rkgraph.report.story import Story
from rkgraph.report.visible import plain_data
from rkgraph.results import Report, Result

__all__ = ["embedded", "page_data"]

_LETTERS = {
    Device.NPU: "n",
    Device.CPU: "c",
    Device.HOST: "h",
    Device.FOLDED: "f",
    Device.NO_KERNEL: "x",
    Device.UNKNOWN: "u",
}
_LAYER_KEYS = ("id", "op", "target", "dtype", "output_shape", "npu_cycles", "ddr_cycles", "rw_kb", "name", "error")
_SHORT = 300


def embedded(data: Any) -> str:
    """JSON that is safe inside a script element: no "<", and nothing that ends a line of JavaScript."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})


def page_data(report: Report, stories: Sequence[Story]) -> dict[str, Any]:
    """The data of all stories, by their id on the page ("s1", "s2" …)."""
    edges = {
        result.model.sha256: result.graph
        for result in reversed(report.results)
        if result.graph is not None and result.model.sha256 is not None
    }
    # On many targets the graph is the same: it is drawn for the first, and the others give its colours.
    drawn: dict[tuple[str | None, int], str] = {}
    data: dict[str, Any] = {}
    for number, story in enumerate(stories, 1):
        name = f"s{number}"
        same = (story.before.model.sha256, len(story.results))
        if same[0] is not None and same in drawn and story.compile is None and not story.changed:
            data[name] = {"like": drawn[same], "devices": _devices(story), "target": str(story.after.target)}
            continue
        drawn.setdefault(same, name)
        data[name] = _story_data(story, edges)
    found: dict[str, Any] = plain_data({"stories": data})
    return found


def _devices(story: Story) -> str:
    return "".join(_LETTERS[node.device] for node in story.placement if node.graph == "main")


def _story_data(story: Story, edges: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Views, the layer table, and how the views' nodes match."""

    def graph(result: Result) -> DrawnGraph | None:
        return graph_of(result, result.graph or edges.get(result.model.sha256 or ""))

    names: dict[str, int] = {}
    original = graph(story.before)
    views: list[dict[str, Any]] = []
    matches: list[dict[str, Any]] = []
    last = original
    if original is not None:
        title = "Original" if story.changed or story.compiled_stages else "Graph"
        views.append(_view("original", title, original, story.before.diagnostics, names))
    if original is not None and story.changed:
        result = next(r for r in story.results if r.fixes.applied)
        fixed = graph(result)
        if fixed is not None:
            views.append(_view("fixed", "Fixed", fixed, story.last_linted.diagnostics, names))
            views[-1]["added"] = _added(story, fixed)
            views[0]["removed"] = _removed(story, original)
            matches.append(_matching(match_fixed(original, fixed, story.fixes.applied)))
            last = fixed
    if last is not None and story.compiled_stages:
        layers, layer_of = compiled_graph(story.compiled_stages, last)
        if layers.labels:
            views.append(_view("compiled", "Compiled", layers, (), names))
            views[-1]["edges"] = [number for edge in layers.edges for number in edge[:2]]
            matches.append(_matching(match_layers(last, layer_of)))
            _add_real(views[-2], story, last)
    return {
        "views": views,
        "names": list(names),
        "matches": matches,
        "layers": [_layer_row(layer) for layer in story.layers],
        "errors": _errors(story, last),
        "target": str(story.after.target),
    }


def _layer_row(layer: Mapping[str, Any]) -> list[Any]:
    """The columns of `_LAYER_KEYS`; an error that is not measured is left out, one that is not finite a word."""
    *row, error = (layer.get(key) for key in _LAYER_KEYS)
    return row if error is None else [*row, float(f"{error:.6g}") if math.isfinite(error) else "overflow"]


def _view(
    key: str, title: str, graph: DrawnGraph, findings: Sequence[Diagnostic], names: dict[str, int]
) -> dict[str, Any]:
    operators = {op: number for number, op in enumerate(dict.fromkeys(graph.operators))}
    types: dict[str, int] = {}
    makers = {value: node for node, values in enumerate(graph.outputs_of) for value in values}
    return {
        "key": key,
        "title": title,
        "labels": [names.setdefault(label, len(names)) for label in graph.labels],
        "operators": list(operators),
        "operator": [operators[op] for op in graph.operators],
        "devices": "".join(_LETTERS[device] for device in graph.devices),
        "hasEdges": graph.has_edges,
        "values": []
        if key == "compiled"
        else [_value_name(graph, row, makers, names) for row in range(len(graph.values))],
        "typeOf": [] if key == "compiled" else [types.setdefault(_type(value), len(types)) for value in graph.values],
        "types": [json.loads(each) for each in types],
        "inputsOf": graph.inputs_of,
        "outputsOf": graph.outputs_of,
        "graphInputs": graph.inputs,
        "graphOutputs": graph.graph_outputs,
        "attributes": {str(index): held for index, held in graph.attributes.items()},
        "tree": _tree(box_tree(graph.labels, graph.operators, _homes(graph))),
        "findings": _findings(graph, findings),
    }


def _homes(graph: DrawnGraph) -> dict[int, int]:
    """Constants, and what folds of them alone, to their first reader: files have them all at the start."""
    return {
        node: min(graph.readers[node])
        for node, operator in enumerate(graph.operators)
        if graph.readers[node]
        and (operator == "Constant" or (graph.devices[node] is Device.FOLDED and not graph.sources[node]))
    }


def _value_name(graph: DrawnGraph, row: int, makers: Mapping[int, int], names: dict[str, int]) -> int | str:
    """What follows the name of the node that makes the value; else the row of the whole name."""
    name = graph.values[row].name
    label = graph.labels[makers[row]] if row in makers else ""
    return name[len(label) :] if label and name.startswith(label) else names.setdefault(name, len(names))


def _type(value: DrawnValue) -> str:
    """[dtype, shape, whether it is constant] as text, so that equal ones are found."""
    return json.dumps([value.dtype, value.shape, int(value.constant)])


def _tree(box: Box) -> list[Any]:
    """[name, kind, children]; a child is a node's index or a box."""
    return [
        box.name,
        box.kind,
        [child if isinstance(child, int) else _tree(child) for child in box.children],
    ]


def _findings(graph: DrawnGraph, findings: Sequence[Diagnostic]) -> list[list[Any]]:
    """[node, code, severity, whether it is a cause, message, fingerprint, what induced it], for nodes of the graph."""
    index = {label: number for number, label in reversed(list(enumerate(graph.labels)))}
    makers = {name: number for number, names in enumerate(graph.outputs) for name in names}
    rows: list[list[Any]] = []
    for finding in findings:
        at = finding.at
        node = index.get(at.node or "") if at.graph == "main" else None
        node = makers.get(at.value or "") if node is None and at.graph == "main" else node
        if node is not None:
            message = finding.message if len(finding.message) <= _SHORT else finding.message[: _SHORT - 2] + " …"
            row = [node, finding.code, finding.severity.value, int(finding.cause), message, finding.fingerprint]
            rows.append([*row, finding.induced_by] if finding.induced_by else row)
    return rows


def _matching(match: Match) -> dict[str, Any]:
    return {
        "to": [found[0] if len(found) == 1 else list(found) for found in match.to],
        "near": sorted(match.near),
    }


def _added(story: Story, graph: DrawnGraph) -> dict[str, list[str]]:
    """Node of the fixed graph to [code, title] of the fix that wrote it."""
    index = {label: number for number, label in enumerate(graph.labels)}
    return {
        str(index[name]): [fix.code, fix.title] for fix in story.fixes.applied for name in fix.added if name in index
    }


def _removed(story: Story, graph: DrawnGraph) -> dict[str, list[str]]:
    """Node of the original to [code, title] of the fix that took it out."""
    index = {label: number for number, label in enumerate(graph.labels)}
    found: dict[str, list[str]] = {}
    for fix in story.fixes.applied:
        for name in fix.removed:
            if name in index:
                found.setdefault(str(index[name]), [fix.code, fix.title])
    return found


def _add_real(view: dict[str, Any], story: Story, graph: DrawnGraph) -> None:
    """Where the compiler put the nodes of the view that was built, by letter; " " where that is not known."""
    real = {row.node.index: row.real for row in story.rows if row.node.graph == "main" and row.real is not None}
    view["real"] = "".join(_LETTERS[real[n]] if n in real else " " for n in range(len(graph.labels)))


def _errors(story: Story, graph: DrawnGraph | None) -> list[list[Any]]:
    """[node of the last view, value, loss, lowest, highest] where rounding to 8 bits was measured."""
    if graph is None or story.islands is None:
        return []
    makers = {name: number for number, names in enumerate(graph.outputs) for name in names}
    return [
        [makers.get(str(harm["value"]), -1), harm["value"], harm["loss"], harm["low"], harm["high"]]
        for harm in story.islands.get("harms", ())
    ]
