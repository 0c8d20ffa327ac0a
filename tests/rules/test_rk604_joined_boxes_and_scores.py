"""RK604: heads that join boxes and scores, in the forms of several exporters, and joins that are no heads."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Safety, Severity
from rkgraph.rules import rk604_joined_boxes_and_scores as rk604
from rkgraph.targets import Target
from tests.engine.fixing import fix_text
from tests.rules.harness import context_of

HEAD = """agraph (float[1, 256, 32, 32] x) => (float[1, 1024, 6] y)
<float[4, 1, 1, 1] box = {{0.01, -0.01, 0.02, 0.03}}, float[2, 1, 1, 1] class = {{0.01, -0.02}},
 int64[4] sizes = {{4, 256, 1, 1}}, int64[4] more = {{2, 256, 1, 1}}, float[1, 1, 1] stride = {{8}},
 int64[3] boxes = {{1, 4, 1024}}, int64[3] classes = {{1, 2, 1024}}>
{{
    wb = Expand(box, sizes) wc = Expand(class, more) b = Conv(x, wb) c = Conv(x, wc)
    {body}
}}"""
TURNED = """fb = Reshape(b, boxes) fc = Reshape(c, classes) d = Exp(fb) p = Mul(d, stride) s = Sigmoid(fc)
    j = Concat<axis = 1>(p, s) y = Transpose<perm = [0, 2, 1]>(j)"""
PARTS = """fb = Reshape(b, boxes) fc = Reshape(c, classes) s = Sigmoid(fc) one, two = Split<axis = 1>(fb)
    low = Sub(stride, one) high = Add(stride, two) corners = Concat<axis = 1>(low, high) p = Mul(corners, stride)
    pt = Transpose<perm = [0, 2, 1]>(p) st = Transpose<perm = [0, 2, 1]>(s) y = Concat<axis = 2>(pt, st)"""
OF_SCORES = """fb = Reshape(b, boxes) fc = Reshape(c, classes) s = Sigmoid(fc) t = Sigmoid(fb)
    j = Concat<axis = 1>(t, s) y = Transpose<perm = [0, 2, 1]>(j)"""
OF_FEATURES = """fb = Reshape(b, boxes) fc = Reshape(c, classes) s = Sigmoid(fc)
    j = Concat<axis = 1>(fb, s) y = Transpose<perm = [0, 2, 1]>(j)"""


@pytest.mark.parametrize(("body", "decode"), [(TURNED, 2), (PARTS, 4)])
def test_heads_are_found_with_what_decodes(body: str, decode: int) -> None:
    (finding,) = rk604.check(context_of(HEAD.format(body=body)))
    assert finding.observed["decode"] >= decode
    assert "boxes" in finding.message
    assert finding.severity is None


@pytest.mark.parametrize("body", [OF_SCORES, OF_FEATURES], ids=["two scores", "nothing is decoded"])
def test_other_joins_are_none(body: str) -> None:
    assert not list(rk604.check(context_of(HEAD.format(body=body))))


def test_in_eight_bits_it_is_a_warning() -> None:
    lint = context_of(HEAD.format(body=TURNED), target=Target(precision="w8a8"))
    (finding,) = rk604.check(lint)
    assert finding.severity is Severity.WARNING
    assert "one scale" in finding.message


@pytest.mark.parametrize("body", [TURNED, PARTS])
def test_boxes_and_scores_leave_the_npu_apart(body: str, tmp_path: Path) -> None:
    outcome = fix_text(HEAD.format(body=body), tmp_path, "RK604", allow=frozenset({Safety.SPLIT}))
    npu, host = outcome.stages
    ops = [node.op_type for node in npu.model.proto(weights=False).graph.node]
    assert ops.count("Conv") == 2
    assert not {"Exp", "Mul", "Sub"} & set(ops)
    assert len(npu.outputs) == 2
    assert [tensor.name for tensor in host.outputs] == ["y"]
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "split"] == ["proved"]
