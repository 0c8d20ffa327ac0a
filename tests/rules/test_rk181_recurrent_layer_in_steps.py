from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from rkgraph.graph.view import Node
from rkgraph.rulebook.recurrent import read_recurrent
from tests.rules.harness import context_of, diagnostics
from tests.rules.recurrent_models import recurrent
from tests.rules.rewriting import fixed, operators, run

CODE = "RK181"
ACTIVATIONS = [
    "Relu",
    "Tanh",
    "Sigmoid",
    "HardSigmoid",
    "Softsign",
    "Softplus",
    "LeakyRelu",
    "Elu",
    "ScaledTanh",
    "Affine",
]
PLACES = {"RNN": 1, "GRU": 2, "LSTM": 3}


def assert_same(op: str, how: dict[str, Any]) -> None:
    model, feeds = recurrent(op, computed=True, **how)
    after, edits = fixed(model, CODE)
    assert len(edits) == 1
    assert not {"RNN", "GRU", "LSTM"} & set(operators(after))
    for old, new in zip(run(model, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), op=st.sampled_from(["RNN", "GRU", "LSTM"]))
def test_any_layer_is_the_same_in_steps(data: st.DataObject, op: str) -> None:
    optional = ["b", "h", *(["c", "p"] if op == "LSTM" else [])]
    direction = data.draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    how: dict[str, Any] = {
        "direction": direction,
        "given": tuple(data.draw(st.sets(st.sampled_from(optional)))),
        "read": tuple(sorted(data.draw(st.sets(st.sampled_from("yhc" if op == "LSTM" else "yh"), min_size=1)))),
        "lengths": data.draw(st.sampled_from([None, (3, 3), (2, 3), (0, 1)])),
        "seed": data.draw(st.integers(0, 9)),
    }
    if data.draw(st.booleans()):
        how["clip"] = 0.4
    if op == "GRU":
        how["linear_before_reset"] = data.draw(st.integers(0, 1))
    if op == "LSTM" and data.draw(st.booleans()):
        how["input_forget"] = 1
    if data.draw(st.booleans()):
        count = PLACES[op] * (2 if direction == "bidirectional" else 1)
        how["activations"] = data.draw(st.lists(st.sampled_from(ACTIVATIONS[:6]), min_size=count, max_size=count))
    assert_same(op, how)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    parameters = {"activation_alpha": [0.5], "activation_beta": [0.25]}
    plain = activation in ("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus")
    assert_same("RNN", {"activations": [activation], **({} if plain else parameters)})


def test_alphas_are_taken_in_order_by_those_that_have_one() -> None:
    how: dict[str, Any] = {
        "activations": ["HardSigmoid", "Tanh", "LeakyRelu"],
        "activation_alpha": [0.3, 0.7],
        "activation_beta": [0.4],
    }
    model, _ = recurrent("LSTM", **how)
    main = context_of(model).model.main
    node = next(main.nodes_of("LSTM"))
    assert isinstance(node, Node)
    layer = read_recurrent(main, node)
    assert not isinstance(layer, str)
    found = [(a.name, round(a.alpha, 6), round(a.beta, 6)) for a in layer.activations[0]]
    assert found == [("hardsigmoid", 0.3, 0.4), ("tanh", 0.0, 0.0), ("leakyrelu", 0.7, 0.0)]


def test_what_has_a_better_form_is_left_to_it() -> None:
    assert diagnostics(recurrent("RNN")[0], CODE) == ()
    assert diagnostics(recurrent("GRU", read=("h",))[0], CODE) == ()


def test_too_many_steps_are_refused() -> None:
    text = """g (float[2000, 1, 2] x, float[1, 4, 2] w, float[1, 4, 1] r) => (float[2000, 1, 1, 1] y)
    { y = LSTM<hidden_size = 1>(x, w, r) }"""
    (refusal,) = fixed(text, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "2000 steps" in refusal.reason
