"""`rkgraph report` and `rkgraph export` as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.errors import ExitCode
from rkgraph.report.document import report_to_json
from tests.cli.harness import Sandbox
from tests.export.embedders import write_settings
from tests.report.samples import sample_report


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def test_several_reports_become_one_page(sandbox: Sandbox) -> None:
    for name in ("a", "b"):
        (sandbox.folder / f"{name}.json").write_text(report_to_json(sample_report("/n", f"{name}.onnx")))
    done = sandbox.run("report", "a.json", "b.json", "-o", "page.html")
    assert (done.code, done.stdout, done.stderr) == (ExitCode.OK, "", "wrote page.html (8 results)\n")
    page = (sandbox.folder / "page.html").read_text()
    assert "a.onnx" in page
    assert "b.onnx" in page


def test_the_ending_tells_the_format_and_several_are_written_at_once(sandbox: Sandbox) -> None:
    (sandbox.folder / "r.json").write_text(report_to_json(sample_report()))
    done = sandbox.run("report", "r.json", "-o", "a.sarif", "--junit-output", "j.xml", "--markdown-output", "c.md")
    assert (done.code, done.stdout) == (ExitCode.OK, "")
    assert done.stderr.splitlines() == [f"wrote {name} (4 results)" for name in ("a.sarif", "j.xml", "c.md")]
    assert '"version": "2.1.0"' in (sandbox.folder / "a.sarif").read_text()
    assert "<testsuites" in (sandbox.folder / "j.xml").read_text()
    assert (sandbox.folder / "c.md").read_text() == sandbox.run("report", "r.json", "--format", "markdown").stdout


def test_without_a_format_it_is_text(sandbox: Sandbox) -> None:
    (sandbox.folder / "r.json").write_text(report_to_json(sample_report("/n", "a.onnx")))
    shown = sandbox.run("report", "r.json")
    assert (
        shown.stdout.splitlines()[0] == "a.onnx: build-fails on rk3588 · rknn-toolkit2 2.3.2 · fp16 (evidence: probed)"
    )
    assert sandbox.run("report", "r.json", "-o", "r.txt").stderr == "wrote r.txt (4 results)\n"
    assert (sandbox.folder / "r.txt").read_text() == shown.stdout


def test_one_file_for_two_formats_is_refused(sandbox: Sandbox) -> None:
    (sandbox.folder / "r.json").write_text(report_to_json(sample_report()))
    with sandbox.unchanged():
        done = sandbox.run("report", "r.json", "--sarif-output", "x", "--junit-output", "x")
    assert (done.code, done.error_line) == (ExitCode.USAGE, "error: x: two results are to be written there")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\x08\x07\xff\xfe", "not JSON (byte 2 is no UTF-8)"),
        (b'{"schema": "other/1"}', "schema is 'other/1'"),
        (b'{"schema": "rkgraph.report/1", "tool": {}, "run": {}, "results": []}', "not valid at $.tool"),
    ],
)
def test_what_is_no_report_is_refused_and_nothing_is_written(sandbox: Sandbox, content: bytes, message: str) -> None:
    (sandbox.folder / "x.json").write_bytes(content)
    done = sandbox.run("report", "x.json", "-o", "page.html")
    assert done.code == ExitCode.USAGE
    assert "x.json" in done.error_line
    assert message in done.error_line
    assert [path.name for path in sandbox.folder.iterdir()] == ["x.json"]


def test_missing_reports_folders_and_wrong_outputs(sandbox: Sandbox) -> None:
    (sandbox.folder / "x.json").write_text(report_to_json(sample_report()))
    (sandbox.folder / "folder.html").mkdir()
    for arguments, message in (
        (("missing.json", "-o", "page.html"), "missing.json: cannot be read"),
        (("folder.html", "-o", "page.html"), "folder.html: cannot be read"),
        (("x.json", "-o", "page.pdf"), "page.pdf: its ending tells no format"),
        (("x.json", "-o", "folder.html"), "folder.html: is a folder"),
        (("x.json", "-o", "no/page.html"), "no/page.html: cannot be written"),
    ):
        done = sandbox.run("report", *arguments)
        assert done.code == ExitCode.USAGE
        assert message in done.error_line


def test_export_refuses_what_is_no_embedder(sandbox: Sandbox) -> None:
    done = sandbox.run("export", "sentence-transformer", "nowhere", "-o", "model.onnx")
    assert done.code == ExitCode.USAGE
    assert "nowhere: no such folder" in done.error_line


def test_export_without_torch_names_the_command_that_installs_it(sandbox: Sandbox) -> None:
    write_settings(sandbox.folder / "embedder")
    (sandbox.folder / "embedder/model.safetensors").write_bytes(b"\0")
    stand_in = sandbox.folder / "python"
    stand_in.write_text('#!/bin/sh\nprintf \'{"error": {"kind": "missing", "message": "torch"}}\\n\'\nexit 1\n')
    stand_in.chmod(0o755)
    done = sandbox.run("export", "sentence-transformer", "embedder", "-o", "out/model.onnx", "--python", stand_in)
    assert done.code == ExitCode.USAGE
    assert "has no torch" in done.error_line
    assert "pip install 'rkgraph[export,torch]'" in done.hint_line
    assert not (sandbox.folder / "out/model.onnx").exists()


def test_the_demo_without_its_model_says_what_to_install(sandbox: Sandbox) -> None:
    done = sandbox.run("demo", "--model", "nowhere")
    assert done.code == ExitCode.USAGE
    assert "nowhere: no such folder" in done.error_line
    assert list(sandbox.folder.iterdir()) == []


def test_an_interrupted_export_leaves_nothing_behind(sandbox: Sandbox) -> None:
    write_settings(sandbox.folder / "embedder")
    (sandbox.folder / "embedder/model.safetensors").write_bytes(b"\0")
    stand_in = sandbox.folder / "python"
    stand_in.write_text(f"#!/bin/sh\ntouch '{sandbox.folder}/started'\nexec sleep 300\n")
    stand_in.chmod(0o755)
    arguments = ("export", "sentence-transformer", "embedder", "-o", "out/model.onnx", "--python", stand_in)
    done = sandbox.interrupt(*arguments, when=(sandbox.folder / "started").exists)
    assert done.code == ExitCode.INTERRUPTED
    assert list((sandbox.folder / "out").iterdir()) == []
