"""The lean import of onnx's classes shares them with the onnx package, whichever comes first."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEAN = "from rkgraph.graph.proto import native, pb"
SHARED = """
assert onnx.ModelProto is pb.ModelProto and isinstance(pb.ModelProto(), onnx.ModelProto)
assert onnx.onnx_cpp2py_export is native and onnx.onnx_ml_pb2 is pb
model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[1] y) {y = Relu(x)}')
onnx.checker.check_model(model)
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", [(LEAN, "import onnx"), ("import onnx", LEAN)], ids=["lean first", "onnx first"])
def test_classes_are_shared(order: tuple[str, str]) -> None:
    run("\n".join(order) + SHARED)


def test_a_submodule_may_be_imported_first() -> None:
    run(f"{LEAN}\nfrom onnx.numpy_helper import to_array\nimport onnx{SHARED}")


def test_reading_loads_neither_onnx_nor_numpy() -> None:
    run(
        "import sys, rkgraph.graph.load\n"
        "heavy = {'onnx', 'numpy', 'onnx_graphsurgeon', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
