"""CPU time and memory of `rkgraph fix`, as whole processes: against onnxslim, and on weights that it has not to touch.

python benchmarks/fix_speed.py static.onnx --onnxslim PATH/onnxslim [--rounds 7] [--work FOLDER]

The large model is made in FOLDER and removed afterwards: products with 2.7 GB of external matrices, and between two of
them an operator without a kernel. None of the matrices has to be read to mend that.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import onnx
from alternate import alternate, cpu, markdown, median_ratio, run_once, with_bytecode
from onnx import TensorProto, helper

RATIO = 0.5
"""Of onnxslim's time, the proof of the whole model apart."""

BASE_MB, TIMES_TOUCHED = 200, 2.5
"""Peak memory allowed: so much, and so many times the weights that a fix touches (here: none)."""

WIDTH, LAYERS = 4096, 40


def main() -> int:
    """Print both tables; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--onnxslim", required=True, help="its command, in an environment of its own")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--work", type=Path, default=None, help="where 6 GB are free; default: a temporary folder")
    given = parser.parse_args()
    script = str(Path(sys.executable).with_name("rkgraph"))
    with tempfile.TemporaryDirectory(dir=given.work) as name:
        missed = [*speed(given, script, Path(name)), *memory(script, Path(name))]
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nall bars met")
    return 1 if missed else 0


def speed(given: argparse.Namespace, script: str, folder: Path) -> list[str]:
    """Fix against onnxslim, in turns; what is missed."""
    commands = {
        "onnxslim": [given.onnxslim, str(given.model), str(folder / "slim.onnx")],
        "rkgraph fix --proof local": [
            *(script, "fix", str(given.model), "--proof", "local", "-o", str(folder / "fixed.onnx"))
        ],
    }
    runs = alternate(commands, given.rounds, environment=with_bytecode(folder / "bytecode"))
    print(f"{given.model.name}, {given.model.stat().st_size / 1e6:.0f} MB, {given.rounds} rounds in turns, CPU time\n")
    print(markdown(runs, {"rkgraph fix --proof local": "onnxslim"}, cpu))
    ratio = median_ratio(runs["rkgraph fix --proof local"], runs["onnxslim"], cpu)
    return [] if ratio <= RATIO else [f"{ratio:.2f} of onnxslim's time, the bar is {RATIO}"]


def memory(script: str, folder: Path) -> list[str]:
    """Fix of a large model none of whose weights is touched; what is missed."""
    model = large_model(folder)
    run = run_once([script, "fix", str(model), "--proof", "local", "-o", str(folder / "large-fixed.onnx")])
    size = sum(path.stat().st_size for path in folder.glob("large.*")) / 1e6
    print(
        f"\nlarge model: {size:,.0f} MB fixed in {run.seconds:.1f} s, peak {run.peak_mb:.0f} MB, exit code {run.code}"
    )
    missed = [] if run.peak_mb <= BASE_MB else [f"peak of {run.peak_mb:.0f} MB, the bar is {BASE_MB}"]
    return missed if run.code in (0, 1) else [*missed, f"exit code {run.code} for the large model"]


def large_model(folder: Path) -> Path:
    """Products of a vector with matrices that lie in one sparse file of zeros, and a Ceil between two of them."""
    bytes_of_one = WIDTH * WIDTH * 4
    nodes, weights, value = [], [], "x"
    for index in range(LAYERS):
        if index == LAYERS // 2:
            nodes.append(helper.make_node("Ceil", [value], ["rounded"]))
            value = "rounded"
        tensor = TensorProto(name=f"w{index}", data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH])
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": "large.data", "offset": index * bytes_of_one, "length": bytes_of_one}
        for key, text in place.items():
            tensor.external_data.add(key=key, value=str(text))
        weights.append(tensor)
        nodes.append(helper.make_node("MatMul", [value, tensor.name], [f"v{index}"]))
        value = f"v{index}"
    shape = [1, 8, WIDTH]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", value)]
    graph = helper.make_graph(nodes, "large", infos[:1], infos[1:], weights)
    path = folder / "large.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with (folder / "large.data").open("wb") as file:
        os.truncate(file.fileno(), LAYERS * bytes_of_one)
    return path


if __name__ == "__main__":
    sys.exit(main())
