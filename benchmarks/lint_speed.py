"""What lint costs: many small models in one process, one model of 20,000 nodes, a table, and memory beside weights.

python benchmarks/lint_speed.py MODELS.txt

MODELS.txt names one model a line (`benchmarks/lint_accuracy.py` takes the single-operator models out of onnx's wheel).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NODES = 20_000
WEIGHTS_MB = (1, 400)
BARS = {"models": 25.0, "nodes": 3.0, "table": 0.030, "memory": 0.05}
TABLE = """
import time
from rkgraph.tables.table import load_table
begun = time.perf_counter(); load_table("2.3.2"); print(time.perf_counter() - begun)
"""


def main() -> int:
    """Print the table; exit 1 when a bar of the issue is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = dict(_rows(given.models, folder, given.rounds))
    count = sum(bool(line.strip()) for line in given.models.read_text().splitlines())
    words = {
        "models": f"{count} models in one process, seconds",
        "nodes": f"one model of {NODES} nodes, seconds",
        "table": "loading the op table, seconds",
        "memory": f"peak memory with {WEIGHTS_MB[1]} MB of weights against {WEIGHTS_MB[0]} MB, share more",
    }
    print("| what | best of the rounds | of that, CPU | bar |\n|---|---|---|---|")
    for key, (value, cpu) in rows.items():
        print(f"| {words[key]} | {value:.3f} | {f'{cpu:.3f}' if cpu else ''} | {BARS[key]} |")
    missed = [key for key, (value, _) in rows.items() if value > BARS[key]]
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nall bars met")
    return 1 if missed else 0


def _rows(models: Path, folder: Path, rounds: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """Key → what is held against the bar, and CPU seconds where that is a time."""
    long = folder / "long.onnx"
    onnx.save(_chain(NODES), long)
    heavy = [folder / f"{size}.onnx" for size in WEIGHTS_MB]
    for path, size in zip(heavy, WEIGHTS_MB, strict=True):
        onnx.save(_weighty(size), path)
    for key, what in (("models", f"@{models}"), ("nodes", str(long))):
        best = min(_lint(what, folder) for _ in range(rounds))
        yield key, (best[0], best[1])
    loads = [float(subprocess.check_output([sys.executable, "-c", TABLE])) for _ in range(rounds)]
    yield "table", (min(loads), 0.0)
    light, full = (min(_lint(str(path), folder)[2] for _ in range(rounds)) for path in heavy)
    yield "memory", (full / light - 1, 0.0)


def _lint(what: str, folder: Path) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU seconds and peak resident memory (KiB) of a lint, whatever it finds.

    Raises:
        RuntimeError: it could not lint.
    """
    script = str(Path(sys.executable).with_name("rkgraph"))
    command = [script, "lint", what, "--format", "json", "-o", str(folder / "report.json")]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} did not lint")
    return seconds, usage.ru_utime + usage.ru_stime, float(usage.ru_maxrss)


def _chain(nodes: int) -> onnx.ModelProto:
    """Residual blocks of five nodes one behind the other, a shape computed in each."""
    made: list[onnx.NodeProto] = []
    last = "x"
    for i in range(nodes // 5):
        made += [
            helper.make_node("Relu", [last], [f"r{i}"]),
            helper.make_node("Mul", [f"r{i}", "k"], [f"m{i}"]),
            helper.make_node("Shape", [f"m{i}"], [f"s{i}"]),
            helper.make_node("Reshape", [f"m{i}", f"s{i}"], [f"t{i}"]),
            helper.make_node("Add", [f"t{i}", last], [f"a{i}"]),
        ]
        last = f"a{i}"
    shape = [1, 8, 16, 16]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", last)]
    k = numpy_helper.from_array(np.ones((1, 8, 1, 1), np.float32), "k")
    graph = helper.make_graph(made, "chain", ends[:1], ends[1:], [k])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weighty(megabytes: int) -> onnx.ModelProto:
    rows = megabytes * 2**20 // 4 // 1024
    weights = numpy_helper.from_array(np.zeros((1024, rows), np.float32), "w")
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1024])]
    ends.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, rows]))
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "weighty", ends[:1], ends[1:], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    sys.exit(main())
