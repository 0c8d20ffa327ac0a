"""Reports of large graphs, made by hand: a transformer of many layers with names as exporters give them, or without."""

from __future__ import annotations

from typing import Any

from rkgraph.diagnostics import Confidence, Device, Diagnostic, Location, Severity, Verdict, fingerprint
from rkgraph.results import AppliedFix, Fixes, ModelInfo, PlacedNode, Report, Result, TableInfo, TensorInfo
from rkgraph.targets import Target

__all__ = ["large_report"]

_LAYER = (
    *("query/MatMul", "query/Add", "key/MatMul", "key/Add", "value/MatMul", "value/Add"),
    *("self/Reshape", "self/Transpose", "self/MatMul", "self/Div", "self/Add", "self/Softmax", "self/MatMul_1"),
    *("self/Transpose_1", "self/Reshape_1", "output/MatMul", "output/Add", "output/Gather", "output/ReduceMean"),
    *("output/Sub", "output/Pow", "output/Sqrt", "output/Mul", "mlp/MatMul", "mlp/Erf"),
)
"""Nodes of a layer, by name: 25 of them; each reads the one before, and some the one five before."""


def large_report(nodes: int = 5000, *, named: bool = True, views: bool = True, prefix: str = "") -> Report:
    """A model of `nodes` nodes as it came; with `views` also fixed (every tenth node is gone) and compiled.

    `prefix` stands before every name.
    """
    before = _result("large.onnx", "1" * 64, range(nodes), named=named, prefix=prefix)
    results = [before]
    if views:
        left = [index for index in range(nodes) if index % 10 != 9]
        fixed = _result("fixed.onnx", "2" * 64, left, named=named, prefix=prefix)
        gone = AppliedFix(
            *(
                "RK303",
                "Write it down as a constant",
                _safe(),
                Location("main", _name(9, named, prefix), "Gather"),
                "default",
            ),
            removed=tuple(_name(index, named, prefix) for index in range(nodes) if index % 10 == 9),
        )
        fixed = _with(fixed, fixes=Fixes((gone,)))
        results += [fixed, _with(fixed, compile=_compiled(fixed))]
    return Report(tuple(results), {"started": "2026-11-21T04:00:00Z"}, {"name": "rkgraph", "version": "0"})


def _safe() -> Any:
    from rkgraph.diagnostics import Safety

    return Safety.SAFE


def _name(index: int, named: bool, prefix: str) -> str:
    layer, place = divmod(index, len(_LAYER))
    return f"{prefix}/model/encoder/layer.{layer}/{_LAYER[place]}" if named else f"{prefix}Op→{index}"


def _op(index: int) -> str:
    return _LAYER[index % len(_LAYER)].rpartition("/")[2].partition("_")[0]


def _device(index: int) -> Device:
    place = index % len(_LAYER)
    return Device.CPU if place == 17 else Device.FOLDED if place == 9 else Device.NPU


def _result(path: str, sha256: str, indices: Any, *, named: bool, prefix: str) -> Result:
    indices = list(indices)
    names = [_name(index, named, prefix) for index in indices]
    nodes = [
        [name, _op(index), [n, *([n - 4] if n > 5 and index % 5 == 0 else [])], [n + 1]]
        for n, (name, index) in enumerate(zip(names, indices, strict=True))
    ]
    values = [["x", "float32", [1, 256, 384], False]]
    values += [[f"{name}_output_0", "float32", [1, 256, 384], False] for name in names]
    placement = tuple(
        PlacedNode(n, name, _op(index), (f"{name}_output_0",), _device(index))
        for n, (name, index) in enumerate(zip(names, indices, strict=True))
    )
    findings = tuple(
        Diagnostic(
            *(
                "RK104",
                Severity.WARNING,
                Location("main", name, "Gather"),
                "runs on the CPU",
                fingerprint("RK104", name),
            ),
            cause=number % 4 == 0,
            induced_by=None if number % 4 == 0 else fingerprint("RK104", names[17 % len(names)]),
        )
        for number, name in enumerate(
            name for name, index in zip(names, indices, strict=True) if _op(index) == "Gather"
        )
    )
    tensor = TensorInfo("x", "float32", (1, 256, 384))
    return Result(
        *(ModelInfo(path, sha256, 17, len(names), (tensor,), (tensor,)), Target(), TableInfo("2.3.2", "ab" * 32)),
        *(Verdict.DEPLOYABLE, Confidence.PROBED, None, placement, findings),
        graph={
            "inputs": (0,),
            "outputs": (len(names),),
            "values": tuple((n, d, tuple(s), c) for n, d, s, c in values),
            "nodes": tuple((label, op, tuple(reads), tuple(writes)) for label, op, reads, writes in nodes),
        },
    )


def _compiled(fixed: Result) -> dict[str, Any]:
    work = [node for node in fixed.placement if node.device is not Device.FOLDED]
    layers = tuple(
        {
            "id": number,
            "op": node.op,
            "dtype": "FLOAT16",
            "target": node.device.value.upper(),
            "output_shape": "(1,384,1,256)",
            "ddr_cycles": 0,
            "npu_cycles": 100 * (number % 37),
            "name": node.node,
            "rw_kb": 192.0 + number % 11,
            "nodes": (node.node,),
            "error": 0.0002 * 1.2 ** (number % 40),
        }
        for number, node in enumerate(work)
    )
    layer_of = {node.node: number for number, node in enumerate(work)}
    placement = tuple(
        {
            "index": node.index,
            "node": node.node,
            "op": node.op,
            "predicted": node.device.value,
            "real": node.device.value,
            "how": "named",
            "layer": layer_of.get(node.node),
        }
        for node in fixed.placement
    )
    stage = {"name": "model", "layers": layers, "memory": {"internal_kb": 3000.0}, "placement": placement}
    stage["layer_errors"] = {"cases": 2, "inputs": "generated inputs"}
    return {"outcome": "ok", "predicted_verdict": "deployable", "stages": (stage,)}


def _with(result: Result, **changes: Any) -> Result:
    from dataclasses import replace

    return replace(result, **changes)
