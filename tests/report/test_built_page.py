"""The built script and style are those of the sources beside them, within their bound, with licences."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

REPORT = Path(__file__).resolve().parents[2] / "rkgraph" / "report"
WEB, BUILT = REPORT / "web", REPORT / "templates"
LOCK = json.loads((BUILT / "report.lock.json").read_text(encoding="utf-8"))
BUILD = "build again: cd rkgraph/report/web && npm ci && npm run build"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sources() -> list[str]:
    own = [WEB / name for name in ("build.mjs", "package.json", "package-lock.json")]
    found = [*own, *(path for folder in ("src", "css") for path in (WEB / folder).rglob("*") if path.is_file())]
    return sorted(str(path.relative_to(WEB)) for path in found)


def test_the_lock_names_the_sources() -> None:
    assert sorted(LOCK["sources"]) == sources(), BUILD


@pytest.mark.parametrize("name", sorted(LOCK["sources"]))
def test_a_source_is_the_one_that_was_built(name: str) -> None:
    assert digest(WEB / name) == LOCK["sources"][name], BUILD


@pytest.mark.parametrize("name", sorted(LOCK["built"]))
def test_what_was_built_was_not_changed_by_hand(name: str) -> None:
    assert digest(BUILT / name) == LOCK["built"][name], BUILD


def test_a_changed_source_would_be_seen(tmp_path: Path) -> None:
    changed = tmp_path / "main.js"
    changed.write_bytes((WEB / "src" / "main.js").read_bytes() + b"\n")
    assert digest(changed) != LOCK["sources"]["src/main.js"]


def test_the_script_is_small_and_speaks_to_nobody() -> None:
    script = (BUILT / "report.js").read_text(encoding="utf-8")
    assert len(script) < 1_000_000
    assert "</script" not in script
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|importScripts|sendBeacon|new Function|\beval\(", script)


def test_packages_are_pinned_and_their_licences_kept() -> None:
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    licences = (BUILT / "report.LICENSES.txt").read_text(encoding="utf-8")
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert f"{name} {version} (" in licences
    shipped = {path for path, about in lock.items() if path and not about.get("dev") and not about.get("optional")}
    assert all(f"{path.rpartition('node_modules/')[2]} {lock[path]['version']} (" in licences for path in shipped)
    assert all("resolved" not in about for about in lock.values())
