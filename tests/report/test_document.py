"""The document: inverse functions, an exact schema, clear errors for everything else."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import (
    Confidence,
    Device,
    Diagnostic,
    FixOffer,
    Location,
    Safety,
    Severity,
    Suppressed,
    Verdict,
)
from rkgraph.errors import UsageError
from rkgraph.report import document
from rkgraph.report.codec import NON_FINITE
from rkgraph.report.document import report_from_json, report_schema, report_to_json
from rkgraph.results import (
    AppliedFix,
    Cause,
    Fixes,
    ModelInfo,
    Opportunity,
    PlacedNode,
    Proof,
    RefusedFix,
    Report,
    Result,
    Stage,
    TableInfo,
    TensorInfo,
)
from rkgraph.targets import Target
from tests.report.validate import check_report

TEXT = st.text(max_size=12)
CODE = st.sampled_from(["RK101", "RK203", "RK999"])
HEX16 = st.from_regex(r"[0-9a-f]{16}(#[0-9]{1,2})?", fullmatch=True)
SHA = st.text("0123456789abcdef", min_size=64, max_size=64)
NATURAL = st.integers(0, 2**40)
NUMBER = st.floats(allow_nan=False)  # NaN has a test of its own: it does not equal itself


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=3).map(tuple)


def maybe(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | items


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBER | TEXT.filter(lambda word: word not in NON_FINITE),
    lambda inner: tuples(inner) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OPEN = st.dictionaries(TEXT, PLAIN, max_size=3)
TENSOR = st.builds(TensorInfo, TEXT, maybe(TEXT), maybe(tuples(maybe(st.integers() | TEXT))))
PLACE = st.builds(Location, TEXT, maybe(TEXT), maybe(TEXT), maybe(TEXT))
MODEL = st.builds(ModelInfo, TEXT, maybe(SHA), maybe(NATURAL), maybe(NATURAL), tuples(TENSOR), tuples(TENSOR))
PLACED = st.builds(PlacedNode, NATURAL, TEXT, TEXT, tuples(TEXT), st.sampled_from(Device), tuples(CODE), TEXT)
OFFER = st.builds(FixOffer, TEXT, st.sampled_from(Safety))
FINDING = st.builds(
    Diagnostic,
    *(CODE, st.sampled_from(Severity), PLACE, TEXT, HEX16, st.booleans(), maybe(HEX16), OPEN, OPEN, tuples(TEXT)),
    *(st.sampled_from(Confidence), maybe(OFFER), maybe(st.builds(Suppressed, TEXT, TEXT))),
    maybe(st.sampled_from(["unchanged", "new"])),
)
APPLIED = st.builds(
    AppliedFix, CODE, TEXT, st.sampled_from(Safety), PLACE, TEXT, tuples(TEXT), tuples(TEXT), tuples(TEXT), TEXT
)
FIXES = st.builds(Fixes, tuples(APPLIED), tuples(st.builds(RefusedFix, CODE, PLACE, TEXT, maybe(TEXT))))
KINDS = st.sampled_from(["structure", "range", "local", "model", "simulator"])
OUTCOMES = st.sampled_from(["proved", "refuted", "skipped"])
TOLERANCE = st.dictionaries(TEXT, NUMBER, max_size=2)
PROOF = st.builds(Proof, TEXT, KINDS, OUTCOMES, TEXT, TEXT, NATURAL, TOLERANCE, maybe(NUMBER), TEXT, maybe(TEXT))
STAGE = st.builds(Stage, TEXT, st.sampled_from(["rknn", "onnx"]), TEXT, tuples(TENSOR), tuples(TENSOR))
COMPILE = st.dictionaries(TEXT.map(lambda key: f"x-{key}"), PLAIN, max_size=3)
GAIN = (st.booleans(), NATURAL, NATURAL, st.integers(), maybe(st.integers()), NATURAL)
RESULT = st.builds(
    Result,
    *(MODEL, st.builds(Target, TEXT, TEXT, TEXT), maybe(st.builds(TableInfo, TEXT, TEXT)), st.sampled_from(Verdict)),
    *(st.sampled_from(Confidence), maybe(TEXT), tuples(PLACED), tuples(FINDING), OPEN, FIXES, tuples(PROOF)),
    *(maybe(tuples(STAGE)), maybe(COMPILE)),
    causes=maybe(tuples(st.builds(Cause, *GAIN, fingerprint=HEX16, code=CODE))),
    opportunities=maybe(tuples(st.builds(Opportunity, *GAIN, code=CODE, findings=st.tuples(HEX16)))),
)
RUN = st.fixed_dictionaries({}, optional={"started": TEXT, "seconds": st.floats(0, 1e6)})
TOOL = st.fixed_dictionaries({"name": TEXT, "version": TEXT})
REPORT = st.builds(Report, tuples(RESULT), RUN, TOOL)
EMPTY = Report((), {}, {"name": "rkgraph", "version": "0"})


def one_result(**changes: Any) -> Report:
    return dataclasses.replace(EMPTY, results=(Result(ModelInfo("m.onnx"), Target(), **changes),))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(REPORT)
def test_reading_is_the_inverse_of_writing(report: Report) -> None:
    text = report_to_json(report)
    assert report_from_json(text) == report
    assert check_report(text) == report


def test_keys_come_in_the_order_of_the_design() -> None:
    finding = Diagnostic("RK101", Severity.ERROR, Location(), "m", "0" * 16)
    report = one_result(placement=(PlacedNode(0, "n", "Add", ("y",), Device.NPU),), diagnostics=(finding,))
    document = json.loads(report_to_json(report))
    assert list(document) == ["schema", "tool", "run", "results"]
    result = document["results"][0]
    assert " ".join(result) == (
        "model target table verdict confidence error placement diagnostics cost fixes proofs stages compile"
    )
    assert list(result["placement"][0]) == ["index", "node", "op", "outputs", "device", "because", "graph"]
    assert " ".join(result["diagnostics"][0]) == (
        "code severity fingerprint cause induced_by at message observed limit evidence confidence fix"
    )
    assert (result["table"], result["error"], result["stages"], result["compile"]) == (None, None, None, None)


def test_one_line_a_node_and_a_newline_at_the_end() -> None:
    nodes = tuple(PlacedNode(i, f"n{i}", "Add", ("y",), Device.NPU) for i in range(3))
    text = report_to_json(one_result(placement=nodes))
    assert text.endswith("}\n")
    assert sum('"index"' in line for line in text.splitlines()) == 3


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_without_a_token_are_words_and_come_back(number: float) -> None:
    report = one_result(
        cost={"fill": number, "deep": [{"x": (number,)}]},
        proofs=(Proof("p", "local", "proved", "s", "m", largest_error=number, tolerance={"absolute": number}),),
    )
    text = report_to_json(report)
    json.loads(text, parse_constant=lambda token: pytest.fail(f"token {token}"))
    back = report_from_json(text).results[0]
    found = (back.cost["fill"], back.cost["deep"][0]["x"][0], back.proofs[0].largest_error)
    for value in (*found, back.proofs[0].tolerance["absolute"]):
        assert isinstance(value, float)
        assert str(value) == str(number)


def test_words_for_numbers_stay_words_where_a_name_stands() -> None:
    report = one_result(placement=(PlacedNode(0, "NaN", "Infinity", ("-Infinity",), Device.NPU),))
    assert report_from_json(report_to_json(report)) == report


def test_numpy_scalars_are_numbers() -> None:
    import numpy as np

    report = one_result(cost={"a": np.float32(0.5), "b": np.int64(3), "c": np.float64(np.inf)})
    assert report_from_json(report_to_json(report)).results[0].cost == {"a": 0.5, "b": 3, "c": math.inf}


@pytest.mark.parametrize("thing", [object(), {1: 2}, b"bytes", {1, 2}, Report])
def test_what_is_no_plain_data_is_our_bug(thing: Any) -> None:
    with pytest.raises(TypeError, match="report"):
        report_to_json(one_result(cost={"x": thing}))


def test_file_names_that_are_no_utf8_survive() -> None:
    report = dataclasses.replace(EMPTY, results=(Result(ModelInfo("m\udcff→.onnx"), Target()),))
    text = report_to_json(report)
    assert "→" in text
    assert report_from_json(text.encode().decode()) == report


def test_writing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rkgraph.report.document import report_to_json; from rkgraph.results import Report;"
        "report_to_json(Report((), {}, {}));"
        "print(sorted({'jsonschema', 'jinja2', 'numpy', 'onnx', 'markdown_it'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


GOOD = json.loads(report_to_json(one_result(placement=(PlacedNode(0, "n", "Add", ("y",), Device.NPU),))))


def changed(change: str, value: Any) -> str:
    """GOOD with the place `change` (dotted keys and indices) set to `value`, or removed where it is `...`."""
    document = json.loads(json.dumps(GOOD))
    *path, last = [int(key) if key.isdigit() else key for key in change.split(".")]
    place = document
    for key in path:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"not JSON: .*line 1, column 1"),
        ('{"a": }', r"line 1, column 7"),
        ("[]", "schema is None"),
        ('"x"', "schema is None"),
        ('{"schema": "rkgraph.report/2"}', "schema is 'rkgraph.report/2'"),
        ('{"a": NaN}', "the token NaN"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        ("[" * 100_000, "nested too deeply"),
        (changed("results.0.verdict", "fine"), r"\$.results\[0\].verdict.*'fine'"),
        (changed("results.0.verdict", ...), r"results\[0\].*'verdict' is a required"),
        (changed("results.0.placement.0.device", "gpu"), r"placement\[0\].device"),
        (changed("results.0.placement.0.index", -1), r"placement\[0\].index"),
        (changed("results.0.placement.0.extra", 1), r"placement\[0\].*'extra'"),
        (changed("results.0.model.sha256", "xyz"), r"model.sha256"),
        (changed("results.0.extra", 1), r"results\[0\].*'extra'"),
        (changed("results", {}), r"\$.results"),
        (changed("tool", {}), r"\$.tool"),
    ],
)
def test_bad_documents_are_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        report_from_json(text)


def test_a_document_as_it_should_be_is_taken() -> None:
    assert report_from_json(json.dumps(GOOD)).results[0].placement[0].device is Device.NPU


def test_the_size_limit_has_two_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    text = report_to_json(EMPTY)
    monkeypatch.setattr(document, "MAX_BYTES", len(text))
    assert report_from_json(text) == EMPTY
    monkeypatch.setattr(document, "MAX_BYTES", len(text) - 1)
    with pytest.raises(UsageError, match="larger than"):
        report_from_json(text)


@pytest.mark.parametrize(
    ("name", "enum"),
    [
        *(("severity", Severity), ("verdict", Verdict), ("device", Device)),
        *(("confidence", Confidence), ("safety", Safety)),
    ],
)
def test_schema_and_enums_are_equal(name: str, enum: Any) -> None:
    assert report_schema()["$defs"][name]["enum"] == [member.value for member in enum]


LATER = {
    "diagnostic": {"suppressed", "baseline", "numerics"},
    "appliedFix": {"fingerprint"},
    "refusedFix": {"fingerprint"},
    "result": {"tune", "graph", "causes", "opportunities"},
}
"""Fields that reports of earlier versions do not have: they need not be there to be read, and None is not written."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("tensor", TensorInfo), ("location", Location), ("model", ModelInfo), ("target", Target)),
        *(("table", TableInfo), ("placedNode", PlacedNode), ("diagnostic", Diagnostic), ("appliedFix", AppliedFix)),
        *(("refusedFix", RefusedFix), ("proof", Proof), ("stage", Stage), ("result", Result)),
        *(("cause", Cause), ("opportunity", Opportunity)),
    ],
)
def test_schema_and_dataclasses_have_the_same_fields(name: str, kind: type) -> None:
    part = report_schema()["$defs"][name]
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    assert set(part["properties"]) == names
    assert set(part["required"]) == names - LATER.get(name, set())
    assert part["additionalProperties"] is False


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(report_schema())
