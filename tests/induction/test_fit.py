"""What is learned is what was put in: laws of one, two and three facts, bounds, and honest leftovers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.induction.entries import entry_of
from rkgraph.induction.fit import fit
from rkgraph.tables.entry import worst
from tests.induction.samples import experiment, sample

DTYPES = ("float32", "float16", "int32", "int64", "bool")
SHAPES = ((24,), (6, 24), (1, 12, 24), (1, 8, 12, 24))
GRID = [
    {"dtype": dtype, "shape": shape, "constant": constant, "opset": opset}
    for dtype, shape, constant, opset in itertools.product(DTYPES, SHAPES, (True, False), (11, 13, 17))
]


def predicted(entry, seen):
    """What the limits of an entry say of a sample, edges of the evidence aside."""
    place = seen.place
    violated = [
        limit.outcome
        for limit in entry.limits
        if limit.outcome != "unknown"
        and limit.violated(place.node, place.graph, "rk3588", place.is_constant) is not None
    ]
    return worst((entry.outcome, *violated))


def learn(law, cases=GRID):
    samples = experiment(law, cases)
    fitted = fit(samples)
    return samples, fitted, entry_of("Add", samples, fitted)


def test_one_fact_is_one_limit_in_the_words_of_a_person():
    _, fitted, entry = learn(lambda dtype, **_: "cpu" if dtype in ("int64", "bool") else "npu")
    assert fitted.default == "npu"
    assert not fitted.unexplained
    assert [rule.check.describe() for rule in fitted.rules] == ["`A` must be float16, float32 or int32"]
    assert entry.limits[0].outcome == "cpu"


def test_two_facts_are_a_limit_with_a_condition():
    _, fitted, entry = learn(lambda dtype, constant, **_: "build-fails" if dtype == "int64" and not constant else "npu")
    assert not fitted.unexplained
    assert len(fitted.rules) == 1
    assert entry.limits[0].describe() in {
        "where `A` is int64, `B` must be a constant",
        "where `B` is computed, `A` must be other than int64",
    }


def test_three_facts():
    _, fitted, _ = learn(
        lambda dtype, constant, shape, **_: (
            "no-kernel" if dtype == "bool" and not constant and len(shape) == 4 else "npu"
        )
    )
    assert not fitted.unexplained
    assert [len(rule.when) for rule in fitted.rules] == [2]


def test_a_bound_lies_where_the_outcome_flips():
    cases = [{"shape": (1, 12, size), "dtype": d} for size in (24, 700, 8191, 8192, 9000) for d in ("float32", "int32")]
    _, fitted, entry = learn(lambda shape, **_: "cpu" if shape[-1] > 8191 else "npu", cases)
    assert not fitted.unexplained
    assert "at most 8191" in entry.limits[0].describe() or "at most 98292" in entry.limits[0].describe()


def test_the_opset_is_a_reason_like_any_other():
    _, fitted, _ = learn(lambda opset, **_: "build-fails" if opset < 13 else "npu")
    assert [rule.check.describe() for rule in fitted.rules] == ["the model's opset must be at least 13"]


def test_how_operands_meet_is_a_reason():
    cases = [{"shape": (a, b), "other": other} for a, b in ((6, 24), (5, 7)) for other in ((a, b), (b,), (1, b), (1,))]
    _, fitted, _ = learn(lambda shape, other, **_: "cpu" if other in ((1, shape[1]), shape[1:]) else "npu", cases)
    assert not fitted.unexplained


def test_what_contradicts_itself_is_left_unexplained_and_not_explained_away():
    samples = [sample(f"Add/{i}", "npu" if i % 2 else "cpu") for i in range(8)]
    fitted = fit(samples)
    assert not fitted.rules
    assert len(fitted.unexplained) == 4


def test_a_single_oddity_does_not_make_a_rule_of_three_facts():
    samples = experiment(lambda **_: "npu", GRID)
    odd = sample("Add/odd", "build-fails", **{**GRID[17], "values": (3,) * 24})
    fitted = fit([*samples, odd])
    assert not any(len(rule.when) == 2 for rule in fitted.rules)


def test_limits_cite_cases_of_their_own_outcome():
    samples, _, entry = learn(lambda dtype, **_: "cpu" if dtype == "bool" else "npu")
    outcomes = {f"probe:{s.id}": s.outcome for s in samples}
    assert {outcomes[name] for name in entry.evidence} == {"npu"}
    assert {outcomes[name] for name in entry.limits[0].evidence} == {"cpu"}


def test_beyond_the_evidence_nothing_is_claimed():
    _, _, entry = learn(lambda **_: "npu")
    edges = {limit.check.kind: limit for limit in entry.limits}
    assert set(edges) == {"dtype", "rank"}
    assert {limit.outcome for limit in edges.values()} == {"unknown"}
    unseen = sample("Add/new", "npu", dtype="int8")
    place = unseen.place
    assert any(x.violated(place.node, place.graph, "rk3588", place.is_constant) for x in entry.limits)


@pytest.mark.parametrize("default", ["no-kernel", "build-fails"])
def test_an_operator_that_never_works_needs_no_edges(default):
    _, _, entry = learn(lambda **_: default)
    assert (entry.outcome, entry.limits) == (default, ())


LAWS = st.fixed_dictionaries(
    {
        "bad": st.sampled_from(["cpu", "no-kernel", "build-fails"]),
        "dtypes": st.sets(st.sampled_from(DTYPES), min_size=1, max_size=3),
        "constant": st.sampled_from([True, False, None]),
        "opset": st.sampled_from([12, 15, None]),
    }
).map(lambda law: {**law, "opset": None} if law["bad"] == "cpu" else law)  # no device depends on the opset


@settings(max_examples=25, deadline=None)
@given(LAWS, LAWS)
def test_any_two_laws_together_are_learned_and_predicted_by_the_table_itself(first, second):
    """The learner's own sets and the limits that it writes agree case by case."""

    def follows(law, dtype, constant, opset, **_):
        return (
            dtype in law["dtypes"]
            and law["constant"] in (None, constant)
            and (law["opset"] is None or opset > law["opset"])
        )

    def law(**case):
        return worst(("npu", *(each["bad"] for each in (first, second) if follows(each, **case))))

    samples, fitted, entry = learn(law)
    wrong = [i for i, seen in enumerate(samples) if predicted(entry, seen) != seen.outcome]
    assert wrong == list(fitted.unexplained)
    assert not wrong


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["npu", "cpu", "no-kernel", "build-fails"]), min_size=30, max_size=30))
def test_noise_is_predicted_as_the_learner_says_it_is(outcomes):
    """Whatever was measured: the entry is wrong exactly where the learner says so."""
    samples = [
        sample(f"Add/{n}", outcome, **case) for n, (outcome, case) in enumerate(zip(outcomes, GRID[::4], strict=True))
    ]
    fitted = fit(samples)
    entry = entry_of("Add", samples, fitted)
    assert [i for i, s in enumerate(samples) if predicted(entry, s) != s.outcome] == list(fitted.unexplained)
