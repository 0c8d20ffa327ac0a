"""Both sides of every kind of limit, and the words it uses."""

from __future__ import annotations

import pytest

from rkgraph.graph.view import Constant
from rkgraph.tables import limits
from rkgraph.tables.limits import KINDS, LimitKind
from tests.tables.views import graph, node

X = ("float32", (1, 8, 12, 24))


def check(limit: LimitKind, types, attributes=None, *, inputs=("x",), constants=(), folded=()):
    """What a limit says of one node with these inputs."""
    probed = node("Op", inputs, **(attributes or {}))
    view = graph((probed,), types, constants)
    return limit.check(probed, view, lambda name: name in folded or view.is_constant(name))


@pytest.mark.parametrize(
    ("limit", "good", "bad", "observed", "words"),
    [
        (
            limits.Dtype(0, "data", allowed=("float32", "int32")),
            {"x": ("int32", (2,))},
            {"x": ("int64", (2,))},
            "int64",
            "`data` must be float32 or int32",
        ),
        (
            limits.Dtype(0, "data", refused=("bool",)),
            {"x": ("int64", (2,))},
            {"x": ("bool", (2,))},
            "bool",
            "`data` must be other than bool",
        ),
        (
            limits.Dtype(0, "output", "output", allowed=("float32",)),
            {"x": ("int64", (2,)), "y": ("float32", (2,))},
            {"x": ("int64", (2,)), "y": ("bool", (2,))},
            "bool",
            "`output` must be float32",
        ),
        (
            limits.Rank(0, allowed=(2, 3, 4)),
            {"x": ("float32", (1, 2))},
            {"x": ("float32", (1,))},
            1,
            "the rank of input 0 must be 2, 3 or 4",
        ),
        (
            limits.DimensionRange(0, "x", axis=-1, high=8191),
            {"x": ("float32", (9000, 8191))},
            {"x": ("float32", (1, 8192))},
            8192,
            "dimension -1 of `x` must be at most 8191",
        ),
        (
            limits.DimensionRange(0, "x", axis=1, low=2, high=4),
            {"x": ("float32", (9, 2))},
            {"x": ("float32", (9, 1))},
            1,
            "dimension 1 of `x` must be 2 to 4",
        ),
        (
            limits.DimensionProduct(0, "x", axes=(2, 3), high=8192),
            {"x": ("float32", (1, 4, 64, 128))},
            {"x": ("float32", (1, 4, 64, 129))},
            8256,
            "the product of dimensions 2 and 3 of `x` must be at most 8192",
        ),
        (
            limits.Batch(0, "x"),
            {"x": ("float32", (1, 8))},
            {"x": ("float32", (2, 8))},
            2,
            "the batch of `x` must be 1",
        ),
        (
            limits.StaticShape(0, "x"),
            {"x": ("float32", (1, 8))},
            {"x": ("float32", ("batch", 8))},
            "dynamic",
            "the shape of `x` must be static",
        ),
    ],
)
def test_a_limit_on_a_tensor(limit, good, bad, observed, words):
    assert check(limit, good) is None
    assert check(limit, bad) == observed
    assert limit.describe() == words


def test_any_input_may_be_the_one_that_violates():
    limit = limits.Dtype("all", allowed=("float32",))
    assert check(limit, {"a": X, "b": X}, inputs=("a", "b")) is None
    assert check(limit, {"a": X, "b": ("int64", ())}, inputs=("a", "b")) == "int64"
    assert limit.describe() == "every input must be float32"


def test_constant_or_folded_inputs():
    limit = limits.ConstantInput(1, "indices")
    types = {"x": X, "i": ("int64", (2,))}
    assert check(limit, types, inputs=("x", "i"), constants=("i",)) is None
    assert check(limit, types, inputs=("x", "i"), folded=("i",)) is None
    assert check(limit, types, inputs=("x", "i")) == "computed"
    wanted = limits.ConstantInput(1, "scale", constant=False)
    assert check(wanted, types, inputs=("x", "i"), constants=("i",)) == "a constant"
    assert (limit.describe(), wanted.describe()) == ("`indices` must be a constant", "`scale` must be computed")


def test_elements_of_a_small_constant():
    limit = limits.ConstantRange(1, "steps", low=-1, high=1)
    probed = node("Slice", ("x", "s"))
    for elements, observed in (((1, 1), None), ((1, 2), 2), ((-2,), -2), ((), None)):
        steps = Constant("int64", (len(elements),), elements)
        view = graph((probed,), {"x": X, "s": ("int64", (len(elements),))}, ("s",), small={"s": steps})
        assert limit.check(probed, view, view.is_constant) == observed
    computed = graph((probed,), {"x": X, "s": ("int64", (1,))})
    assert limit.check(probed, computed, computed.is_constant) is None
    assert limit.describe() == "every element of `steps` must be -1 to 1"


def test_an_optional_input():
    limit = limits.Presence(1, "min")
    types = {"x": X, "m": ("float32", ())}
    assert check(limit, types, inputs=("x", "m")) is None
    assert check(limit, types, inputs=("x",)) == "left out"
    assert check(limit, types, inputs=("x", "")) == "left out"
    assert check(limits.Presence(1, "min", present=False), types, inputs=("x", "m")) == "given"


