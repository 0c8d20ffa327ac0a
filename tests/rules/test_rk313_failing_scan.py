from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.analysis.inlining import CannotInline
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook import scans
from rkgraph.rulebook.writer import Writer
from tests.rules.harness import diagnostics, parse, view_of
from tests.rules.rewriting import fixed, operators, run

CODE = "RK313"
BODY = (
    """body = b (float[4] s, float[4] e) => (float[4] t, float[4] seen) { w = Mul(s, e) t = Add(w, k) seen = Neg(t) }"""
)
OLD = f"""<ir_version: 7, opset_import: ["" : 8]>
    g (float[2, 4] s0, float[2, 3, 4] x) => (float[2, 4] y, float[2, 3, 4] z)
    <float[1] k = {{0.5}}> {{ y, z = Scan<num_scan_inputs = 1, {BODY}>("", s0, x) }}"""


def new(attributes: str = "", x: str = "3, 4", z: str = "3, 4", opset: int = 17) -> str:
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[4] s0, float[{x}] x) => (float[4] y, float[{z}] z)
        <float[1] k = {{0.5}}> {{ y, z = Scan<num_scan_inputs = 1{attributes}, {BODY}>(s0, x) }}"""


def written_out(text: str, folder: Path) -> object:
    """The model with its Scan written out, whatever the op table says of it."""
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    main = view_of(text).main
    writer = Writer(main, "out")
    made = scans.unroll_scan(writer, main.nodes[0])
    model = Model.load(path)
    model.apply(writer.rewrite(dict(zip(main.outputs, made, strict=True)), EXACT))
    return model.proto(weights=True)


def test_the_form_of_opset_8_is_written_out() -> None:
    random = np.random.default_rng(0)
    feeds = {"s0": random.normal(size=(2, 4)).astype("f"), "x": random.normal(size=(2, 3, 4)).astype("f")}
    assert len(diagnostics(OLD, CODE)) == 1
    after, _ = fixed(OLD, CODE)
    assert "Scan" not in operators(after)
    for one, other in zip(run(OLD, feeds), run(after, feeds), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=16, deadline=None)
@given(st.sampled_from([0, 1]), st.sampled_from([0, 1]), st.sampled_from([0, 1, -1]), st.sampled_from([9, 13, 17]))
def test_axes_and_directions(
    tmp_path_factory: pytest.TempPathFactory, way: int, out_way: int, axis: int, opset: int
) -> None:
    axes = f", scan_input_axes = [{axis}], scan_output_axes = [{abs(axis)}]"
    ways = f", scan_input_directions = [{way}], scan_output_directions = [{out_way}]"
    shape, out = ("3, 4", "3, 4") if axis == 0 else ("4, 3", "4, 3")
    text = new(axes + ways, shape, out, opset)
    random = np.random.default_rng(0)
    size = [int(n) for n in shape.split(",")]
    feeds = {"s0": random.normal(size=4).astype("f"), "x": random.normal(size=size).astype("f")}
    after = written_out(text, tmp_path_factory.mktemp("scan"))
    for one, other in zip(run(text, feeds), run(after, feeds), strict=True):  # type: ignore[arg-type]
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(new(x="n, 4", z="n, 4"), "not known"), (OLD.replace('("", s0', "(x, s0"), "length of its own")],
    ids=["unknown length", "lengths"],
)
def test_what_cannot_be_written_out_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    if "length of" in reason:
        text = text.replace("(float[2, 4] s0", "(int64[2] n, float[2, 4] s0").replace("(x, s0", "(n, s0")
    with pytest.raises(CannotInline, match=reason):
        written_out(text, tmp_path)


def test_the_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MOST_NODES", 5)
    with pytest.raises(CannotInline, match="5 nodes"):
        written_out(new(), tmp_path)
