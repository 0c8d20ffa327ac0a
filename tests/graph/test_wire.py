"""The walker: what it leaves out, and that no bytes make it give anything but a view or a ModelError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.graph.view import ModelView
from rkgraph.graph.wire import FIELD_KEY, INLINE_LIMIT, SELF, skim, tagged
from tests.builders import attention_block, text_model, weighted_model

HERE = Path("model.onnx")


def skimmed(data: bytes) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(skim(data, HERE))


def entries(tensor: TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def test_a_large_weight_becomes_a_reference_into_the_file() -> None:
    model = weighted_model(128)
    data = model.SerializeToString()
    weight, bias = skimmed(data).graph.initializer
    place = entries(weight)
    assert place["location"] == SELF
    start, length = int(place["offset"]), int(place["length"])
    assert data[start : start + length] == model.graph.initializer[0].raw_data
    assert weight.data_location == TensorProto.EXTERNAL
    assert not weight.raw_data
    assert bias.raw_data == model.graph.initializer[1].raw_data


@pytest.mark.parametrize(("size", "is_left_out"), [(INLINE_LIMIT, False), (INLINE_LIMIT + 1, True)])
def test_the_limit(size: int, is_left_out: bool) -> None:
    model = weighted_model(4)
    model.graph.initializer[0].raw_data = b"\1" * size
    assert bool(skimmed(model.SerializeToString()).graph.initializer[0].external_data) is is_left_out


@pytest.mark.parametrize(
    ("dtype", "field"),
    [
        (TensorProto.FLOAT, "float_data"),
        (TensorProto.FLOAT16, "int32_data"),
        (TensorProto.INT64, "int64_data"),
        (TensorProto.DOUBLE, "double_data"),
        (TensorProto.UINT64, "uint64_data"),
    ],
)
def test_typed_fields_are_left_out_too(dtype: int, field: str) -> None:
    model = weighted_model(4)
    values = np.full(12_000, 1, np.int64).tolist()
    model.graph.initializer[0].CopyFrom(helper.make_tensor("weight", dtype, [12_000], values))
    assert entries(skimmed(model.SerializeToString()).graph.initializer[0])[FIELD_KEY] == field


def test_a_constant_in_a_subgraph_is_left_out() -> None:
    model = text_model(
        "g (bool c) => (float[N] y) {"
        " y = If (c) <then_branch = t () => (float[N] a) { a = Constant<value = float[1] {1}>() },"
        " else_branch = e () => (float[N] b) { b = Constant<value = float[1] {2}>() }> }"
    )
    branch = model.graph.node[0].attribute[0].g
    branch.node[0].attribute[0].t.CopyFrom(helper.make_tensor("", TensorProto.FLOAT, [9000], b"\0" * 36_000, raw=True))
    data = model.SerializeToString()
    assert len(skim(data, HERE)) < 1000
    inner = skimmed(data).graph.node[0].attribute[0].g.node[0].attribute[0].t
    assert entries(inner)["length"] == "36000"


def test_small_models_are_copied_byte_for_byte() -> None:
    data = attention_block().SerializeToString()
    assert skim(data, HERE) == data


BAD = {
    "field past the end": b"\x3a\xff\x01abc",
    "unfinished varint": b"\x08" + b"\xff" * 11,
    "field number 0": b"\x02\x01a",
    "group": b"\x0b\x0c",
    "huge length": b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "zip": b"PK\x03\x04 this is no model",
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_malformed(case: str) -> None:
    with pytest.raises(ModelError, match="not an ONNX model"):
        skim(BAD[case], HERE)


def test_nesting_is_limited() -> None:
    graph = bytes(2 * INLINE_LIMIT)
    for _ in range(60):
        graph = tagged(1, tagged(5, tagged(6, graph)))  # Graph.node, Node.attribute, Attribute.g
    with pytest.raises(ModelError, match="nested deeper"):
        skim(tagged(7, graph), HERE)


SEEDS = [weighted_model(64).SerializeToString(), attention_block().SerializeToString()]
quick = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def view_or_error(data: bytes, folder: Path) -> None:
    path = folder / "model.onnx"
    path.write_bytes(data)
    outcome: ModelView | ModelError
    try:
        outcome = read_view(path)
    except ModelError as error:
        outcome = error
    if isinstance(outcome, ModelError):
        assert "\n" not in outcome.message
        assert outcome.hint
    else:
        assert outcome.main.path == "main"


@quick
@given(data=st.binary(min_size=1, max_size=200))
def test_random_bytes(data: bytes, tmp_path: Path) -> None:
    view_or_error(data, tmp_path)


@quick
@given(seed=st.sampled_from(SEEDS), part=st.floats(0, 0.999))
def test_truncations(seed: bytes, part: float, tmp_path: Path) -> None:
    view_or_error(seed[: 1 + int(len(seed) * part)], tmp_path)


@quick
@given(
    seed=st.sampled_from(SEEDS),
    hits=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_corruptions(seed: bytes, hits: list[tuple[float, int]], tmp_path: Path) -> None:
    data = bytearray(seed)
    for place, byte in hits:
        data[int(place * len(data))] = byte
    view_or_error(bytes(data), tmp_path)
