"""A policy that is wrong is refused with its line and the name that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Device
from rkgraph.errors import UsageError
from rkgraph.gate.check import check
from rkgraph.gate.measures import MEASURES
from rkgraph.gate.policy import parse_policy
from rkgraph.gate.start import starting_policy
from tests.gate.samples import ESTIMATE, compiled, placed, result, told


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[budget]\n\ncpu-node = 1", "gate.toml:3: unknown key 'cpu-node'", "did you mean cpu-nodes?"),
        ("[budgets]\ncpu-nodes = 1", "gate.toml:1: unknown key 'budgets'", "did you mean budget?"),
        ("cpu-nodes = 1", "gate.toml:1: 'cpu-nodes' is a budget", "below"),
        ("[budget]\ncycles = -1", "gate.toml:2: -1 is no budget for cycles", "number from 0"),
        ("[budget]\ncycles = inf", "inf is no budget", ""),
        ("[budget]\ncycles = true", "True is no budget", ""),
        ("[budget]\ntraffic = '80 XB'", "'80 XB' is no budget", "80 MB"),
        ("[budget]\nverdict = 'good'", "'good' is no verdict", "deployable"),
        ("[budget]\ncosine = 2", "2 is more than cosine can be", ""),
        ("[budget]\ncycles = { least = 2 }", "gate.toml:2: needs `most`", "cycles"),
        ("[budget]\ncosine = { most = 1 }", "needs `least`", ""),
        ("[budget]\ncycles = { most = 2, optinal = true }", "unknown key 'optinal'", "did you mean optional?"),
        ("[budget]\ncycles = { most = 2, optional = 1 }", "must be true or false", ""),
        ("[budget]\nmacs = { most = 2, measured = true }", "compilers do not tell macs", ""),
        ("[budget]\nfindings = { eror = 2 }", "'eror' is no severity and no code", "did you mean error?"),
        ("[budget]\nfindings = { RK104 = 0.5 }", "0.5 is no number of findings", ""),
        ("[ratchet]\ntolerance = -1", "gate.toml:2: -1 is no tolerance", ""),
        ("[ratchet]\nnumbers = ['cycle']", "there is no number 'cycle'", "did you mean cycles?"),
        ("[[model]]\nbudget = { size = 1 }", "gate.toml:1: a [[model]] needs its match", ""),
        ("[[model]]\nmatch = 'a'\nglob = 'b'", "gate.toml:3: unknown key 'glob'", ""),
        ("[model]\nmatch = 'a'", "must be a list of tables", "[[model]]"),
        ("", "bounds nothing", "--init"),
        ("[budget\n", "is not TOML", ""),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_policy(text, "gate.toml")
    assert message in error.value.message
    assert hint in error.value.hint


@settings(max_examples=200)
@given(st.text(max_size=60) | st.sampled_from(sorted(MEASURES)).flatmap(
    lambda name: st.builds(
        "[{}]\n{} = {}".format,
        st.sampled_from(["budget", "ratchet", "model", "budget.findings"]),
        st.just(name),
        st.sampled_from(["1", "'x'", "[]", "{}", "{ most = 1 }", "1e400", "true", "1979-05-27"]),
    )
))  # fmt: skip
def test_anything_is_a_policy_or_a_usage_error(text: str) -> None:
    try:
        parse_policy(text, "gate.toml")
    except UsageError as error:
        told = error.message
        assert told.startswith("gate.toml")


def test_a_starting_policy_is_passed_just_so() -> None:
    now = told(result("models/[a] *.onnx"), compiled("b.onnx"))
    policy = parse_policy(starting_policy(now), "gate.toml")
    assert check(now, policy).passed
    assert len(policy.sections) == 2
    assert [section.covers(subject) for section in policy.sections for subject in now] == [True, False, False, True]
    assert policy.budgets.keys() == {"verdict", "no-kernel", "unknown-share"}
    (cycles,) = (section.budgets["cycles"].limit for section in policy.sections[1:])
    assert cycles == 300


def test_a_starting_policy_has_few_digits_and_is_passed_none_the_less() -> None:
    estimate = {**ESTIMATE, "rw_kb": 1.2345678, "cycles": 500.25, "unknown": 1}
    devices = (Device.UNKNOWN, Device.NPU, Device.NPU)
    now = told(result(placement=placed(*devices), cost={"estimate": estimate}), compiled("b.onnx", 0.99987654321))
    text = starting_policy(now)
    assert check(now, parse_policy(text, "gate.toml")).passed
    assert "unknown-share = 0.3334 " in text
    assert "cosine = 0.999876 " in text
    numbers = [line.partition("=")[2].split("#")[0].strip() for line in text.splitlines() if "#" in line[1:]]
    assert all(len(number.partition(".")[2]) <= 6 for number in numbers)
