"""RK601: what can run on the host only is found where something else can stay, and not before shapes are known."""

from __future__ import annotations

import pytest

from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal
from rkgraph.rules import rk601_host_only_nodes as rk601
from tests.rules.harness import context_of

WEIGHT = "<float[4, 4] w = {1, 0.5, -2, 1, 0.25, 1, 3, -1, 2, -0.5, 1, 0, 1, 0.75, -1, 1}>"


def cut(text: str) -> Cut | None:
    """What the rule would cut off; None where it finds nothing."""
    lint = context_of(text)
    found = list(rk601.check(lint))
    if not found:
        return None
    (finding,) = found
    edit = rk601.fix(lint, finding)
    assert isinstance(edit, Cut)
    assert edit.needed
    return edit


def test_data_shaped_operators_and_all_behind_them() -> None:
    text = f"""agraph (float[4, 4] x) => (float[n] y) {WEIGHT} {{
        product = MatMul(x, w) places = NonZero(product) turned = Transpose(places)
        picked = GatherND(product, turned) y = Relu(picked) }}"""
    found = cut(text)
    assert found is not None
    assert found.host == {"places", "turned", "picked", "y"}


def test_operators_without_a_kernel() -> None:
    text = f"agraph (float[4, 4] x) => (float[4, 4] y) {WEIGHT} {{ h = MatMul(x, w) y = Det(h) }}"
    found = cut(text.replace("float[4, 4] y", "float y"))
    assert found is not None
    assert found.host == {"y"}


def test_sequences() -> None:
    text = f"""agraph (float[4, 4] x) => (float[4, 4] y) {WEIGHT} <int64 one = {{1}}> {{
        h = MatMul(x, w) many = SplitToSequence<axis = 0>(h) y = ConcatFromSequence<axis = 0>(many) }}""".replace(
        "> <int64", ", int64"
    )
    found = cut(text)
    assert found is not None
    assert found.host == {"many", "y"}


def test_a_model_that_stays_whole() -> None:
    assert cut(f"agraph (float[4, 4] x) => (float[4, 4] y) {WEIGHT} {{ h = MatMul(x, w) y = Relu(h) }}") is None


@pytest.mark.parametrize("body", ["y = NonZero(x)", "h = Identity(x) y = NonZero(h)"])
def test_a_model_for_the_host_is_told_and_not_cut(body: str) -> None:
    lint = context_of(f"agraph (float[4, 4] x) => (int64[2, n] y) {{ {body} }}")
    (finding,) = rk601.check(lint)
    assert finding.message.startswith("host-only")
    assert not finding.fixable
    edit = rk601.fix(lint, finding)
    assert isinstance(edit, Refusal)
    assert edit.reason.startswith("host-only")


def test_of_an_operator_that_others_may_be_written_for_nothing_is_said() -> None:
    assert cut("agraph (float[4, 4] x) => (float[4, 4] y) { y = Asinh(x) }") is None


def test_dynamic_inputs_are_pinned_first() -> None:
    text = f"agraph (float[n, 4] x) => (int64[2, m] y) {WEIGHT} {{ h = MatMul(x, w) y = NonZero(h) }}"
    assert cut(text) is None
    assert cut(text.replace("float[n, 4]", "float[4, 4]")) is not None


def test_what_is_dead_is_not_cut_off() -> None:
    text = f"agraph (float[4, 4] x) => (float[4, 4] y) {WEIGHT} {{ h = MatMul(x, w) gone = NonZero(h) y = Relu(h) }}"
    assert cut(text) is None
