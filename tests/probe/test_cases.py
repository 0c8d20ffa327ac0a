"""Every probe case is a valid model that asks about one node; and the cases reach what the schemas allow."""

from __future__ import annotations

from collections import Counter

import onnx
import pytest

from rkgraph.probe.case import AGAIN, Case, case, computed, const, node, parse, weight
from rkgraph.probe.cases import binary_forms, unary_forms
from rkgraph.probe.plan import all_cases
from rkgraph.probe.schemas import NEWEST, TAKEN, allowed_types, versions

CASES = all_cases()


def test_there_are_thousands_of_cases() -> None:
    assert 5_000 < len(CASES) < 20_000


@pytest.mark.parametrize("op", sorted({case.op for case in CASES.values()}))
def test_the_cases_of_an_operator_are_valid_models_with_one_node_that_is_asked_about(op: str) -> None:
    for identity, asked in CASES.items():
        if asked.op != op:
            continue
        model = parse(asked.text)
        _valid(model, identity)
        probes = [n for n in model.graph.node if n.name == "probe"]
        assert [_qualified(n) for n in probes] == [op], identity
        assert identity == asked.id
        assert identity.startswith(f"{op}/")


def _valid(model: onnx.ModelProto, identity: str) -> None:
    for output in list(model.graph.output):
        kind = output.type
        if kind.WhichOneof("value") is None:  # onnx infers nothing there, the toolkit has to
            model.graph.output.remove(output)
        elif kind.HasField("tensor_type") and not kind.tensor_type.HasField("shape"):  # of a rank that is computed
            output.type.tensor_type.shape.dim.add().dim_param = "unknown"
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as invalid:
        if "is deprecated" in str(invalid):  # GroupNormalization 18, which exporters wrote for years
            return
        pytest.fail(f"{identity}: {invalid}")
    assert all(o.version <= NEWEST + 1 for o in model.opset_import), identity


def _qualified(asked: onnx.NodeProto) -> str:
    return f"{asked.domain}::{asked.op_type}" if asked.domain else asked.op_type


def test_an_invalid_case_is_found() -> None:
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(parse(case("Relu", "wrong", [computed(2), computed(2)]).text))


def test_no_model_has_many_ids() -> None:
    ids = Counter(asked.text for asked in CASES.values())
    assert sum(count - 1 for count in ids.values()) < len(CASES) // 50


@pytest.mark.parametrize("op", unary_forms.UNARY)
def test_every_element_type_that_a_schema_allows_is_asked(op: str) -> None:
    asked = {c.id.split("/")[1].split(",")[0] for c in unary_forms.cases() if c.op == op}
    assert set(allowed_types(op)) <= asked


def test_every_opset_at_which_an_operator_changed_is_asked() -> None:
    for op in binary_forms.BINARY:
        texts = "".join(c.text for c in binary_forms.cases() if c.op == op)
        for since in versions(op):
            assert f'"" : {max(since, 7)}]' in texts, (op, since)


def test_an_input_is_repeated_or_made_by_a_node() -> None:
    twice = parse(case("Mul", "x", [computed(2, 3), AGAIN]).text)
    assert len(set(_probe(twice).input)) == 1
    by_node = parse(case("Mul", "x", [computed(2, 3), node(0.5, dtype="float", shape=())]).text)
    assert any(n.op_type == "Constant" and n.output[0] == _probe(by_node).input[1] for n in by_node.graph.node)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_constants_of_half_precision_have_the_values_that_were_asked_for(dtype: str) -> None:
    model = parse(case("Add", "x", [computed(2, dtype=dtype), const(0.5, -3.0, dtype=dtype)]).text)
    stored = next(t for t in model.graph.initializer if t.name == _probe(model).input[1])
    assert onnx.numpy_helper.to_array(stored).astype("float32").tolist() == [0.5, -3.0]


@pytest.mark.parametrize("dtype", TAKEN)
def test_a_computed_scalar_has_rank_0_and_its_type(dtype: str) -> None:
    model = parse(case("Identity", "x", [computed(dtype=dtype)]).text)
    (output,) = (v for v in model.graph.output if v.name == "probe_y")
    assert not output.type.tensor_type.shape.dim
    assert output.type.tensor_type.elem_type == onnx.TensorProto.DataType.Value(dtype.upper())
    assert all(v.type.tensor_type.shape.dim for v in model.graph.input)


def test_the_weights_of_a_case_never_change() -> None:
    asked = case("Add", "x", [computed(2, 3), weight(3)])
    assert parse(asked.text) == parse(asked.text)
    assert parse(asked.text) != parse(case("Add", "y", [computed(2, 4), weight(4)]).text)


def _probe(model: onnx.ModelProto) -> onnx.NodeProto:
    return next(n for n in model.graph.node if n.name == "probe")


def test_a_case_knows_whether_it_is_a_pattern() -> None:
    assert Case("Relu/in-block,r", "Relu", "").is_pattern
    assert not Case("Relu/float,r4,alone", "Relu", "").is_pattern
