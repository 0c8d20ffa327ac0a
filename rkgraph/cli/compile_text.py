"""What `rkgraph compile` prints of a model that was built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.report.gains import error_text

if TYPE_CHECKING:
    from rkgraph.compile.compiler import Compiled
    from rkgraph.compile.verify import Verification

__all__ = ["LAYER_COLUMNS", "describe", "layer_rows"]

LAYER_COLUMNS = ("layer", "on", "operator", "dtype", "KB", "NPU cycles", "name")

Lines = Iterator[tuple[str, str]]
"""A line of text and the style it is shown in ("" for none)."""

_SHOWN = 8


def describe(compiled: Compiled, *, verbose: bool = False) -> Lines:
    """The lines about one model: file, layers, placement, findings of the toolkit, verification."""
    result, record = compiled.result, dict(compiled.result.compile or {})
    for stage in record["stages"]:
        source = "from cache" if compiled.from_cache else f"built in {sum(compiled.seconds.values()):.1f} s"
        size = stage["size_bytes"]
        shown = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
        yield f"{stage['file']}  {shown}, {source}", "title"
        yield from _layers(result.cost)
        yield from _placement(stage, verbose)
        yield from _layer_errors(stage)
    yield from _islands(record.get("islands"))
    yield from _findings(compiled, verbose)
    if compiled.verification is not None:
        yield from _verification(compiled.verification)
    good = result.verdict is Verdict.DEPLOYABLE
    predicted = record.get("predicted_verdict")
    told = "" if predicted == result.verdict.value else f" (predicted: {predicted})"
    yield f"verdict: {result.verdict.value}{told}", "good" if good else "error"


def _layers(cost: Any) -> Lines:
    memory = ", ".join(
        f"{cost[key]:,.0f} KB {word}"
        for key, word in (("internal_kb", "activations"), ("weight_kb", "weights"))
        if key in cost
    )
    yield (
        f"  layers     {cost['layers']}: {cost['npu']} on the NPU, {cost['cpu']} on the CPU, the rest input and output",
        "",
    )
    yield f"  traffic    {cost['rw_kb']:,.0f} KB read and written", ""
    yield f"  cycles     {cost['npu_cycles']:,} NPU, {cost['ddr_cycles']:,} DDR (convolutions only)", ""
    if memory:
        yield f"  memory     {memory}", ""


def _placement(stage: Any, verbose: bool) -> Lines:
    counts = stage["agreement"]
    told = (
        f"{counts['agree']} nodes as predicted, {counts['differ']} not, {counts['folded']} folded away, "
        f"{counts['unpredicted']} without prediction, {counts['unmapped']} not found in the layer table"
    )
    yield f"  placement  {told}", ""
    settled = ("unknown", "folded")  # nobody said, or nothing is left to run
    differ = [
        n for n in stage["placement"] if n["real"] not in (n["predicted"], *settled) and n["predicted"] != "unknown"
    ]
    for node in differ if verbose else differ[:_SHOWN]:
        yield f"    {node['node']} ({node['op']}): predicted {node['predicted']}, is {node['real']}", "warning"
    if not verbose and len(differ) > _SHOWN:
        yield f"    and {len(differ) - _SHOWN} more: --verbose", "dim"
    if verbose and stage["unmapped"]:
        yield f"    not found in the layer table: {', '.join(stage['unmapped'])}", "dim"
    on_cpu = Counter(node["op"] for node in stage["placement"] if node["real"] == "cpu")
    if on_cpu:
        yield f"  on the CPU {', '.join(f'{count} × {op}' for op, count in on_cpu.most_common())}", ""


def _layer_errors(stage: Any) -> Lines:
    """Where storage does most harm to results, by `--layer-errors`."""
    if "layer_errors" not in stage:
        return
    known = sorted((layer for layer in stage["layers"] if "error" in layer), key=lambda layer: -layer["error"])
    how = stage["layer_errors"]
    yield f"  errors     {len(known)} layers measured on {how['cases']} {how['inputs']}, in ONNX Runtime", "dim"
    for layer in known[:3]:
        yield f"  errors     {error_text(layer['error'])} of {layer['op']} {layer['name']} ({layer['dtype']})", ""


def _islands(choice: Any) -> Lines:
    """How the fp16 islands of a quantized model were found."""
    if choice is None:
        return
    for trial in choice["trials"]:
        taken = f"{trial['values']} values ({trial['tensors']} tensors) in fp16"
        met = f"cosine {trial['lowest']:.4f} lowest, {trial['mean']:.4f} mean"
        yield f"  islands    {taken}: {met}, {trial['share']:.0%} of the NPU cycles in int8", "dim"
    worst = ", ".join(f"{harm['value']} ({harm['loss']:.4f})" for harm in choice["harms"][:3])
    yield f"  islands    most harmed by int8: {worst}", ""
    kept = f"{len(choice['islands'])} tensors stay fp16"
    if choice["reached"]:
        yield f"  islands    {kept}, which reaches the goal", "good"
    else:
        yield f"  islands    {kept}: the goal was not reached, this came nearest", "warning"


def layer_rows(compiled: Compiled) -> list[tuple[str, ...]]:
    """The layer tables of all stages, cells in the order of LAYER_COLUMNS."""
    layers = (layer for stage in dict(compiled.result.compile or {})["stages"] for layer in stage["layers"])
    return [
        (
            str(layer["id"]),
            layer["target"],
            layer["op"],
            layer["dtype"],
            f"{layer['rw_kb']:,.0f}",
            f"{layer['npu_cycles']:,}" if layer["npu_cycles"] else "",
            layer["name"],
        )
        for layer in layers
    ]


def _findings(compiled: Compiled, verbose: bool) -> Lines:
    """Errors, and rules of the toolkit that were switched off; all the rest with --verbose."""
    told = [each for each in compiled.result.diagnostics if each.code >= "RK9"]
    shown = [each for each in told if verbose or each.severity is Severity.ERROR or "rule" in each.observed]
    for each in shown:
        yield f"  {each.severity.value}: {each.code} {each.at}: {each.message}", each.severity.value
    if len(shown) < len(told):
        yield f"  {len(told) - len(shown)} more from the toolkit's log: --verbose or --report", "dim"


def _verification(verification: Verification) -> Lines:
    for match in verification.outputs:
        if match.cosine is None:
            yield f"  verify     {match.name}: {match.detail}", "error"
            continue
        good = match.cosine >= verification.threshold
        yield (
            (
                f"  verify     {match.name}: cosine {match.cosine:.8f}, largest error {match.largest_error:.3g} "
                f"({verification.cases} cases, simulator against ONNX Runtime)"
            ),
            "good" if good else "error",
        )
    if not verification.passed:
        yield f"  verify     FAILED: below the threshold {verification.threshold:g}", "error"
