"""A report of each kind, made by hand: a model that is fixed and compiled, one that cannot be read."""

from __future__ import annotations

import math
from typing import Any

from rkgraph.diagnostics import (
    Confidence,
    Device,
    Diagnostic,
    FixOffer,
    Location,
    Safety,
    Severity,
    Verdict,
    fingerprint,
)
from rkgraph.results import (
    AppliedFix,
    Fixes,
    ModelInfo,
    PlacedNode,
    Proof,
    RefusedFix,
    Report,
    Result,
    TableInfo,
    TensorInfo,
)
from rkgraph.targets import Target

__all__ = ["compile_record", "journey", "sample_report", "unreadable"]

TARGET = Target()
TABLE = TableInfo("2.3.2", "ab" * 32)
OPS = ("Gather", "Gather", "Add", "LayerNormalization", "Unsqueeze", "Cast", "And", "MatMul", "Add", "Reshape")


def sample_report(name: str = "/encoder/layer", path: str = "embedder/model.onnx") -> Report:
    """A journey and an unreadable model; `name` is a part of every node's name."""
    return Report(
        (*journey(name, path), unreadable()),
        {"started": "2026-11-21T04:00:00Z", "seconds": 1.5},
        {"name": "rkgraph", "version": "0.1.0"},
    )


def journey(name: str, path: str) -> tuple[Result, Result, Result]:
    """As it came, fixed, compiled."""
    dynamic = _model(path, "1" * 64, ("batch", "sequence"), 20, 40)
    fixed = _model("fixed.onnx", "2" * 64, (1, 256), 17, 30)
    placement = _placement(name, 30)
    found = (
        _finding("RK101", Severity.ERROR, name, "the operator has no board kernel", Safety.SAFE),
        *(_finding("RK104", Severity.WARNING, f"{name}.{i}", "runs on the CPU", None, op="Gather") for i in range(8)),
        Diagnostic("RK301", Severity.ERROR, Location(value="input_ids"), "the shape is dynamic", "f" * 16),
    )
    before = Result(
        *(dynamic, TARGET, TABLE, Verdict.BUILD_FAILS, Confidence.PROBED, None),
        placement=_placement(name, 40, Device.UNKNOWN),
        diagnostics=found,
    )
    after = Result(
        *(fixed, TARGET, TABLE, Verdict.DEPLOYABLE, Confidence.PROBED, None),
        placement=placement,
        diagnostics=found[1:4],
        fixes=_fixes(name),
        proofs=(
            Proof("p1", "local", "proved", "region 1", "ONNX Runtime", 64, {"absolute": 1e-5}, 2.4e-7),
            Proof("p2", "range", "proved", "mask", "interval analysis", 256, {}, None),
            Proof("p3", "structure", "proved", "model", "checker", 1),
        ),
    )
    built = Result(fixed, TARGET, TABLE, Verdict.DEPLOYABLE, Confidence.PROBED, None, placement=placement)
    return before, after, _with(built, compile_record(name, placement))


def unreadable() -> Result:
    """A model that is none."""
    return Result(ModelInfo("broken.onnx"), TARGET, error="broken.onnx: not an ONNX model")


