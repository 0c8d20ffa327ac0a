"""Functions that call functions: a small file may be a billion nodes."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from rkgraph.graph.expansion import expands_beyond
from rkgraph.graph.load import read_view


def chain(length: int, calls: int, *, closed: bool = False) -> onnx.ModelProto:
    """Functions f0 … that each call the next one `calls` times; the last one calls the first if `closed`."""
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for index in range(length):
        last = index == length - 1
        op, domain = ("Abs", "") if last and not closed else (f"f{(index + 1) % length}", "own")
        nodes = [helper.make_node(op, ["x" if i == 0 else f"v{i}"], [f"v{i + 1}"], domain=domain) for i in range(calls)]
        nodes.append(helper.make_node("Identity", [f"v{calls}"], ["y"]))
        functions.append(helper.make_function("own", f"f{index}", ["x"], ["y"], nodes, imports))
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("f0", ["x"], ["y"], domain="own")], "g", infos[:1], infos[1:])
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=functions)


@pytest.mark.parametrize(("length", "calls", "nodes"), [(1, 3, 4), (2, 2, 2 + 1 + 2 * 3), (10, 1, 20)])
def test_nodes_are_counted_through_calls(length: int, calls: int, nodes: int) -> None:
    model = chain(length, calls)
    assert not expands_beyond(model, nodes)
    assert expands_beyond(model, nodes - 1)


def test_a_function_that_calls_itself_is_endless() -> None:
    assert expands_beyond(chain(1, 1, closed=True))
    assert expands_beyond(chain(3, 1, closed=True))


def test_long_chains_need_no_stack() -> None:
    assert not expands_beyond(chain(3000, 1))


def test_a_bomb_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.onnx"
    path.write_bytes(chain(40, 2).SerializeToString())
    assert "more than" in read_view(path).inference_error
