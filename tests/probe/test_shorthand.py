"""The shorthand of evidence files loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rkgraph.probe.case import case, computed, weight
from rkgraph.probe.plan import all_cases
from rkgraph.probe.shorthand import restored, shortened

PARTS = ("17 (", "(…", "{ …", "{ [kin] k1 = Conv(k0, w_k)", "(float[1,4,6,10] k0, float[4,4,1,1] w_k", "…", "x",
         '<ir_version: 8, opset_import: ["" : 17]> rk ', '<ir_version: 9, opset_import: ["" : 17]> rk ')  # fmt: skip


def test_every_case_comes_back() -> None:
    texts = [each.text for each in all_cases().values()]
    short = [shortened(text) for text in texts]
    assert [restored(each) for each in short] == texts
    assert sum(map(len, short)) < 0.8 * sum(map(len, texts))


def test_what_it_looks_like() -> None:
    made = case("Erf", "x", [computed(1, 12)], opset=19)
    assert shortened(made.text) == "19 (…, float[1,12] x2) => (probe_y, k1) { … [probe] probe_y = Erf(x2) }"
    assert shortened(case("MatMul", "x", [computed(2, 3), weight(3, 4)]).text).startswith("17 (…, float[2,3] x2,")


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | st.text(max_size=30))
def test_any_text_comes_back(text: str) -> None:
    short = shortened(text)
    assert short == text or restored(short) == text
