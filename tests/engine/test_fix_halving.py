from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.engine import fix_batch
from rkgraph.engine.fix import FixSettings
from rkgraph.proof.structure import structure_problems
from tests.engine.fixing import fix_text, operators, rule_for

TEXT = """g (float[1, 8] x) => (float[1, 8] y, float[1, 8] z, float[1, 8] w) {
    a = Neg(x) y = Floor(a) b = Abs(x) z = Floor(b) c = Identity(x) w = Floor(c) }"""


def test_one_fix_that_spoils_the_structure_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problems(before, after, proto, declared):  # type: ignore[no-untyped-def]
        spoiled = any(name.startswith("rk802/") for name in declared.added)
        return ["spoiled"] if spoiled else structure_problems(before, after, proto, declared)

    monkeypatch.setattr(fix_batch, "structure_problems", problems)
    neg = rule_for("Neg", lambda t, i: t.op("Mul", i[0], t.constant(-1.0, "float32")), code="RK801")
    absolute = rule_for("Abs", lambda t, i: t.op("Abs", *i), code="RK802")
    same = rule_for("Identity", lambda _t, i: i[0], code="RK803")
    settings = FixSettings(rules=(neg, absolute, same))
    outcome = fix_text(TEXT, tmp_path, settings=settings, proof="model")
    assert sorted(fix.code for fix in outcome.fixes.applied) == ["RK801", "RK803"]
    assert [(fix.code, "spoiled" in fix.reason) for fix in outcome.fixes.refused] == [("RK802", True)]
    assert sorted(set(operators(outcome))) == ["Abs", "Floor", "Mul"]
    assert (outcome.is_refuted, outcome.is_wrong) == (True, False)
