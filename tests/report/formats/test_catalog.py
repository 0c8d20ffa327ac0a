"""All formats: the same report, the same bytes; endings of files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from rkgraph.report.document import report_to_json
from rkgraph.report.formats.catalog import FORMATS, format_of, render
from rkgraph.results import Report
from tests.report.samples import sample_report

HASHES = """
import hashlib, sys
from rkgraph.report.document import report_from_json
from rkgraph.report.formats.catalog import FORMATS, render
report = report_from_json(open(sys.argv[1]).read())
for name in FORMATS:
    print(hashlib.sha256(render(name, report).encode()).hexdigest())
"""


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    report = sample_report("/näme", "a b.onnx")
    (tmp_path / "r.json").write_text(report_to_json(report))
    here = [hashlib.sha256(render(name, report).encode()).hexdigest() for name in FORMATS]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", HASHES, str(tmp_path / "r.json")],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == here


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"json", "html"}))
def test_another_run_on_the_same_models_gives_the_same_file(name: str) -> None:
    report = sample_report()
    assert render(name, report) == render(name, replace(report, run={"started": "later", "seconds": 9.0}))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_empty_report_and_one_with_empty_keys_can_be_rendered(name: str) -> None:
    assert render(name, Report(())) is not None
    bare = tuple(replace(r, placement=(), table=None, compile=None) for r in sample_report().results)
    assert "model.onnx" in render(name, Report(bare))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.json", "json"),
        ("a.SARIF", "sarif"),
        ("a.sarif.json", "sarif"),
        ("gl.gitlab.json", "gitlab"),
        ("junit.xml", "junit"),
        ("x/comment.md", "markdown"),
        ("p.htm", "html"),
        ("a.pdf", None),
        ("json", None),
    ],
)
def test_endings_tell_the_format(file: str, name: str | None) -> None:
    assert format_of(PurePath(file)) == name
