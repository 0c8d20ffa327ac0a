from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety, Severity
from rkgraph.graph.rewrite import Rewrite
from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.recurrent_models import STEPS, recurrent
from tests.rules.rewriting import fixed, operators, run

CODE = "RK180"


def assert_same(how: dict[str, Any], op: str) -> list[str]:
    """The model computes the same after the fix; its operators then."""
    model, feeds = recurrent(op, **how)
    after, edits = fixed(model, CODE)
    assert edits
    assert all(isinstance(edit, Rewrite) for edit in edits)
    for old, new in zip(run(model, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), atol=2e-6)
    return operators(after)


@settings(max_examples=25, deadline=None)
@given(
    op=st.sampled_from(["RNN", "GRU", "LSTM"]),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    given=st.sampled_from([(), ("b",), ("h",), ("b", "h")]),
    lengths=st.sampled_from([None, (STEPS, STEPS)]),
    named=st.booleans(),
)
def test_only_the_last_state_is_read(
    op: str, direction: str, given: tuple[str, ...], lengths: tuple[int, ...] | None, named: bool
) -> None:
    how: dict[str, Any] = {"direction": direction, "given": given, "lengths": lengths, "named": named, "read": ("h",)}
    model, _ = recurrent(op, **how)
    if not diagnostics(model, CODE):  # an LSTM whose Y has a name and whose biases are given is right as it is
        assert op == "LSTM"
        assert named
        return
    assert_same(how, op)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("read", [("c",), ("y", "c")])
@pytest.mark.parametrize("named", [True, False])
def test_of_an_lstm_the_cell_is_read_alone(direction: str, read: tuple[str, ...], *, named: bool) -> None:
    """The compiler drops the name of the state that nobody reads, and fails; read beside the cell it stays."""
    how: dict[str, Any] = {"direction": direction, "read": read, "named": named, "given": ("b",)}
    assert {"Concat", "Slice"} <= set(assert_same(how, "LSTM"))
    assert diagnostics(recurrent("LSTM", **{**how, "read": ("h", "c"), "named": True})[0], CODE) == ()


@pytest.mark.parametrize("op", ["RNN", "GRU"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_the_last_state_of_sequences_of_several_lengths(op: str, direction: str) -> None:
    assert_same({"direction": direction, "lengths": (2, 3), "read": ("h",)}, op)


@pytest.mark.parametrize("activation", ["Relu", "Tanh", "Sigmoid", "Softsign"])
def test_an_rnn_is_a_gru(activation: str) -> None:
    assert "RNN" not in assert_same({"read": ("y", "h"), "activations": [activation]}, "RNN")


@pytest.mark.parametrize(
    ("op", "how"),
    [
        ("GRU", {"read": ("y", "h")}),
        ("LSTM", {"read": ("y", "h", "c")}),
        ("LSTM", {"read": ("h",), "named": True}),
        ("RNN", {"clip": 0.5}),
        ("RNN", {"computed": True}),
        ("LSTM", {"given": ("b", "h", "c", "p")}),
        ("LSTM", {"input_forget": 1}),
        ("LSTM", {"lengths": (2, 3), "read": ("h",)}),
    ],
)
def test_what_is_right_or_has_no_better_form_is_left_alone(op: str, how: dict[str, Any]) -> None:
    assert diagnostics(recurrent(op, **how)[0], CODE) == ()


@pytest.mark.parametrize("op", ["GRU", "LSTM"])
def test_biases_are_given_where_a_version_dies_of_none(op: str) -> None:
    model, _ = recurrent(op, given=(), read=("y", "h"))
    assert diagnostics(model, CODE) == ()
    (found,) = diagnostics(model, CODE, target=Target("rk3588", "2.2.0"))
    assert "biases" in found.message


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(recurrent("RNN", read=("h",))[0], tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


@pytest.mark.parametrize("toolkit", ["2.3.2", "2.5.0"])
@pytest.mark.parametrize("op", ["GRU", "LSTM"])
def test_a_layout_that_goes_without_saying_is_not_said(op: str, toolkit: str) -> None:
    model, feeds = recurrent(op, layout=0)
    assert len(diagnostics(model, CODE, target=Target("rk3588", toolkit))) == 1
    after, _ = fixed(model, CODE)
    assert [a.name for n in after.graph.node for a in n.attribute if a.name == "layout"] == []
    for old, new in zip(run(model, feeds), run(after, feeds), strict=True):
        np.testing.assert_array_equal(new, old)


READERS = {
    "z = MatMul(o, m)": True,
    "z = ReduceMean<axes = [0]>(o)": True,
    "z = Identity(t)": True,
    "z = Relu(o)": False,
    "z = Transpose<perm = [1, 0, 2]>(o)": False,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("layout", ["", ", layout = 0"])
def test_a_layout_is_refused_where_a_transpose_of_y_stays(reader: str, layout: str) -> None:
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[3, 1, 4] x) => (float z)
    <float[2, 8, 4] w = {{{", ".join(["0.1"] * 64)}}}, float[2, 8, 2] r = {{{", ".join(["0.1"] * 32)}}},
     float[2, 16] b = {{{", ".join(["0"] * 32)}}}, int64[3] rows = {{3, 1, 4}}, float[4, 1] m = {{1, 2, 3, 4}}>
    {{
        y = LSTM<hidden_size = 2, direction = "bidirectional"{layout}>(x, w, r, b)
        t = Transpose<perm = [0, 2, 1, 3]>(y)
        o = Reshape(t, rows)
        {reader}
    }}"""
    found = diagnostics(text, CODE)
    assert len(found) == bool(layout)
    for each in found:
        assert each.severity is (Severity.ERROR if READERS[reader] else Severity.NOTE)
