"""Configuration and baseline as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from tests.cli.harness import Sandbox
from tests.rules.harness import parse

TANS = "g (float[1, 8] x) => (float[1, 8] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"
CPU = "g (int64[1, 8] x) => (int64[1, 8] y) { y = Add(x, x) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    for name, text in {"tans": TANS, "cpu": CPU}.items():
        (made.folder / f"{name}.onnx").write_bytes(parse(text).SerializeToString())
    return made


def configure(sandbox: Sandbox, text: str) -> None:
    (sandbox.folder / "rkgraph.toml").write_text(text)


def findings(sandbox: Sandbox, *words: str, code: int | None = None) -> list[dict[str, object]]:
    outcome = sandbox.run("lint", *words, "--format", "json")
    assert code is None or outcome.code == code
    return [d for result in json.loads(outcome.stdout)["results"] for d in result["diagnostics"]]


def codes(found: list[dict[str, object]]) -> set[object]:
    return {d["code"] for d in found}


def test_what_is_ignored_is_not_told_and_the_verdict_stays(sandbox: Sandbox) -> None:
    everything = codes(findings(sandbox, "tans.onnx", code=1))
    assert {"RK124", "RK601"} <= everything
    configure(sandbox, 'ignore = ["RK1"]')
    outcome = sandbox.run("lint", "tans.onnx")
    assert outcome.code == 0
    assert outcome.stdout.startswith("tans.onnx: no-board-kernel")
    assert "RK1" not in outcome.stdout.replace("RK1xx", "")
    assert codes(findings(sandbox, "tans.onnx", "--isolated", code=1)) == everything
    assert codes(findings(sandbox, "tans.onnx", "--select", "inverse-function,RK124", code=1)) == {"RK124"}


def test_the_command_line_counts_more_than_the_file_and_a_section_more_than_the_rest(sandbox: Sandbox) -> None:
    configure(sandbox, 'target = "rk3576"\n[model."cpu.onnx"]\ntarget = "rk3566"\n')
    lines = sandbox.run("lint", "tans.onnx", "cpu.onnx", "-q").stdout.splitlines()
    assert "rk3576" in lines[0]
    assert "rk3566" in lines[1]
    assert "rk3588" in sandbox.run("lint", "cpu.onnx", "-q", "--target", "rk3588").stdout
    shown = sandbox.run("lint", "cpu.onnx", "--show-settings", "--fail-on", "note").stdout
    assert 'target = "rk3566"' in shown
    assert "rkgraph.toml:3" in shown
    assert any("fail-on" in line and line.endswith("# command line") for line in shown.splitlines())
    document = json.loads(sandbox.run("config", "cpu.onnx", "--format", "json").stdout)
    assert document["models"]["cpu.onnx"]["target"] == {"value": "rk3566", "source": "rkgraph.toml:3"}


def test_severities_and_the_threshold_decide_the_exit_code(sandbox: Sandbox) -> None:
    assert sandbox.run("lint", "cpu.onnx").code == 0
    assert sandbox.run("lint", "cpu.onnx", "--severity", "RK106=error").code == 1
    configure(sandbox, '[severity]\nRK1 = "error"\n')
    assert sandbox.run("lint", "cpu.onnx").code == 1
    assert sandbox.run("lint", "cpu.onnx", "--severity", "operator-dtype=note").code == 0
    configure(sandbox, 'fail-on = "warning"')
    assert sandbox.run("lint", "cpu.onnx").code == 1


def test_a_mistake_in_the_file_ends_with_2_and_names_file_line_and_mend(sandbox: Sandbox) -> None:
    configure(sandbox, '\n\nfial-on = "note"')
    outcome = sandbox.run("lint", "cpu.onnx")
    assert outcome.code == 2
    assert outcome.error_line == "error: rkgraph.toml:3: unknown key 'fial-on'"
    assert outcome.hint_line == "  hint: did you mean fail-on?"
    configure(sandbox, 'target = "rk9999"')
    outcome = sandbox.run("lint", "cpu.onnx")
    assert outcome.code == 2
    assert "(target: rkgraph.toml:1)" in outcome.error_line
    assert sandbox.run("lint", "cpu.onnx", "--config", "no.toml").code == 2
    assert sandbox.run("lint", "cpu.onnx", "--config", "no.toml", "--isolated").code == 2
    assert sandbox.run("lint", "cpu.onnx", env={"RKGRAPH_CONFIG": "no.toml"}).code == 2


def test_a_suppressed_finding_does_not_fail_and_an_unused_one_is_told(sandbox: Sandbox) -> None:
    everything = findings(sandbox, "tans.onnx")
    entries = [
        f'[[suppress]]\ncode = "{d["code"]}"\nfingerprint = "{d["fingerprint"]}"\nreason = "seen"\n' for d in everything
    ]
    configure(sandbox, "".join(entries))
    outcome = sandbox.run("lint", "tans.onnx")
    assert outcome.code == 0
    assert f"{len(everything)} suppressed (--verbose shows them)" in outcome.stdout
    verbose = sandbox.run("lint", "tans.onnx", "-v").stdout
    assert "seen (rkgraph.toml:1)" in verbose
    assert all(f"[{d['fingerprint']}]" in verbose for d in everything)
    told = findings(sandbox, "tans.onnx", code=0)
    assert [d["suppressed"] for d in told] == [
        {"reason": "seen", "source": f"rkgraph.toml:{1 + 4 * i}"} for i in range(len(told))
    ]
    assert codes(findings(sandbox, "cpu.onnx")) >= {"RK106", "RK906"}
    configure(sandbox, "".join(entry + "expires = 2020-01-01\n" for entry in entries))
    assert codes(findings(sandbox, "tans.onnx", code=1)) == codes(everything) | {"RK907"}


def test_with_a_baseline_only_what_is_new_fails(sandbox: Sandbox) -> None:
    written = sandbox.run("baseline", "write", "tans.onnx", "cpu.onnx")
    assert written.code == 0
    assert sandbox.run("lint", "tans.onnx", "cpu.onnx", "--baseline", "rkgraph-baseline.json").code == 0
    model = onnx.load(sandbox.folder / "tans.onnx")
    rename(model)
    onnx.save(model, sandbox.folder / "tans.onnx")
    configure(sandbox, 'baseline = "rkgraph-baseline.json"')
    told = findings(sandbox, "tans.onnx", code=0)
    assert {d["baseline"] for d in told} == {"unchanged"}
    (sandbox.folder / "tans.onnx").write_bytes(parse(TANS.replace("Add", "Mod")).SerializeToString())
    told = findings(sandbox, "tans.onnx", code=1)
    assert "RK908" in codes(told)
    assert "new" in {d.get("baseline") for d in told}


def rename(model: onnx.ModelProto) -> None:
    """Other names for all nodes, and for all values but inputs and outputs."""
    kept = {value.name for value in (*model.graph.input, *model.graph.output)}
    for index, node in enumerate(model.graph.node):
        node.name = f"other_{index}"
        for names in (node.input, node.output):
            names[:] = [name if name in kept or not name else f"other/{name}" for name in names]


def test_a_baseline_is_kept_up_to_date(sandbox: Sandbox) -> None:
    path = sandbox.folder / "rkgraph-baseline.json"
    sandbox.run("baseline", "write", "tans.onnx", "cpu.onnx")
    whole = path.read_text()
    (sandbox.folder / "tans.onnx").write_bytes(parse(CPU).SerializeToString())
    assert sandbox.run("baseline", "prune", "tans.onnx").code == 0
    pruned = json.loads(path.read_text())["models"]
    assert [len(entries) for entries in pruned["tans.onnx"].values()] == [0]
    assert pruned["cpu.onnx"] == json.loads(whole)["models"]["cpu.onnx"]
    (sandbox.folder / "tans.onnx").write_bytes(parse(TANS).SerializeToString())
    assert sandbox.run("baseline", "update").code == 0
    assert path.read_text() == whole
    (sandbox.folder / "cpu.onnx").unlink()
    assert sandbox.run("baseline", "prune").code == 0
    assert set(json.loads(path.read_text())["models"]) == {"tans.onnx"}
    missing = sandbox.run("lint", "tans.onnx", "--baseline", "none.json")
    assert missing.code == 2
    assert "rkgraph baseline write" in missing.hint_line


def test_fix_heeds_the_same_file(sandbox: Sandbox) -> None:
    configure(sandbox, 'ignore = ["RK124"]')
    assert sandbox.run("fix", "tans.onnx", "-o", "a.onnx", "-q").code == 1
    assert sandbox.run("fix", "tans.onnx", "-o", "b.onnx", "-q", "--isolated").code == 0
    configure(sandbox, 'target = "rk3576"\nignore = ["RK124"]\nallow = ["split"]')
    outcome = sandbox.run("fix", "tans.onnx", "-o", "c.rk", "-q")
    assert outcome.code == 0
    assert "rk3576" in outcome.stdout


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ('[tool.rkgraph]\nignore = ["ALL"]', True),
        ('[ tool . "rkgraph" ]\nignore = ["ALL"]', True),
        ('[tool]\nrkgraph = { ignore = ["ALL"] }', True),
        ('tool.rkgraph.ignore = ["ALL"]', True),
        ('[project]\nname = "rkgraph"', False),
    ],
)
def test_a_table_of_pyproject_is_found_however_it_is_spelt(text: str, ignored: bool, sandbox: Sandbox) -> None:
    (sandbox.folder / "pyproject.toml").write_text(text)
    assert sandbox.run("lint", "tans.onnx", "-q").code == (0 if ignored else 1)
