"""Patterns: a few nodes as real models put them together, each of which is probed in turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rkgraph.probe.case import COMPANION, Case

__all__ = ["Pattern", "cases_of"]

_NODE = re.compile(r"\s*(?P<outputs>[\w, ]+?) *= *(?P<head>\w+ *(?:<.*>)?) *\((?P<inputs>[\w, ]*)\)\s*")


@dataclass(frozen=True)
class Pattern:
    """Nodes in ONNX text, one a line; the first output of a node is its label.

    Attributes:
        name: ends the ids of its cases: `OP/in-NAME,LABEL`.
        inputs: typed, with commas; those whose name starts with `w` are constants with seeded values.
        nodes: one a line, as `label, more = Op<attribute = 1>(input, input)`.
        outputs: of the graph, with commas.
        constants: typed and with values, with commas.
        opset: of the standard domain.
        probes: labels, separated by blanks, of the nodes to probe; "" means all.
    """

    name: str
    inputs: str
    nodes: str
    outputs: str = "y"
    constants: str = ""
    opset: int = 17
    probes: str = ""


def cases_of(pattern: Pattern) -> Iterator[Case]:
    """A case for every node to probe.

    Raises:
        ValueError: a line is no node.
    """
    nodes = [_node(line, pattern.name) for line in pattern.nodes.splitlines() if line.strip()]
    chosen = pattern.probes.split()
    for outputs, head, _ in nodes:
        if not chosen or outputs[0] in chosen:
            op = head.partition("<")[0].strip()
            yield Case(f"{op}/in-{pattern.name},{outputs[0]}", op, _text(pattern, nodes, outputs[0]))


def _node(line: str, name: str) -> tuple[list[str], str, list[str]]:
    found = _NODE.fullmatch(line)
    if found is None:
        raise ValueError(f"pattern {name}: this is no node: {line.strip()}")
    outputs, inputs = ([part.strip() for part in found[group].split(",")] for group in ("outputs", "inputs"))
    return outputs, found["head"].strip(), inputs


def _text(pattern: Pattern, nodes: list[tuple[list[str], str, list[str]]], probed: str) -> str:
    """The model with one node named `probe`, its outputs too, so that the compiler's layer names tell it apart."""
    names: dict[str, str] = {}
    for outputs, _, _ in nodes:
        for number, output in enumerate(outputs):
            mine = f"probe_y{number or ''}" if outputs[0] == probed else f"before_{output}"
            names[output] = mine if output else ""
    lines = [COMPANION[2]]
    for outputs, head, inputs in nodes:
        own = "probe" if outputs[0] == probed else f"before_{outputs[0]}"
        made = ", ".join(names[output] for output in outputs)
        lines.append(f"[{own}] {made} = {head}({', '.join(names.get(i, i) for i in inputs)})")
    constants = f" <{pattern.constants}>" if pattern.constants else ""
    results = ", ".join(names[output.strip()] for output in pattern.outputs.split(","))
    return (
        f'<ir_version: 8, opset_import: ["" : {pattern.opset}]> rk ({pattern.inputs}, {COMPANION[0]}, {COMPANION[1]})'
        f" => ({results}, {COMPANION[3]}){constants} {{ {' '.join(lines)} }}"
    )
