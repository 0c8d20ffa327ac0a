"""The wheel carries its data and works from another folder, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("rkgraph-*.whl")
    return built


@pytest.mark.network
def test_wheel_carries_cards_tables_and_schema(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("rules", "*.md"), ("rules", "*.toml"), ("op_tables", "*.toml"), ("schema", "*.json")):
        for file in (ROOT / folder).glob(pattern):
            assert f"rkgraph/_data/{folder}/{file.name}" in names
    assert "rkgraph/py.typed" in names
    page = ("report.js", "report.css", "report.LICENSES.txt", "page.html")
    assert {f"rkgraph/report/templates/{name}" for name in page} <= names
    assert not [n for n in names if "node_modules" in n or n.startswith("rkgraph/report/web/")]
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/", "rules/", "op_tables/"))]


@pytest.mark.network
def test_installed_wheel_lints_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    from tests.builders import dynamic_model

    (tmp_path / "model.onnx").write_bytes(dynamic_model().SerializeToString())
    script = str(environment / "bin" / "rkgraph")
    linted = subprocess.run([script, "lint", "model.onnx"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert linted.returncode == 1, linted.stderr
    assert "RK301" in linted.stdout
    rule = subprocess.run([script, "rule", "RK301"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert rule.returncode == 0, rule.stderr
    assert "dynamic-input-shape" in rule.stdout
