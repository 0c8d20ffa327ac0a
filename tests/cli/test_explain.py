"""`rkgraph explain` as a user meets it, and on reports that somebody made up."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rkgraph.diagnostics import Suppressed
from rkgraph.errors import UsageError
from rkgraph.report.document import report_to_json
from rkgraph.report.explain.build import explain
from rkgraph.report.explain.find import find
from rkgraph.report.explain.markdown import markdown
from rkgraph.results import Cause, Report
from tests.cli.harness import SCRIPT, Sandbox
from tests.report.formats.hostile import reports, texts
from tests.report.samples import journey
from tests.rules.harness import parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"
DYNAMIC = "g (float[N, 4] x, int64[2] s) => (float[A, B] y) { t = Shape(x) u = Add(t, s) y = Reshape(x, u) }"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    made = Sandbox(tmp_path_factory.mktemp("explain"))
    for name, text in {"tans": TANS, "dynamic": DYNAMIC}.items():
        (made.folder / f"{name}.onnx").write_bytes(parse(text).SerializeToString())
        made.run("lint", f"{name}.onnx", "--json-output", f"{name}.json")
    return made


def fingerprints(sandbox: Sandbox, name: str) -> dict[str, str]:
    """The first fingerprint of each code in a report."""
    (result,) = json.loads((sandbox.folder / f"{name}.json").read_text())["results"]
    return {found["code"]: found["fingerprint"] for found in reversed(result["diagnostics"])}


def test_a_finding_is_explained_at_its_place(sandbox: Sandbox) -> None:
    name = fingerprints(sandbox, "tans")["RK124"]
    done = sandbox.run("explain", "tans.json", name[:10])
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"RK124 hyperbolic-function · error · {name}"
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[1:] == ["What", "Cause", "Place", "Evidence", "Why it matters", "Cure", "If it is meant to be so"]
    assert "  - input 0: x float32[1,4], an input of the model" in lines
    assert any(line.startswith("  - output 0: a float32[1,4]") for line in lines)
    assert any("read by" in line and "(Add)" in line for line in lines)
    assert "  rkgraph fix tans.onnx --rules rknn-2.3.2 --target rk3588 -o tans.rk.onnx" in lines
    assert f'  fingerprint = "{name}"' in lines


def test_an_induced_finding_leads_to_its_cause(sandbox: Sandbox) -> None:
    (result,) = json.loads((sandbox.folder / "dynamic.json").read_text())["results"]
    induced = next(found for found in result["diagnostics"] if found["induced_by"] is not None)
    done = sandbox.run("explain", "dynamic.json", induced["fingerprint"])
    assert "Follows from" in done.stdout.splitlines()
    assert f"  rkgraph explain dynamic.json {induced['induced_by']}" in done.stdout.splitlines()
    root = sandbox.run("explain", "dynamic.json", induced["induced_by"])
    assert "follow from it:" in root.stdout or "follows from it:" in root.stdout


def test_lint_tells_the_fingerprints_when_it_is_verbose(sandbox: Sandbox) -> None:
    shown = sandbox.run("lint", "tans.onnx", "--verbose").stdout
    assert all(f"[{name}]" in shown for name in fingerprints(sandbox, "tans").values())


def test_in_a_terminal_the_card_is_set_and_commands_can_be_pasted(sandbox: Sandbox) -> None:
    """Through a pseudo-terminal of 60 columns: what is in backticks in the card is set, not shown with backticks."""
    name = fingerprints(sandbox, "tans")["RK124"]
    words = shlex.join([str(SCRIPT), "explain", "tans.json", name])
    done = subprocess.run(
        ["script", "-qec", f"stty cols 60; {words}", "/dev/null"],
        cwd=sandbox.folder,
        env=sandbox.environment({"TERM": "xterm", "COLUMNS": "60"}),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).replace("\r", "")
    lines = text.splitlines()
    assert lines[0] == f"RK124 hyperbolic-function · error · {name}"
    why = text.split("Why it matters\n")[1].split("\nCure\n")[0]
    assert "`" not in why
    command = text[text.index("  rkgraph fix tans.onnx") :].split("\n  rkgraph rule")[0]
    assert shlex.split(command.replace(" \\\n", " "))[:3] == ["rkgraph", "fix", "tans.onnx"]


def test_the_suppression_can_be_pasted(sandbox: Sandbox) -> None:
    name = fingerprints(sandbox, "tans")["RK124"]
    text = sandbox.run("explain", "tans.json", name, "--format", "markdown").stdout
    pasted = text.split("```toml\n")[1].split("```")[0]
    (entry,) = tomllib.loads(pasted)["tool"]["rkgraph"]["suppress"]
    assert entry == {"code": "RK124", "fingerprint": name, "reason": "…"}
    (sandbox.folder / "configured").mkdir()
    (sandbox.folder / "configured" / "pyproject.toml").write_text(pasted)
    done = sandbox.run("lint", "tans.onnx", "--config", "configured/pyproject.toml", "--format", "json")
    (result,) = json.loads(done.stdout)["results"]
    covered = {found["fingerprint"]: found.get("suppressed") for found in result["diagnostics"]}
    assert [key for key, told in covered.items() if told] == [name]
    assert covered[name]["reason"] == "…"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("zzzz", "no finding has the fingerprint 'zzzz'", "RK124 at"),
        ("rk124", "rk124 is a rule, and 2 findings are its own", "RK124 at"),
        ("", "no finding has the fingerprint ''", "RK124 at"),
    ],
)
def test_what_is_not_found_is_told_with_what_is_near(sandbox: Sandbox, wanted: str, message: str, hint: str) -> None:
    done = sandbox.run("explain", "tans.json", wanted)
    assert done.code == 2
    assert message in done.error_line
    assert hint in done.hint_line


def test_a_beginning_that_several_have_is_refused_with_all_of_them() -> None:
    before, *_ = journey("/n", "a.onnx")
    first, second, *_ = before.diagnostics
    twins = (replace(first, fingerprint="ab" + "0" * 14), replace(second, fingerprint="ab" + "1" * 14))
    report = Report((replace(before, diagnostics=twins),))
    with pytest.raises(UsageError, match="2 findings begin with 'ab'") as raised:
        find(report, "ab")
    assert "ab00000000000000 RK101" in raised.value.hint
    assert "ab11111111111111 RK104" in raised.value.hint
    assert find(report, "AB1")[1] is twins[1]


def test_a_report_without_findings_says_so(sandbox: Sandbox) -> None:
    (sandbox.folder / "empty.json").write_text(report_to_json(Report((), {}, {"name": "rkgraph", "version": "1"})))
    done = sandbox.run("explain", "empty.json", "ab")
    assert (done.code, done.error_line) == (2, "error: the report has no findings")
    missing = sandbox.run("explain", "gone.json", "ab")
    assert (missing.code, "gone.json: cannot be read" in missing.error_line) == (2, True)


def test_gains_suppressions_and_baselines_are_told() -> None:
    before, *_ = journey("/n", "a.onnx")
    first = replace(before.diagnostics[0], suppressed=Suppressed("padding", "x.toml:3"), baseline="unchanged")
    cause = Cause(True, 0, 12, 3, 4096, 5, fingerprint=first.fingerprint, code=first.code)
    result = replace(before, diagnostics=(first,), causes=(cause,))
    text = markdown(explain(Report((result,)), result, first, "r.json"))
    assert "buys: in the way of every build or board, 12 nodes off the CPU, 3 crossings less (4 kB), 5 findings" in text
    assert "suppressed by x.toml:3: padding" in text
    assert "```toml" not in text


ROWS = st.one_of(
    st.none(), st.integers(-3, 9), texts, st.lists(st.one_of(st.integers(-2, 3), texts, st.none()), max_size=5)
)


@settings(max_examples=40, deadline=None)
@given(
    reports(), st.dictionaries(st.sampled_from(["inputs", "outputs", "values", "nodes"]), st.lists(ROWS, max_size=4))
)
def test_made_up_reports_are_explained_too(report: Report, graph: dict[str, list[object]]) -> None:
    for result in report.results:
        drawn = replace(result, graph=graph)
        for finding in result.diagnostics:
            text = markdown(explain(replace(report, results=(drawn,)), drawn, finding, "r.json"))
            tokens = MarkdownIt("commonmark", {"html": True}).parse(text.split("### Why it matters")[0])
            kinds = {part.type for token in tokens for part in (token, *(token.children or ()))}
            assert not kinds & {"link_open", "image", "html_block"}
            assert text.count("\n### If it is meant to be so\n") == (finding.suppressed is None)
