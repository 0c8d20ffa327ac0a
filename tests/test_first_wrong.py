"""What `benchmarks/first_wrong.py` calls the first wrong value, and two of its models with the toolkit."""

from __future__ import annotations

import pytest

from benchmarks.first_wrong import Verdicts, chain, first_wrong, judge, sample, table
from rkgraph.analysis.fp16_trouble import Trouble
from rkgraph.rulebook.one_layer import values_within_layers
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import troubles_of, view_of

NORM = """g (float[1, 8, 16] x) => (float[1, 8, 16] y) <float two = {2}, float eps = {0.00001}> {
    m = ReduceMean<axes = [-1]>(x) c = Sub(x, m) s = Pow(c, two) v = ReduceMean<axes = [-1]>(s) a = Add(v, eps)
    r = Sqrt(a) n = Div(c, r) y = Relu(n)
}"""


def test_what_is_right_behind_a_layer_does_not_count() -> None:
    main = view_of(NORM).main
    assert values_within_layers(main) == {"m", "c", "s", "v", "a", "r"}
    wrong = dict.fromkeys("svar", 1.0)
    right = dict.fromkeys("mcny", 0.0)
    assert first_wrong(main, right | wrong) is None
    assert first_wrong(main, right | wrong | {"n": float("nan"), "y": 1.0}) == "s"
    assert troubles_of(NORM, 3000.0) == ()


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("a = Add(x, far) y = Sub(a, far)", {"a"}),
        ("a = Add(x, far) b = Relu(a) y = Sub(b, far)", set()),
        ("a = MatMul(x, w) y = Mul(a, far)", {"a"}),
        ("a = MatMul(x, w) b = Add(a, far) y = Mul(b, far)", {"a", "b"}),
        ("a = MatMul(x, w) b = Add(a, x) y = Mul(b, far)", set()),
        ("a = MatMul(x, w) y = Mul(a, x)", set()),
        ("a = MatMul(x, w) b = Neg(a) y = Mul(a, far)", set()),
        ("a = MatMul(x, w) y = Sigmoid(a)", {"a"}),
        ("a = MatMul(x, w) y = Exp(a)", set()),
        ("a = Mul(x, x) y = Mul(a, far)", set()),
        ("n = ReduceL2<axes = [-1]>(x) y = Div(x, n)", {"n"}),
        ("n = ReduceL2<axes = [-1]>(x) a = Add(n, far) y = Div(x, a)", {"n", "a"}),
        ("n = ReduceL2<axes = [-1]>(x) a = Max(n, far) y = Div(x, a)", set()),
    ],
    ids=range(13),
)
def test_what_lies_within_layers(text: str, within: set[str]) -> None:
    weights = ", ".join(["1"] * 64)
    model = f"""g (float[1, 8, 8] x) => (float[1, 8, 8] y) <float far = {{3000}}, float[8, 8] w = {{{weights}}}> {{
        {text}
    }}"""
    assert values_within_layers(view_of(model).main) == within


def test_a_value_may_have_any_name() -> None:
    text = """g (float[1, 8] x) => (float[1, 8] y) <float tiny = {0.0003}, float one = {1}> {
        a = Mul(x, tiny) y = Add(a, one)
    }"""
    assert troubles_of(text, 1.0) == ()


def test_the_same_seed_gives_the_same_model() -> None:
    assert chain(3).SerializeToString() == chain(3).SerializeToString()
    assert (sample(3)["x"] == sample(3)["x"]).all()


def test_the_page_counts_what_is_sure() -> None:
    told = Trouble("a", "overflow", 1e6, float("inf"), float("inf"))
    page = table([Verdicts(0, "Mul", told, "a", False, False), Verdicts(1, "Mul", told, None, True, False)])
    assert "Of 2 models 1 build" in page
    assert "both agree on 1." in page
    assert "| 1 | Mul | a (overflow) | none | unsure |" in page


@pytest.mark.toolkit
@pytest.mark.parametrize("seed", [4, 21])
def test_the_simulator_agrees(seed: int) -> None:
    with Worker(find_toolkit("2.3.2", None)) as worker:
        verdict = judge(worker, seed)
    assert verdict.told is not None
    assert verdict.agree, verdict
