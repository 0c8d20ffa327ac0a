"""How far the outputs of two models lie apart on seeded inputs, in parts of the largest value.

    python benchmarks/compare_models.py ORIGINAL.onnx OTHER.onnx '[{"name": "x", "shape": [1, 8], "dtype": "float32"}]'

Prints one number; "inf" where a shape or dtype differs. The third argument are the `sample_inputs` of `corpus.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnxruntime

Spec = dict[str, Any]


def main() -> None:
    """Evaluate both, and print the largest difference."""
    original, other, specs = sys.argv[1:]
    feeds = make_feeds(json.loads(specs))
    expected, actual = evaluate(original, feeds), evaluate(other, feeds)
    if expected.keys() != actual.keys():
        raise SystemExit(f"outputs {sorted(expected)} became {sorted(actual)}")
    print(max((difference(expected[name], actual[name]) for name in expected), default=0.0))


def make_feeds(specs: Iterable[Spec], seed: int = 7) -> dict[str, np.ndarray]:
    """Input name → array of the shape and dtype of its spec, from one seeded generator."""
    rng = np.random.default_rng(seed)
    return {spec["name"]: np.array(_values(rng, spec), dtype=spec["dtype"]) for spec in specs}


def _values(rng: np.random.Generator, spec: Spec) -> Any:
    shape, kind = tuple(spec["shape"]), spec.get("gen", "normal")
    if kind == "normal":
        return rng.normal(0, spec.get("scale", 1.0), shape)
    if kind == "uniform":
        return rng.uniform(spec.get("low", 0.0), spec.get("high", 1.0), shape)
    if kind == "randint":
        return rng.integers(spec.get("low", 0), spec.get("high", 2), shape)
    if kind == "const":
        return np.broadcast_to(spec.get("value", 0), shape)
    if kind == "arange":
        return np.broadcast_to(np.arange(shape[-1]), shape)
    raise ValueError(f"no generator {kind!r}")


def evaluate(path: str, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All outputs of a model by ONNX Runtime, optimisations off; feeds of no input are left out."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    known = {value.name for value in session.get_inputs()}
    return dict(zip(names, session.run(names, {k: v for k, v in feeds.items() if k in known}), strict=True))


def difference(expected: np.ndarray, actual: np.ndarray) -> float:
    """The largest |a − b|, in parts of the largest |a| or of 1; NaN equals NaN, an infinity itself."""
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return float("inf")
    if not np.issubdtype(expected.dtype, np.number):
        return 0.0 if np.array_equal(expected, actual) else float("inf")
    a, b = expected.astype(np.float64), actual.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    gap = float(np.abs(a - b)[~same].max())
    return float("inf") if np.isnan(gap) else gap / max(1.0, float(np.abs(a[np.isfinite(a)]).max(initial=0.0)))


if __name__ == "__main__":
    main()
