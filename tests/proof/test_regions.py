from __future__ import annotations

from rkgraph.graph.rewrite import EXACT, Rewrite, Tape
from rkgraph.graph.view import GraphView
from rkgraph.proof.regions import footprint, gone_together, region_of
from tests.rules.harness import view_of

TEXT = """g (float[4] x) => (float[4] y, float[4] z) { a = Relu(x) b = Neg(a) c = Abs(b) y = Exp(c) z = Sin(a) }"""


def graph(text: str = TEXT) -> GraphView:
    return view_of(text).main


def rewrite(old: str, *reads: str) -> Rewrite:
    tape = Tape("made")
    return Rewrite({old: tape.op("Sum", *reads)}, tape, EXACT)


def none_fixed(_name: str) -> bool:
    return False


def test_what_nobody_else_reads_is_gone() -> None:
    mark = footprint(graph(), rewrite("c", "x"))
    assert mark.reads == {"x"}
    assert mark.gone == {"b", "c"}
    assert len(mark.dead) == 2


def test_the_region_lies_between_what_both_sides_read_and_what_is_replaced() -> None:
    region = region_of(graph(), rewrite("c", "a"), none_fixed)
    assert (region.inputs, region.outputs) == (("a",), ("c",))


def test_values_that_depend_on_each_other_are_not_both_free() -> None:
    """The old side reads a = Relu(x), the new one reads x: feeding both at random would compare the impossible."""
    assert region_of(graph(), rewrite("c", "x"), none_fixed).inputs == ("x",)


def test_fixed_values_are_computed_rather_than_fed() -> None:
    text = """g (float[2, 3] x, float[6] v) => (float[2, 3] y, float[2, 3] z) <int64[2] one = {1, 1}>
    { s = Shape(x) t = Mul(s, one) y = Reshape(v, t) z = Expand(v0, s) v0 = Relu(x) }""".replace(
        "z = Expand(v0, s) v0 = Relu(x)", "v0 = Relu(x) z = Expand(v0, s)"
    )
    tape = Tape("made")
    folded = Rewrite({"t": tape.constant([2, 3], "int64")}, tape, EXACT)
    assert region_of(graph(text), folded, lambda name: name in ("s", "t")).inputs == ("x",)


def test_wider_regions_begin_further_up() -> None:
    change = rewrite("y", "c")
    assert region_of(graph(), change, none_fixed).inputs == ("c",)
    assert region_of(graph(), change, none_fixed, wider_by=9).inputs == ("x",)


def test_random_nodes_are_never_taken_in() -> None:
    text = "g (float[4] x) => (float[4] y) { r = RandomNormalLike(x) b = Neg(r) y = Abs(b) }"
    assert region_of(graph(text), rewrite("y", "b"), none_fixed, wider_by=9).inputs == ("r",)


def test_what_two_rewrites_make_needless_together_is_gone_with_what_a_third_one_reads() -> None:
    """`a` is rewritten from `s`; both readers of `a` become constants, so that nobody needs `s` any more."""
    main = graph(
        """g (float[2] x) => (float[2] p, float[2] q) <float[2] c = {1, 2}> {
            s = Neg(c) a = Abs(s) b = Relu(a) d = Tanh(a) p = Add(x, b) q = Mul(x, d) }"""
    )
    tape = Tape("new")
    new_a = tape.op("Sqrt", "s")
    replaces = {"a": new_a, "b": tape.constant([1, 2], "float32"), "d": tape.constant([3, 4], "float32")}
    assert gone_together(main, Rewrite(replaces, tape, EXACT)) == {"s", "a", "b", "d"}
    only = {"a": new_a, "b": replaces["b"]}
    assert gone_together(main, Rewrite(only, tape, EXACT)) == {"a", "b"}
