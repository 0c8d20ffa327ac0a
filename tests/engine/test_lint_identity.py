from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rkgraph.engine.identity import Identities, numbered
from tests.rules.harness import view_of

MODEL = """g (float[4] x) => (float[4] y) <float[1] k = {2}> {
    a = Neg(x)
    b = Mul(a, k)
    c = Softmax<axis = -1>(b)
    y = Relu(c)
}"""


def identity(model: str, output: str) -> str:
    graph = view_of(model).main
    node = graph.producer(output)
    assert node is not None
    return Identities(graph).of_node(node)


def test_names_do_not_count() -> None:
    renamed = MODEL.replace("a =", "first =").replace("(a,", "(first,").replace("k", "scale")
    assert identity(renamed, "b") == identity(MODEL, "b")


def test_constants_may_be_initializers_or_nodes() -> None:
    as_node = MODEL.replace("<float[1] k = {2}>", "").replace("a = Neg", "k = Constant<value = float[1] {2}>() a = Neg")
    assert identity(as_node, "b") == identity(MODEL, "b")


def test_shapes_do_not_count() -> None:
    assert identity(MODEL.replace("float[4]", "float[n]"), "b") == identity(MODEL, "b")


def test_operator_attributes_and_neighbours_count() -> None:
    others = [
        MODEL.replace("b = Mul", "b = Add"),
        MODEL.replace("axis = -1", "axis = 0"),
        MODEL.replace("a = Neg", "a = Abs"),
        MODEL.replace("y = Relu", "y = Abs"),
        MODEL.replace("Mul(a, k)", "Mul(k, a)"),
    ]
    assert len({identity(model, "b") for model in (MODEL, *others)}) == len(others) + 1


def test_what_is_far_away_does_not_count() -> None:
    chain = "g (float[4] v0) => (float[4] v9) { " + " ".join(f"v{i + 1} = Neg(v{i})" for i in range(9)) + " }"
    assert identity(chain.replace("v9 = Neg", "v9 = Abs"), "v5") == identity(chain, "v5")
    assert identity(chain.replace("v8 = Neg", "v8 = Abs"), "v5") != identity(chain, "v5")


def test_interface_values_go_by_name_others_by_what_makes_or_reads_them() -> None:
    before, after = (Identities(view_of(text).main) for text in (MODEL, MODEL.replace("k", "scale")))
    assert before.of_value("x") == after.of_value("x") != before.of_value("y")
    assert before.of_value("k") == after.of_value("scale") != before.of_value("b")


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_numbers_make_identities_unique_and_keep_the_first(identities: list[str]) -> None:
    result = numbered(identities)
    assert len(set(result)) == len(identities)
    assert [text.partition("#")[0] for text in result] == identities
    assert all(result[identities.index(name)] == name for name in set(identities))
