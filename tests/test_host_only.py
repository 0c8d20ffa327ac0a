"""The closed list of operators for which a host stage counts: its schema, and that entries are of their kinds."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx.defs
import pytest

from rkgraph.analysis.origins import DATA_SHAPED
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.rules.harness import parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
DATA = tomllib.loads((ROOT / "benchmarks" / "host_only.toml").read_text(encoding="utf-8"))
KINDS = {"strings", "sequences", "optionals", "data-shape"}


def types_of(op: str) -> set[str]:
    """All types that the newest schema of an operator names for its inputs and outputs."""
    schema = onnx.defs.get_schema(op)
    constraints = {c.type_param_str: set(c.allowed_type_strs) for c in schema.type_constraints}
    named = [each.type_str for each in (*schema.inputs, *schema.outputs)]
    return set().union(*(constraints.get(name, {name}) for name in named))


def test_the_schema() -> None:
    assert DATA.keys() == {"kinds", "operators"}
    assert DATA["kinds"].keys() == KINDS
    for op, entry in DATA["operators"].items():
        assert entry.keys() == {"kind", "reason"}, op
        assert entry["kind"] in KINDS, op
        assert len(entry["reason"]) > 10, op


@pytest.mark.parametrize(("op", "kind"), [(op, entry["kind"]) for op, entry in DATA["operators"].items()])
def test_an_operator_is_of_its_kind(op: str, kind: str) -> None:
    types = types_of(op)
    if kind == "strings":
        assert types - {"tensor(int64)", "tensor(bool)"} == {"tensor(string)"}
    elif kind == "sequences":
        assert any(name.startswith("seq(") for name in types)
    elif kind == "optionals":
        assert any(name.startswith("optional(") for name in types)
    else:
        assert op in DATA_SHAPED


def test_what_is_shaped_by_data_is_listed() -> None:
    assert {op for op, entry in DATA["operators"].items() if entry["kind"] == "data-shape"} == set(DATA_SHAPED)


W = "float[4, 4] w = {1, 0.5, -2, 1, 0.25, 1, 3, -1, 2, -0.5, 1, 0, 1, 0.75, -1, 1}"


@pytest.mark.parametrize(
    ("tail", "output", "expected"),
    [
        ("s = NonZero(h) y = Transpose(s)", "int64[n, 2] y", ()),
        ("y = SplitToSequence<axis = 0>(h)", "seq(float[1, 4]) y", ()),
        ("y = Asinh(h)", "float[4, 4] y", ("Asinh",)),
    ],
)
def test_what_is_not_listed_is_told(tail: str, output: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT))
    from benchmarks.host_only import unlisted

    path = tmp_path / "model.onnx"
    text = f"agraph (float[4, 4] x) => ({output}) <{W}> {{ h = MatMul(x, w) {tail} }}"
    path.write_bytes(parse(text).SerializeToString())
    rules = [rule for rule in load_rules() if rule.code != "RK125"]
    outcome = fix_model(
        Model.load(path),
        Target(),
        load_ruleset("rknn-2.3.2"),
        Options(),
        frozenset({Safety.SPLIT}),
        settings=FixSettings(rules=rules),
    )
    assert outcome.stages
    assert unlisted(outcome) == expected
