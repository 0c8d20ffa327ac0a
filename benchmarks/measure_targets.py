"""Measure which platforms, precisions and opsets each toolkit version really builds, with one small convolution.

    python benchmarks/measure_targets.py --toolkit 2.3.2 [--toolkit-python PYTHON]

Replaces the lines of that version in op_tables/evidence/targets.jsonl; op_tables/toolkits.toml is written by hand from
them, and a test holds the two together.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from rkgraph.probe.case import case as make_case
from rkgraph.probe.case import computed, parse, weight
from rkgraph.resources import data_folder
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, Limits
from rkgraph.toolkit.locate import find_toolkit

PLATFORMS = [
    "rk2118",
    "rk3562",
    "rk3566",
    "rk3568",
    "rk3576",
    "rk3588",
    "rv1103",
    "rv1103b",
    "rv1106",
    "rv1106b",
    "rv1126b",
    "rv1126",
    "rv1109",
    "rk1808",
    "rk3399pro",
]
PRECISIONS = ("fp16", "w8a8", "w8a16", "w16a16i", "w4a16")
OPSETS = (12, 13, 17, 18, 19, 20, 21)


def measure(worker: Worker, version: str, folder: Path) -> Iterator[dict[str, Any]]:
    """One line a platform and precision (opset 13), then one an opset (rk3588, fp16)."""
    for name, shape in (("k0", (1, 4, 6, 10)), ("x2", (1, 8, 16, 16))):
        np.save(folder / f"{name}.npy", np.random.default_rng(1).normal(size=shape).astype(np.float32))
    samples = folder / "samples.txt"
    samples.write_text(f"{folder / 'k0.npy'} {folder / 'x2.npy'}\n")
    jobs = [(p, q, 13) for p in PLATFORMS for q in PRECISIONS] + [("rk3588", "fp16", opset) for opset in OPSETS]
    for platform, precision, opset in jobs:
        model = folder / "model.onnx"
        case = make_case("Conv", "target", [computed(1, 8, 16, 16), weight(8, 8, 3, 3)], opset=opset)
        onnx.save(parse(case.text), model)
        quantized = precision != "fp16"
        config = {"quantized_dtype": precision} if quantized else {}
        build = {"do_quantization": True, "dataset": str(samples)} if quantized else {}
        result = worker.run(Job(model, platform, config=config, build=build))
        error = re.sub(r"(?<![\w'])/[^\s'\"]+", "…", result.error or "")[:160]
        outcome = "refused" if result.stage == "config" else result.outcome
        what = precision if opset == 13 else f"opset{opset}"
        line = {"id": f"{version}/{platform}/{what}", "toolkit": version, "platform": platform, "precision": precision}
        yield {**line, "opset": opset, "outcome": outcome, **({"error": error} if error else {})}


def main() -> None:
    """Measure one version and write its lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toolkit", default="2.3.2")
    parser.add_argument("--toolkit-python", type=Path)
    options = parser.parse_args()
    path = data_folder("op_tables") / "evidence" / "targets.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    lines = [line for line in lines if line["toolkit"] != options.toolkit]
    with (
        tempfile.TemporaryDirectory(prefix="rkgraph-") as folder,
        Worker(find_toolkit(options.toolkit, options.toolkit_python), Limits(seconds=60)) as worker,
    ):
        lines += measure(worker, options.toolkit, Path(folder))
    unique = {line["id"]: line for line in lines}
    ordered = sorted(unique.values(), key=lambda line: line["id"])
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in ordered))


if __name__ == "__main__":
    main()
