"""What lint prints for people, from results made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rkgraph.cli.lint_text import describe, suggest
from rkgraph.diagnostics import Confidence, Device, Diagnostic, FixOffer, Location, Safety, Severity, Verdict
from rkgraph.results import ModelInfo, PlacedNode, Result, TensorInfo
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target

RULES = RuleSet("rknn-2.3.2", "2.3.2")
MODEL = ModelInfo("my model.onnx", opset=17, nodes=3, inputs=(TensorInfo("ids", "int64", ("batch", 8, None)),))


def finding(number: int, message: str = "it is so", **more: object) -> Diagnostic:
    at = Location(node=f"node{number}", op="Tan")
    return replace(Diagnostic("RK101", Severity.ERROR, at, message, f"{number:016x}"), **more)


def result(*diagnostics: Diagnostic, **more: object) -> Result:
    placement = (PlacedNode(0, "a", "Tan", ("x",), Device.CPU), PlacedNode(1, "b", "Add", ("y",), Device.NPU))
    made = Result(MODEL, Target(), None, Verdict.BUILD_FAILS, Confidence.PROBED, None, placement, diagnostics)
    return replace(made, **more)


def lines(made: Result, *, verbose: bool = False) -> list[str]:
    return [text for text, _ in describe(made, verbose=verbose)]


def test_the_first_line_is_the_verdict_and_its_evidence() -> None:
    assert lines(result())[0] == "my model.onnx: build-fails on rk3588 · rknn-toolkit2 2.3.2 · fp16 (evidence: probed)"
    assert lines(result())[1] == "  opset 17 · 3 nodes · inputs ids int64[batch,8,?]"
    assert lines(result())[-1] == "placement: 1 on the CPU · 1 on the NPU"


def test_the_same_on_many_nodes_is_one_line_with_the_first_places() -> None:
    text = lines(result(*(finding(n) for n in range(5))))
    assert "5 errors" in text
    assert "  RK101 ×5  it is so" in text
    assert "      at node0 (Tan), node1 (Tan), node2 (Tan) and 2 more" in text


def test_verbose_shows_all_places_and_their_fingerprints() -> None:
    found = [finding(n) for n in range(5)]
    text = lines(result(*found), verbose=True)
    assert f"      at {', '.join(f'node{n} (Tan) [{d.fingerprint}]' for n, d in enumerate(found))}" in text


def test_many_messages_of_one_rule_are_cut_and_counted() -> None:
    found = [finding(n, f"message {n}") for n in range(5)]
    assert [line for line in lines(result(*found)) if "RK101" in line][
        -1
    ] == "  RK101  and 2 more (--verbose shows them)"
    assert not any("--verbose" in line for line in lines(result(*found), verbose=True))


def test_what_is_induced_is_counted_under_its_root() -> None:
    root, follower = finding(1), finding(2, "follows", cause=False, induced_by=f"{1:016x}")
    assert "  1 more follow from RK101 (--verbose shows them)" in lines(result(root, follower))
    assert not any("follows" in line for line in lines(result(root, follower)))
    assert any("follows" in line for line in lines(result(root, follower), verbose=True))


def test_what_cannot_be_read_says_so_and_no_more() -> None:
    text = lines(result(error="my model.onnx: empty\n  export it again"))
    assert text == ["my model.onnx: cannot be read", "  empty", "  export it again"]


def command(made: Result, options: Options | None = None) -> str:
    return "".join(text.strip() for text, style in suggest(made, RULES, options or Options()) if style == "command")


FIX = FixOffer("Do", Safety.SHAPE)


@pytest.mark.parametrize(
    ("options", "pins"),
    [
        (Options(), "--shape 'ids=<batch>x8x<?>'"),
        (Options(suggested_shapes={"ids": (1, 8, 4)}), "--shape ids=1x8x4"),
        (Options(shapes={"ids": (2, 8, 4)}, suggested_shapes={"ids": (1, 8, 4)}), "--shape ids=2x8x4"),
        (Options(dims={"batch": 1}, suggested_shapes={"ids": (1, 8, 4)}), "--shape ids=1x8x4 --dim batch=1"),
    ],
)
def test_what_can_be_fixed_gets_the_whole_command(options: Options, pins: str) -> None:
    expected = f"rkgraph fix 'my model.onnx' --rules rknn-2.3.2 --target rk3588 {pins} -o 'my model.rk.onnx'"
    assert command(result(finding(1, fix=FIX)), options) == expected


def test_a_precision_that_is_not_the_default_is_part_of_it() -> None:
    made = result(verdict=Verdict.DEPLOYABLE, target=Target("rk3576", "2.3.2", "w8a8"))
    expected = "rkgraph compile 'my model.onnx' --rules rknn-2.3.2 --target rk3576 --precision w8a8 "
    assert command(made) == expected + "--calibration samples.npz -o 'my model.rknn'"


@pytest.mark.parametrize(
    "made", [result(finding(1)), result(finding(1, fix=FixOffer("Do", Safety.MANUAL))), result(error="x")]
)
def test_what_nobody_can_mend_gets_no_command(made: Result) -> None:
    assert command(made) == ""
