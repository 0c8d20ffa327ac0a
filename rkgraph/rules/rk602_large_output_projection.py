"""RK602: an output projection with more columns than the NPU counts, the head of a language model."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.projections import Projection, output_projections
from rkgraph.analysis.work import byte_size
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal, Rewrite, Tape, Tolerance
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

LARGEST = 8191
"""Columns of a product that is no vocabulary: a register field of 13 bits holds numbers up to this (`REGTASK`)."""

ROUNDING = Tolerance(1e-5, 1e-5)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each projection that is too wide."""
    main = lint.model.main
    for head in output_projections(main, lambda name: lint.is_constant(main, name), LARGEST):
        if (head.node.path, head.node.index) not in lint.folded:
            megabytes = head.hidden * head.columns * 2 / 2**20
            logits = byte_size(main, head.node.outputs[0]) / 2**20
            yield Finding(
                f"an output projection of {head.hidden} × {head.columns}: every run reads {megabytes:.1f} MB of fp16 "
                f"weights and gives {logits:.1f} MB; its columns can be computed on the host, or in shards",
                node=head.node,
                observed={"hidden": head.hidden, "columns": head.columns},
                limit={"columns": LARGEST},
            )


def fix(lint: LintContext, finding: Finding) -> Rewrite | Cut | Refusal:
    """Shards of columns where `--lm-head-shards` asks for them; else the head goes to the host."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    found = output_projections(main, lambda name: lint.is_constant(main, name))
    head = next(each for each in found if each.node.index == node.index)
    if lint.options.lm_head_shards:
        return _in_shards(lint, head, lint.options.lm_head_shards)
    moved = (head.node, *head.behind)
    names = frozenset(next(filter(None, each.outputs)) for each in moved)
    detail = f"the output projection {node.label} ({head.hidden} × {head.columns}) on the host"
    return Cut(names, detail, weight=head.table)


def _in_shards(lint: LintContext, head: Projection, count: int) -> Rewrite | Refusal:
    """Products with slices of the matrix, joined: the compiler folds the slices, so no weights are touched here."""
    node, main = head.node, lint.model.main
    step = -(-head.columns // count)
    if step > LARGEST:
        least = -(-head.columns // LARGEST)
        return Refusal(f"{count} shards of {step} columns each are still too wide", f"--lm-head-shards {least}")
    if node.op == "Gemm" and (node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)) != (1.0, 1.0):
        return Refusal("the Gemm is scaled (alpha or beta), and its shards would have to be")
    if main.opset < 10:
        return Refusal(f"Slice takes its bounds as attributes in opset {main.opset}", "export with a newer opset")
    tape = Tape(f"rk602/{node.outputs[0]}")
    axis = 0 if node.attributes.get("transB", 0) else 1
    bounds = [(low, min(low + step, head.columns)) for low in range(0, head.columns, step)]
    shards = []
    for low, high in bounds:
        inputs = [node.inputs[0], _slice(tape, head.weight, low, high, axis)]
        bias = node.inputs[2] if len(node.inputs) > 2 else ""
        if bias:
            width = (main.value(bias).shape or (1,))[-1]
            last = len(main.value(bias).shape or (1,)) - 1
            inputs.append(bias if width == 1 else _slice(tape, bias, low, high, last))
        kept = {key: value for key, value in node.attributes.items() if key in ("transA", "transB")}
        shards.append(tape.op(node.op, *inputs, **kept))
    joined = tape.op("Concat", *shards, axis=len(main.value(node.outputs[0]).shape or (0, 0)) - 1)
    detail = f"{len(bounds)} shards of up to {step} columns"
    return Rewrite({node.outputs[0]: joined}, tape, ROUNDING, detail)


def _slice(tape: Tape, name: str, low: int, high: int, axis: int) -> str:
    ends = [tape.constant([number], "int64", hint) for number, hint in ((low, "low"), (high, "high"), (axis, "axis"))]
    return tape.op("Slice", name, *ends)
