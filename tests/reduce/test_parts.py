"""Parts of a graph as models: cuts, bypasses, neighbourhoods; and the judgement of the script in the zip."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from rkgraph.reduce.bypass import bypass, detours
from rkgraph.reduce.cut import cut, neighbourhood
from rkgraph.reduce.facts import Facts
from rkgraph.reduce.reproduce import shown
from tests.builders import shape_chain_model, text_model

DIAMOND = """g (float[2,3] x) => (float[2,3] y, float[2,3] r) {
    r = Relu(x)  a = Neg(r)  b = Abs(r)  s = Shape(b)  c = Add(a, b)  y = Reshape(c, s) }"""


@pytest.fixture
def diamond() -> onnx.ModelProto:
    return text_model(DIAMOND)


def ends(model: onnx.ModelProto) -> tuple[list[str], list[str], list[str]]:
    graph = model.graph
    return [v.name for v in graph.input], [v.name for v in graph.output], [t.name for t in graph.initializer]


def test_what_is_read_from_outside_becomes_an_input_or_what_it_is_known_to_be(diamond: onnx.ModelProto) -> None:
    facts = Facts(diamond)
    last = cut(diamond, facts, {5})
    assert last is not None
    assert ends(last) == (["c"], ["y"], ["s"])
    assert onnx.numpy_helper.to_array(last.graph.initializer[0]).tolist() == [2, 3]
    middle = cut(diamond, facts, {0, 1})
    assert middle is not None
    assert ends(middle) == (["x"], ["r", "a"], [])
    assert cut(diamond, facts, ()) is None


def test_random_constants_instead_of_inputs(diamond: onnx.ModelProto) -> None:
    part = cut(diamond, Facts(diamond), {4}, constants=True)
    assert part is not None
    assert ends(part) == ([], ["c"], ["a", "b"])
    again = cut(diamond, Facts(diamond), {4}, constants=True)
    assert part == again
    assert all(np.isfinite(onnx.numpy_helper.to_array(tensor)).all() for tensor in part.graph.initializer)


def test_values_that_others_read_become_outputs_if_asked(diamond: onnx.ModelProto) -> None:
    model = text_model("g (float[2] x) => (float[2] z) { a = Relu(x)  b = Neg(a)  c = Abs(a)  z = Add(b, c) }")
    plain, exposed = (cut(model, Facts(model), {0, 1}, expose=expose) for expose in (False, True))
    assert plain is not None
    assert exposed is not None
    assert ends(plain)[1] == ["b"]
    assert ends(exposed)[1] == ["a", "b"]


def test_an_input_of_unknown_dtype_cannot_be() -> None:
    model = text_model("""<ir_version: 8, opset_import: ["" : 17, "mine" : 1]>
        g (float[2] x) => (float[2] y) { a = mine.Odd(x)  y = Relu(a) }""")
    assert cut(model, Facts(model), {1}) is None


def test_neighbours(diamond: onnx.ModelProto) -> None:
    assert neighbourhood(diamond, ["c"], 0) == {4}
    assert neighbourhood(diamond, ["c"], 1) == {1, 2, 4, 5}
    assert neighbourhood(diamond, ["c"], 2) == {0, 1, 2, 3, 4, 5}
    assert not neighbourhood(diamond, ["absent"], 3)


def test_bypasses_keep_dtype_and_shape(diamond: onnx.ModelProto) -> None:
    facts = Facts(diamond)
    assert detours(diamond, facts, same_shape=True) == {0: ["x"], 1: ["r"], 2: ["r"], 4: ["a", "b"], 5: ["c"]}
    part = bypass(diamond, {1: "r", 4: "a"})  # one after the other: c is a, which is r
    assert part is not None
    assert [node.op_type for node in part.graph.node] == ["Relu", "Abs", "Shape", "Reshape"]
    assert list(part.graph.node[-1].input) == ["r", "s"]
    onnx.checker.check_model(part, full_check=True)
    assert bypass(text_model("g (float[2] x) => (float[2] y) { y = Relu(x) }"), {0: "x"}) is None


def test_other_shapes_come_after() -> None:
    model = text_model("g (float[2,1] x, float[2,3] w) => (float[2,3] y) { t = Add(x, w)  y = Relu(t) }")
    assert detours(model, Facts(model), same_shape=False)[0] == ["w", "x"]


def test_shape_arithmetic_is_known_where_shapes_are() -> None:
    model = shape_chain_model()
    assert "target" not in Facts(model).values
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, (2, 5), strict=True):
            dim.dim_value = size
    assert Facts(model).values["target"].items == (2, 5, 8)


BUILD = {"kind": "build", "signal": None, "error": "KeyError: 'axis'"}
DIES = {"kind": "build", "signal": "SIGSEGV", "error": ""}
LOST = {"kind": "no-kernel", "op": "Trilu"}
CPU = {"kind": "device", "target": "CPU", "layers": [["MaxPool", "MaxPool_0"]]}
NUMBERS = {"kind": "numbers", "threshold": 0.99}
ROW = "D RKNN: [06:40:56.613] 3    MaxPool    FLOAT16    {}    (1,4)    (1,4)    0/0/0    1    MaxPool:MaxPool_0\n"


@pytest.mark.parametrize(
    ("settings", "code", "text", "expected"),
    [
        (BUILD, 1, "KeyError: 'axis'", True),
        (BUILD, 1, "KeyError: 'epsilon'", False),
        (BUILD, 0, "KeyError: 'axis'", False),
        (DIES, -11, "", True),
        (DIES, 1, "", False),
        (LOST, 0, "No lowering found for: n, node type = Trilu, use CustomOperatorLower instead.", True),
        (LOST, 0, "No lowering found for: n, node type = TriluX, use CustomOperatorLower instead.", False),
        (LOST, 1, "No lowering found for: n, node type = Trilu, use CustomOperatorLower instead.", False),
        (CPU, 0, ROW.format("CPU"), True),
        (CPU, 0, ROW.format("NPU"), False),
        (NUMBERS, 0, "COSINE y0 0.98000000\n", True),
        (NUMBERS, 0, "COSINE y0 nan\n", True),
        (NUMBERS, 0, "COSINE y0 0.99900000\n", False),
        (NUMBERS, 0, "", False),
    ],
)
def test_the_script_judges(settings: dict[str, object], code: int, text: str, expected: bool) -> None:
    assert shown(settings, code, text) is expected