def compile_record(name: str, placement: tuple[PlacedNode, ...]) -> dict[str, Any]:
    """What a compile adds to a result."""
    layers = tuple(
        {
            "id": i,
            "op": op,
            "dtype": "FLOAT16",
            "target": "CPU" if op == "Gather" else "NPU",
            "input_shape": "(1,256)",
            "output_shape": "(1,384,1,256)",
            "ddr_cycles": 900 * i,
            "npu_cycles": 3000 * i,
            "rw_kb": 192.0 * i,
            "name": f"{name}/{op}",
            "nodes": (f"{name}/{i}",),
            **({"error": math.inf if op == "exSDPAttention" else 0.0004 * i} if i in (1, 2, 3, 4) else {}),
        }
        for i, op in enumerate(("InputOperator", "Gather", "Conv", "ConvExGelu", "exSDPAttention", "OutputOperator"))
    )
    real = tuple(
        {
            "node": p.node,
            "op": p.op,
            "predicted": p.device.value,
            "real": "cpu" if i == 4 else p.device.value,
            "layer": None,
        }
        for i, p in enumerate(placement)
    )
    message = {
        "code": "RK902",
        "severity": "warning",
        "text": f"need parameter qtype {name}",
        "count": 12,
        "known": True,
    }
    stage = {
        "name": "model",
        "file": "model.rknn",
        "size_bytes": 46_881_167,
        "cached": False,
        "layers": layers,
        "memory": {"internal_kb": 3281.06, "weight_kb": 66858.1},
        "no_lowering": (),
        "messages": (message,),
        "placement": real,
        "layer_errors": {"cases": 4, "inputs": "calibration samples"},
    }
    output = {"name": "last_hidden_state", "cosine": 0.99999887, "largest_error": 0.007}
    rows = (
        {"text": f"A sentence {name}.", "tokens": 5, "padded": 0.98, "cosine": 0.999998, "outcome": "compared"},
        {"text": "A long one. " * 60, "tokens": 300, "padded": None, "cosine": None, "outcome": "refused: too long"},
    )
    trial = {"values": 0, "tensors": 0, "lowest": 0.8056, "mean": 0.8372, "share": 1.0}
    islands = {
        "islands": (f"{name}/sum", f"{name}/norm"),
        "trials": (trial, {**trial, "values": 1, "tensors": 2, "lowest": 0.9729, "mean": 0.9807, "share": 0.5}),
        "harms": ({"value": f"{name}/sum", "low": -14.5, "high": 9.25, "loss": 0.0379},),
        "reached": True,
    }
    return {
        "islands": islands,
        "stages": (stage,),
        "verify": {
            "backend": "simulator",
            "reference": "ONNX Runtime",
            "cases": 4,
            "threshold": 0.99,
            "outputs": (output,),
        },
        "sentences": {"threshold": 0.999, "rows": rows},
    }


def _model(path: str, sha256: str, shape: tuple[int | str, ...], opset: int, nodes: int) -> ModelInfo:
    inputs = tuple(TensorInfo(name, "int64", shape) for name in ("input_ids", "attention_mask"))
    return ModelInfo(path, sha256, opset, nodes, inputs, (TensorInfo("last_hidden_state", "float32", (*shape, 384)),))


def _placement(name: str, count: int, device: Device | None = None) -> tuple[PlacedNode, ...]:
    devices = {"Gather": Device.CPU, "Unsqueeze": Device.FOLDED, "And": Device.NO_KERNEL, "Cast": Device.HOST}
    return tuple(
        PlacedNode(
            index,
            f"{name}/{index}",
            op := OPS[index % len(OPS)],
            (f"{name}/{index}_out",),
            chosen := device or devices.get(op, Device.NPU),
            ("RK104",) if chosen is Device.CPU else (),
        )
        for index in range(count)
    )


def _finding(
    code: str, severity: Severity, node: str, message: str, safety: Safety | None, *, op: str = "And"
) -> Diagnostic:
    return Diagnostic(
        *(code, severity, Location("main", node, op), message, fingerprint(code, ascii(node))),
        observed={"dtype": "bool", "fill": float("-inf")},
        limit={"largest": 65504},
        evidence=("onnx-backend/test_and",),
        fix=FixOffer(f"Rewrite {node}", safety) if safety else None,
    )


def _fixes(name: str) -> Fixes:
    at = Location("main", name, "And")
    shape = AppliedFix("RK301", "Pin the input", Safety.SHAPE, Location(value="input_ids"), "--shape")
    proofs = ("p1", "p2")
    removed, added = (f"{name}/6",), (f"{name}/m",)
    mask = AppliedFix("RK203", "Additive mask", Safety.SAFE, at, "default", removed, added, proofs)
    return Fixes((shape, mask, mask), (RefusedFix("RK104", at, "would change the interface", "--allow interface"),))


def _with(result: Result, compile_: dict[str, Any]) -> Result:
    from dataclasses import replace

    return replace(result, compile=compile_)
