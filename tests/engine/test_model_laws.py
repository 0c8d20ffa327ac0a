"""What the toolkit does with models as a whole, measured with all four versions, is what lint says of them.

Each line of `op_tables/evidence/model-laws.jsonl` is a model, and the versions with which it did not build. Operators
are given here as the builds had them (lowered, or lost), so that nothing but the laws of whole models decides.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import onnx
import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.engine.model_laws import MODEL_RULES, broken_laws
from rkgraph.resources import data_folder
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target, constant_inputs, toolkits
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, Limits
from tests.rulebook.builders import op, table
from tests.rules.harness import view_of
from tests.toolkits import toolkit_of

# A failing line of each law and a building one beside it.
SAMPLE = (
    "model-laws/const-used-value-float",
    "model-laws/out-omitted-gru",
    "model-laws/func-typed",
    "model-laws/func-unused",
    "model-laws/scan-init-outer",
    "model-laws/scan-tan-body",
    "model-laws/dead-relu-own-input",
    "model-laws/dead-relu-shared-input",
    "model-laws/fold-add-uint8-const-used",
    "model-laws/const-fold-int32-add",
    "model-laws/scalar-float-mul",
    "model-laws/scalar-int-add",
    "model-laws/shapes-only",
    "model-laws/sizes-from-outside",
    "model-laws/opt-in",
    "model-laws/seq-input",
    "model-laws/seq-input-unused",
)


@lru_cache(maxsize=1)
def lines() -> tuple[dict[str, Any], ...]:
    path = data_folder("op_tables") / "evidence" / "model-laws.jsonl"
    return tuple(json.loads(line) for line in path.read_text().splitlines())


def says(line: dict[str, Any], version: str) -> str:
    """ "builds" or "fails", by the rules about whole models alone."""
    model = onnx.parser.parse_model(line["model"])
    entries = [
        op(name, "no-kernel" if name in line["lost"] else "npu") for name in {n.op_type for n in model.graph.node}
    ]
    ruleset = RuleSet("laws", version, (*MODEL_RULES, "RK105"))  # and the inputs that the toolkit checks itself
    result = lint_view(view_of(model), Target("rk3588", version, "fp16"), ruleset, table=table(*entries))
    return "fails" if result.verdict is Verdict.BUILD_FAILS else "builds"


@pytest.mark.parametrize("version", toolkits())
def test_lint_says_what_was_measured(version: str) -> None:
    assert len(lines()) > 300
    told = {line["id"]: says(line, version) for line in lines()}
    measured = {line["id"]: "fails" if version in line["fails"] else "builds" for line in lines()}
    assert {name: told[name] for name in told if told[name] != measured[name]} == {}


def test_every_law_explains_a_line_by_itself() -> None:
    alone: set[str] = set()
    for line in lines():
        for version in line["fails"][-1:]:
            model = onnx.parser.parse_model(line["model"])
            entries = (op(node.op_type, "npu") for node in model.graph.node)
            broken = broken_laws(view_of(model), Target("rk3588", version, "fp16"), table(*entries))
            alone.update(broken if len(broken) == 1 else ())
    assert alone == set(MODEL_RULES)


def test_every_input_that_is_checked_was_measured() -> None:
    said = {
        (m[2], int(m[1])) for line in lines() if (m := re.search(r"The input (\d) of (\w+)", line.get("error", "")))
    }
    assert said == {(name, p) for name, positions in constant_inputs().items() for p in positions} - {("Upsample", 1)}


def test_both_sides_were_measured() -> None:
    """A rule that always or never speaks would not pass."""
    failing = sum(bool(line["fails"]) for line in lines())
    assert 100 < failing < len(lines()) - 100


@pytest.mark.toolkit
@pytest.mark.parametrize("version", ["2.3.2", "2.5.0"])
def test_the_toolkit_still_does_so(version: str, tmp_path: Path) -> None:
    by_id = {line["id"]: line for line in lines()}
    with Worker(toolkit_of(version), Limits(seconds=60)) as worker:
        for name in SAMPLE:
            path = tmp_path / "model.onnx"
            onnx.save(onnx.parser.parse_model(by_id[name]["model"]), path)
            result = worker.run(Job(path))
            assert result.ok == (version not in by_id[name]["fails"]), (name, result.error)
