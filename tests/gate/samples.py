"""Reports for the tests of the gate."""

from __future__ import annotations

from typing import Any

from rkgraph.diagnostics import Device, Diagnostic, Location, Severity, Verdict
from rkgraph.gate.subjects import Subject, subjects
from rkgraph.results import ModelInfo, PlacedNode, Report, Result
from rkgraph.targets import Target

ESTIMATE: dict[str, Any] = {
    "macs": 1000,
    "weight_bytes": 10,
    "cpu_nodes": 1,
    "no_kernel": 0,
    "unknown": 0,
    "crossings": 2,
    "crossing_bytes": 64,
    "cycles": 500,
    "rw_kb": 8,
    "weight_kb": 4,
    "internal_kb": 2,
    "layers": 5,
}


def placed(*devices: Device) -> tuple[PlacedNode, ...]:
    return tuple(PlacedNode(i, f"n{i}", "Add", (f"v{i}",), device) for i, device in enumerate(devices))


def finding(code: str = "RK104", severity: Severity = Severity.WARNING, **changes: Any) -> Diagnostic:
    return Diagnostic(code, severity, Location(), "m", "0" * 16, **changes)


def result(path: str = "models/a.onnx", **changes: Any) -> Result:
    given: dict[str, Any] = {
        "verdict": Verdict.DEPLOYABLE,
        "placement": placed(Device.NPU, Device.CPU, Device.NPU, Device.FOLDED),
        "cost": {"estimate": ESTIMATE},
        **changes,
    }
    return Result(ModelInfo(path, nodes=4), given.pop("target", Target()), **given)


def compiled(path: str = "models/a.onnx", cosine: float | None = 0.9999, **cost: Any) -> Result:
    """A result with the compiler's numbers beside the estimate."""
    layers = (
        {"id": 0, "op": "Conv", "target": "NPU", "ddr_cycles": 300, "npu_cycles": 200},
        {"id": 1, "op": "Add", "target": "NPU"},
    )
    stage = {
        "name": "model",
        "size_bytes": 5000,
        "layers": layers,
        "no_lowering": (),
        "placement": ({"index": 1, "node": "n1", "op": "Add", "predicted": "cpu", "real": "npu"},),
    }
    numbers = {"layers": 2, "npu": 2, "cpu": 0, "crossings": 0, "rw_kb": 4.0, "internal_kb": 1.0, "weight_kb": 3.0}
    return result(
        path,
        cost={**numbers, **cost, "estimate": ESTIMATE},
        compile={"outcome": "ok", "stages": (stage,), "verify": {"outputs": ({"name": "y", "cosine": cosine},)}},
    )


def told(*results: Result) -> tuple[Subject, ...]:
    return subjects([Report((each,)) for each in results])