def test_attribute_values():
    limit = limits.AttributeIn("mode", allowed=("nearest", "linear"), default="nearest")
    assert check(limit, {"x": X}) is None
    assert check(limit, {"x": X}, {"mode": "linear"}) is None
    assert check(limit, {"x": X}, {"mode": "cubic"}) == "cubic"
    assert limit.describe() == "attribute `mode` must be nearest or linear"
    pair = limits.AttributeIn("strides", refused=("3,3",))
    assert check(pair, {"x": X}, {"strides": (2, 2)}) is None
    assert check(pair, {"x": X}, {"strides": (3, 3)}) == "3,3"


def test_attribute_ranges_hold_for_every_element():
    limit = limits.AttributeRange("strides", low=1, high=7, default=1)
    assert check(limit, {"x": X}) is None
    assert check(limit, {"x": X}, {"strides": (1, 7)}) is None
    assert check(limit, {"x": X}, {"strides": (1, 8)}) == 8
    assert check(limits.AttributeRange("alpha", low=0.5), {"x": X}, {"alpha": 0.25}) == 0.25
    assert limit.describe() == "attribute `strides` must be 1 to 7"


def test_an_attribute_that_must_be_written_out():
    limit = limits.AttributePresence("epsilon")
    assert check(limit, {"x": X}, {"epsilon": 1e-5}) is None
    assert check(limit, {"x": X}) == "left out"
    assert check(limits.AttributePresence("epsilon", present=False), {"x": X}, {"epsilon": 1e-5}) == "written out"


@pytest.mark.parametrize(
    "limit",
    [
        limits.Dtype(0, allowed=("float32",)),
        limits.Rank(0, allowed=(4,)),
        limits.DimensionRange(0, axis=0, high=1),
        limits.DimensionProduct(0, axes=(0, 1), high=1),
        limits.Batch(0),
    ],
)
def test_what_is_unknown_violates_nothing_and_fulfils_no_condition(limit):
    probed = node("Op", ("x",))
    view = graph((probed,), {"x": (None, None)})
    assert limit.check(probed, view, view.is_constant) is None
    assert not limit.holds(probed, view, view.is_constant)


def test_symbolic_dimensions_are_unknown():
    types = {"x": ("float32", ("batch", 8))}
    assert check(limits.Batch(0), types) is None
    assert check(limits.DimensionProduct(0, axes=(0, 1), high=1), types) is None
    assert check(limits.DimensionRange(0, axis=5, high=1), types) is None


class TestNeighbours:
    """Erf inside the GELU that the compiler fuses, and outside."""

    LIMIT = limits.Neighbour("after", ("Add", "Mul|Div", "@output"))

    def see(self, limit, *ops, outputs=("v2",)):
        chain = tuple(node(op, (f"v{i - 1}" if i else "x",), (f"v{i}",), i) for i, op in enumerate(ops))
        view = graph(chain, {"x": X} | {f"v{i}": X for i in range(len(ops))}, outputs=outputs)
        return limit.check(chain[0], view, view.is_constant)

    def test_there(self):
        assert self.see(self.LIMIT, "Erf", "Add", "Mul") is None
        assert self.see(self.LIMIT, "Erf", "Add", "Div") is None

    def test_not_there(self):
        assert self.see(self.LIMIT, "Erf", "Add", "Sub") == "it does not"
        assert self.see(self.LIMIT, "Erf", "Mul", "Add") == "it does not"
        assert self.see(self.LIMIT, "Erf", "Add", "Mul", outputs=("v0",)) == "it does not"

    def test_absence_can_be_demanded(self):
        limit = limits.Neighbour("before", ("@input",), present=False)
        assert self.see(limit, "Erf") == "it does"

    def test_a_chain_before(self):
        first, second = node("Cast", ("x",), ("a",), 0), node("Expand", ("a", "s"), ("y",), 1)
        view = graph((first, second), {"x": X, "a": X, "s": X, "y": X}, constants=("s",))
        for chain, observed in (
            (("Cast",), None),
            (("Cast", "@input"), None),
            (("Relu",), "it does not"),
            (("@constant",), None),
        ):
            assert limits.Neighbour("before", chain).check(second, view, view.is_constant) == observed
        assert limits.Neighbour("before", ("@input",)).check(second, view, view.is_constant) == "it does not"

    def test_words(self):
        assert self.LIMIT.describe() == "it must directly precede Add, then Mul or Div, then an output of the graph"
        assert self.LIMIT.condition == "it directly precedes Add, then Mul or Div, then an output of the graph"
        edge = limits.Neighbour("before", ("@input|@constant",), present=False)
        assert edge.describe() == "it must not directly follow an input of the graph or a constant"
        assert edge.condition == "it does not directly follow an input of the graph or a constant"
        assert limits.Dtype(0, "x", allowed=("bool",)).condition == "`x` is bool"


def test_every_kind_has_its_own_name_and_says_what_it_wants():
    assert len(KINDS) == len(set(KINDS.values()))
    for name, kind in KINDS.items():
        assert kind.kind == name
        assert kind.requirement is not LimitKind.requirement
        assert kind.observe is not LimitKind.observe
