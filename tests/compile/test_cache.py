"""The cache: what was stored comes back; damage counts as absence; the least recently used goes first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rkgraph.compile.cache import CompileCache, digest_files, key_of


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path / "cache")
    assert cache.find("a") is None
    (tmp_path / "model").write_bytes(b"rknn")
    stored = cache.store("a", {"model.rknn": tmp_path / "model", "log.txt": b"said"}, {"seconds": {"build": 1.5}})
    found = cache.find("a")
    assert found == stored is not None
    assert found is not None
    assert found.file("model.rknn").read_bytes() == b"rknn"
    assert found.file("log.txt").read_bytes() == b"said"
    assert found.facts == {"seconds": {"build": 1.5}}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a"]


@pytest.mark.parametrize("damage", ["shorter", "missing", "not json", "other json"])
def test_a_damaged_entry_is_absent_and_goes(tmp_path: Path, damage: str) -> None:
    cache = CompileCache(tmp_path)
    cache.store("a", {"x": b"1234"}, {})
    files = {"shorter": ("x", b"12"), "not json": ("entry.json", b"{"), "other json": ("entry.json", b"[]")}
    if damage == "missing":
        (tmp_path / "a" / "x").unlink()
    else:
        name, content = files[damage]
        (tmp_path / "a" / name).write_bytes(content)
    assert cache.find("a") is None
    cache.store("a", {"x": b"5678"}, {})
    assert cache.find("a") is not None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path, limit_bytes=2500)
    for age, key in ((30, "old"), (20, "older"), (10, "new")):
        cache.store(key, {"x": bytes(1000)}, {})
        when = time.time() - age
        os.utime(tmp_path / key, (when, when)) if (tmp_path / key).exists() else None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "older"]
    assert cache.find("older") is not None  # used now: "new" is the oldest
    cache.store("newest", {"x": bytes(1000)}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["newest", "older"]


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".new-dead", 2 * 86400), (".new-alive", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    CompileCache(tmp_path).store("a", {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-alive", "a"]


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    cache = CompileCache(tmp_path / "file" / "cache")
    assert cache.store("a", {"x": b"1"}, {}) is None
    assert cache.find("a") is None


def test_keys_and_digests_tell_all_parts_apart(tmp_path: Path) -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert len({key_of({"a": value}) for value in (1, 2, "1", None, [1], {"b": 1})}) == 6
    for name, content in (("x", b"ab"), ("y", b"c"), ("z", b"a"), ("w", b"bc")):
        (tmp_path / name).write_bytes(content)
    digests = [digest_files([tmp_path / a, tmp_path / b]) for a, b in (("x", "y"), ("z", "w"), ("y", "x"))]
    assert len(set(digests)) == 3
