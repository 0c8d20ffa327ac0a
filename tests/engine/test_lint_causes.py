from __future__ import annotations

from collections.abc import Mapping

from rkgraph.engine.causes import causes
from rkgraph.rulebook.rule import EXPLAINED, Finding
from tests.rules.harness import view_of

MODEL = """g (float[4] x, float[4] z) => (float[4] y, float[4] w) {
    a = Neg(x)
    b = Abs(a)
    y = Relu(b)
    w = Relu(z)
}"""
VIEW = view_of(MODEL)


def at(output: str, *roots: str, explains: frozenset[tuple[str, int]] | None = None) -> Finding:
    return Finding("x", node=VIEW.main.producer(output), roots=roots, explains=explains)


def found(*findings: tuple[str, Finding]) -> Mapping[int, int]:
    return causes(VIEW, findings)


def test_what_lies_downstream_of_a_named_root_is_induced() -> None:
    findings = [("ROOT", at("a")), ("SIGN", at("y", "ROOT")), ("SIGN", at("w", "ROOT"))]
    assert found(*findings) == {1: 0}


def test_a_root_at_the_same_node_counts() -> None:
    assert found(("SIGN", at("a", "ROOT")), ("ROOT", at("a"))) == {0: 1}


def test_what_lies_upstream_is_no_consequence() -> None:
    assert found(("SIGN", at("a", "ROOT")), ("ROOT", at("b"))) == {}


def test_other_codes_are_no_roots() -> None:
    assert found(("OTHER", at("a")), ("SIGN", at("y", "ROOT"))) == {}


def test_an_input_explains_all_that_reads_it() -> None:
    root = Finding("dynamic", value="x")
    assert found(("ROOT", root), ("SIGN", at("y", "ROOT")), ("SIGN", at("w", "ROOT"))) == {1: 0}


def test_a_root_may_say_itself_what_it_explains() -> None:
    root = at("b", explains=frozenset({("main", 0)}))
    assert found(("SIGN", at("a", "ROOT")), ("ROOT", root), ("SIGN", at("y", "ROOT"))) == {0: 1}


def test_whoever_explains_a_place_may_be_the_root_of_a_finding_that_leaves_it_open() -> None:
    root = at("b", explains=frozenset({("main", 0)}))
    assert found(("SIGN", at("a", EXPLAINED)), ("ANY", root), ("SIGN", at("y", EXPLAINED))) == {0: 1}
    assert found(("SIGN", at("y", EXPLAINED)), ("ANY", at("b"))) == {}


def test_chains_lead_to_the_first_cause() -> None:
    assert found(("A", at("a")), ("B", at("b", "A")), ("C", at("y", "B"))) == {1: 0, 2: 0}


def test_one_code_follows_itself_downstream_but_never_at_one_place() -> None:
    assert found(("A", at("a", "A")), ("A", at("a", "A")), ("A", at("y", "A"))) == {2: 0}


def test_nothing_is_its_own_cause() -> None:
    induced = found(("A", at("a", "B")), ("B", at("a", "A")))
    assert induced == {0: 1}


def test_nodes_in_subgraphs_follow_their_node() -> None:
    view = view_of(
        """g (bool c, float[4] x) => (float[4] y) {
            a = Neg(x)
            y = If(c) <then_branch = t () => (float[4] p) { p = Relu(a) },
                else_branch = e () => (float[4] q) { q = Abs(a) }>
        }"""
    )
    inner = next(graph for graph in view.graphs() if graph.path.endswith("then_branch"))
    owner = Finding("x", node=view.main.producer("y"))
    inside = Finding("x", graph=inner.path, node=inner.nodes[0], roots=("ROOT",))
    assert causes(view, [("ROOT", owner), ("SIGN", inside)]) == {1: 0}
