from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import Array, floats, microsoft
from tests.rules.rewriting import fixed, run

CODE = "RK200"
PACKED = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4, "uint8": TensorProto.UINT8}


def stored(kind: str, name: str, shape: tuple[int, ...], *, raw: bool) -> onnx.TensorProto:
    """Random bytes; of int4 and uint4 two numbers in each."""
    count = int(np.prod(shape))
    octets = (
        np.random.default_rng(len(name)).integers(0, 256, count if kind == "uint8" else -(-count // 2)).astype("u1")
    )
    if raw:
        return helper.make_tensor(name, PACKED[kind], shape, octets.tobytes(), raw=True)
    tensor = onnx.TensorProto(name=name, data_type=PACKED[kind], dims=shape)
    tensor.int32_data.extend(octets.tolist())
    return tensor


def lookup(
    kind: str,
    shape: tuple[int, ...],
    indices: Array,
    *,
    zeros: bool,
    raw: bool = True,
    opset: int = 17,
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node; `shape` counts the numbers of the table."""
    each = 8 // attributes.get("bits", 4) if kind == "uint8" else 1
    axis, size = attributes["quantize_axis"] % len(shape), attributes["block_size"]
    blocks = (*shape[:axis], -(-shape[axis] // size), *shape[axis + 1 :])
    taken = attributes["gather_axis"] % len(shape)
    inputs = ["table", "indices", "scales", *(["zeros"] if zeros else [])]
    model = microsoft(
        "GatherBlockQuantized", inputs, {"y": (*shape[:taken], *indices.shape, *shape[taken + 1 :])},
        fed={"indices": indices}, constants={"scales": np.abs(floats(3, *blocks)) + np.float32(0.01)}, opset=opset,
        **attributes,
    )  # fmt: skip
    names = {"table": shape, **({"zeros": blocks} if zeros else {})}
    for name, counted in names.items():
        octets = (*counted[:-1], -(-counted[-1] // each))
        model.graph.initializer.append(stored(kind, name, octets if kind == "uint8" else counted, raw=raw))
    return model


@st.composite
def cases(draw: st.DrawFn) -> tuple[onnx.ModelProto, Array]:
    kind, rank = draw(st.sampled_from(sorted(PACKED))), draw(st.integers(2, 3))
    bits = draw(st.sampled_from([2, 4, 8])) if kind == "uint8" else 4
    taken, axis = (0, rank - 1) if kind == "uint8" else draw(st.permutations(range(rank)))[:2]
    shape = [draw(st.integers(2, 5)) for _ in range(rank)]
    shape[axis] = draw(st.integers(1, 44))
    if kind == "uint8":
        shape[-1] = -(-shape[-1] // (8 // bits)) * (8 // bits)
    rows = shape[taken]
    drawn = draw(st.lists(st.integers(-rows, rows - 1), min_size=4, max_size=4))
    indices = np.array(drawn, draw(st.sampled_from(["i4", "i8"]))).reshape(draw(st.sampled_from([(4,), (2, 2)])))
    back = draw(st.sampled_from([0, rank]))
    attributes: dict[str, Any] = {"gather_axis": taken - back, "quantize_axis": axis - back, "block_size": 16}
    if kind == "uint8":
        attributes |= {"bits": bits, "gather_axis": taken}
    model = lookup(
        kind, tuple(shape), indices, zeros=draw(st.booleans()), raw=draw(st.booleans()),
        opset=draw(st.sampled_from([9, 17, 21])), **attributes,
    )  # fmt: skip
    return model, indices


@settings(max_examples=60, deadline=None)
@given(cases())
def test_it_is_what_onnx_runtime_looks_up(case: tuple[onnx.ModelProto, Array]) -> None:
    model, indices = case
    after, edits = fixed(model, CODE)
    assert not any(isinstance(edit, Refusal) for edit in edits)
    assert all(not node.domain for node in after.graph.node)
    assert {tensor.data_type for tensor in after.graph.initializer} <= {1, TensorProto.UINT8, TensorProto.INT64}
    (old,), (new,) = run(model, {"indices": indices}), run(after, {"indices": indices})
    np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("kind", ["int4", "uint8"])
def test_the_engine_proves_it(kind: str, tmp_path: Path) -> None:
    model = lookup(
        kind, (40, 64), np.zeros((1, 3), "i8"), zeros=True, quantize_axis=1, gather_axis=0, block_size=32, opset=17
    )
    outcome = fix_text(model, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_the_shape_behind_it_is_known() -> None:
    from tests.rules.harness import view_of

    for kind, wide in (("int4", 33), ("uint8", 32)):
        model = lookup(
            kind, (6, wide), np.zeros((1, 3), "i8"), zeros=False, quantize_axis=1, gather_axis=0, block_size=16
        )
        model.graph.node.add(op_type="Relu", input=["y"], output=["z"])
        model.graph.output[0].Clear()
        model.graph.output[0].name = "z"
        assert view_of(model).main.value("y").shape == (1, 3, wide)


@pytest.mark.parametrize(
    "changed", [{"bits": 3}, {"block_size": 0}, {"block_size": 32}, {"quantize_axis": 5}, {"quantize_axis": 0}]
)
def test_what_does_not_fit_is_refused(changed: dict[str, int]) -> None:
    model = lookup("uint8", (6, 64), np.zeros(2, "i8"), zeros=False, quantize_axis=1, gather_axis=0, block_size=16)
    for attribute in model.graph.node[0].attribute:
        attribute.i = changed.pop(attribute.name, attribute.i)
    model.graph.node[0].attribute.extend(helper.make_attribute(name, value) for name, value in changed.items())
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)


def test_other_dtypes_are_refused() -> None:
    model = lookup("uint8", (6, 64), np.zeros(2, "i8"), zeros=False, quantize_axis=1, gather_axis=0, block_size=16)
    table = next(tensor for tensor in model.graph.initializer if tensor.name == "table")
    table.data_type = TensorProto.FLOAT8E4M3FN
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "float8" in refusal.reason
