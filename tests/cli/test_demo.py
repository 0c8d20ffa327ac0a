"""The demo: what it ends with, and (with torch and the toolkit) the whole of it on a tiny embedder."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from rkgraph.cli import demo
from rkgraph.cli.demo_embed import Files
from rkgraph.errors import ExitCode
from rkgraph.report.document import report_to_json
from rkgraph.tasks.sentence_embedding import Likeness
from tests.export.embedders import write_settings, write_tiny_bert
from tests.report.samples import sample_report
from tests.report.validate import check_report


def run_with_cosine(folder: Path, monkeypatch: pytest.MonkeyPatch, cosine: float | None) -> list[str]:
    """Run the demo with steps that only leave their reports; returns their command lines."""
    lines: list[str] = []
    whole = sample_report()
    files = Files(folder / "out")

    def step(step: demo.Step, *_: object) -> bool:
        lines.append(step.line)
        files.fixed_report.write_text(report_to_json(replace(whole, results=whole.results[:2])))
        files.compiled_report.write_text(report_to_json(replace(whole, results=whole.results[2:3])))
        return True

    monkeypatch.setattr(demo, "run_step", step)
    monkeypatch.setattr(demo, "embed_all", lambda *_: (Likeness("x", 3, 0.5, cosine, "compared"),))
    demo.command(output=folder / "out", model=write_settings(folder / "model"))
    return lines


def test_the_users_day_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run_with_cosine(tmp_path, monkeypatch, 0.9995)
    assert [line.split()[1] for line in lines] == ["export", "lint", "fix", "compile", "report"]
    assert "--dim batch=1 --dim sequence=24" in lines[2]
    assert "--verify" in lines[3]
    end = capsys.readouterr().out
    assert "build-fails → deployable" in end
    assert "0.999500 at least, over 1 embeddings" in end
    report = check_report(Files(tmp_path / "out").report.read_text())
    assert (report.results[-1].compile or {})["sentences"]["rows"][0]["cosine"] == 0.9995


@pytest.mark.parametrize("cosine", [0.9989, float("nan")])
def test_a_cosine_below_the_bar_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cosine: float) -> None:
    with pytest.raises(typer.Exit) as ended:
        run_with_cosine(tmp_path, monkeypatch, cosine)
    assert ended.value.exit_code == ExitCode.FINDINGS


@pytest.mark.toolkit
@pytest.mark.torch
def test_the_whole_demo_on_a_tiny_embedder_and_again_from_memory(tmp_path: Path) -> None:
    write_tiny_bert(tmp_path / "model")
    command = [sys.executable, "-m", "rkgraph", "demo", "--model", "model", "-o", "out"]
    first, second = (
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in range(2)
    )
    for done in (first, second):
        assert done.returncode == ExitCode.OK, done.stdout + done.stderr
        assert "build-fails → deployable" in done.stdout
        assert "refused: " in done.stdout
        assert "truncated to 24" in done.stdout
    assert "unchanged since the last run" not in first.stdout
    assert second.stdout.count("unchanged since the last run") == 3
    (_, fixed, built) = check_report((tmp_path / "out/report.json").read_text()).results
    assert all(proof.outcome == "proved" for proof in (*fixed.proofs, *built.proofs))
    rows = (built.compile or {})["sentences"]["rows"]
    assert min(row["cosine"] for row in rows if row["cosine"] is not None) >= 0.999
    assert (tmp_path / "out/report.html").stat().st_size > 10_000
