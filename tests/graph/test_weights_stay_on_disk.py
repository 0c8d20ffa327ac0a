"""A model is linted without reading its weights: told by the memory that the process needed, not by its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

WEIGHTS = 1_500_000_000
"""Bytes of the one weight. The file is sparse: reading it would cost memory, and no disk is needed for it."""

PEAK_MB = 150

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9  # field numbers of ModelProto.graph, GraphProto.initializer, TensorProto

_MEASURE = """
import re, sys
from pathlib import Path
from rkgraph.engine.lint import lint_view
from rkgraph.graph.load import read_view
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
result = lint_view(read_view(Path(sys.argv[1])), Target(), load_ruleset("rknn-2.3.2"))
# Not ru_maxrss: that begins with the memory of the process which forked this one.
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(result.model.nodes, int(peak) // 1024)
"""


def field(number: int, length: int) -> bytes:
    """Tag and length of a length-delimited protobuf field."""
    head = bytearray([number << 3 | 2])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head)


def write_sparse(path: Path, external: bool) -> None:
    """MatMul with a weight of `WEIGHTS` bytes, inline at the end of the file or in a file beside it."""
    rows = WEIGHTS // 4 // 100
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, rows])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 100])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y])
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, 100])
    model = onnx.ModelProto(ir_version=8, opset_import=[helper.make_opsetid("", 17)])
    if external:
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="weights.bin")
        graph.initializer.append(weight)
        model.graph.CopyFrom(graph)
        path.write_bytes(model.SerializeToString())
        sparse, size = path.with_name("weights.bin"), WEIGHTS
        sparse.touch()
    else:
        tensor = weight.SerializeToString() + field(_RAW_DATA, WEIGHTS)
        inner = graph.SerializeToString() + field(_INITIALIZER, len(tensor) + WEIGHTS) + tensor
        whole = model.SerializeToString() + field(_GRAPH, len(inner) + WEIGHTS) + inner
        path.write_bytes(whole)
        sparse, size = path, len(whole) + WEIGHTS
    with sparse.open("r+b") as file:
        file.truncate(size)


@pytest.mark.parametrize("external", [False, True], ids=["inline", "external"])
def test_weights_are_not_read(external: bool, tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    write_sparse(path, external)
    command = [sys.executable, "-c", _MEASURE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    nodes, peak = map(int, done.stdout.split())
    assert nodes == 1
    assert peak < PEAK_MB
