"""ci/gitlab.yml: valid for GitLab, and its script does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.ci.steps import Ended, environment, read_yaml, run
from tests.rules.harness import parse
from tests.schemas import GITLAB_CI, problems

TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml("ci/gitlab.yml")["rkgraph"]
    return found


def script(job: dict[str, Any], folder: Path, **variables: str) -> Ended:
    """Run the job's script, as GitLab's runner does in an image whose shell is sh."""
    return run("\n".join(job["script"]), folder, environment(**{**job["variables"], **variables}), ("sh", "-e"))


def test_gitlab_takes_the_file() -> None:
    assert problems(GITLAB_CI, read_yaml("ci/gitlab.yml")) == []
    assert problems(GITLAB_CI, {"rkgraph": {"script": 1}}) != []


def test_findings_fail_the_job_and_reports_are_where_the_artifacts_look(job: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "-t ans.onnx").write_bytes(parse(TANS).SerializeToString())
    (tmp_path / "-x.onnx").write_bytes(parse(TANS).SerializeToString())
    done = script(job, tmp_path)
    assert done.code == 1, done.stderr
    issues = json.loads((tmp_path / job["artifacts"]["reports"]["codequality"]).read_text())
    assert {issue["location"]["path"] for issue in issues} == {"a b/-t ans.onnx", "-x.onnx"}
    ET.parse(tmp_path / job["artifacts"]["reports"]["junit"])  # noqa: S314 - our own
    assert all((tmp_path / path).is_file() for path in job["artifacts"]["paths"])


def test_options_and_patterns_are_the_projects(job: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(parse(TANS).SerializeToString())
    assert script(job, tmp_path, RKGRAPH_OPTIONS="--target rk3576 --ignore RK1").code == 0
    none = script(job, tmp_path, RKGRAPH_MODELS="gone/*.onnx")
    assert (none.code, none.stderr) == (2, "no model is named so: look at RKGRAPH_MODELS\n")


@pytest.mark.parametrize(("version", "wanted"), [("", "rkgraph"), ("0.1.0", "rkgraph==0.1.0")])
def test_the_version_is_installed(job: dict[str, Any], tmp_path: Path, version: str, wanted: str) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.said"\n')
    (tmp_path / "python").chmod(0o755)
    variables = environment(**{**job["variables"], "RKGRAPH_VERSION": version})
    done = run(
        "\n".join(job["before_script"]),
        tmp_path,
        {**variables, "PATH": f"{tmp_path}:{variables['PATH']}"},
        ("sh", "-e"),
    )
    assert done.code == 0
    assert (tmp_path / "python.said").read_text().splitlines()[-1] == wanted
