"""What `benchmarks/ecosystem.py` calls different and worse, and that its models are there to be fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ecosystem import LIST, MODELS, State, difference, is_worse, state_of

ROW: dict[str, Any] = {
    "raw": "build-fails",
    "verdict": "deployable",
    "nodes": 9,
    "placement": {"npu": 8, "cpu": 1},
    "applied": {"RK301": 1},
    "refused": {},
    "refuted": 0,
    "built": {"verdict": "deployable", "cost": {"cpu": 1, "rw_kb": 100.0}, "layers": {"Add on NPU": 2}},
}


def built(verdict: str = "deployable", **cost: float) -> dict[str, Any]:
    return {**ROW, "built": {"verdict": verdict, "cost": {**ROW["built"]["cost"], **cost}, "layers": {}}}


def test_twenty_models_are_named_once_and_known() -> None:
    names = [name for line in MODELS.read_text().splitlines() if (name := line.partition("#")[0].strip())]
    known = {json.loads(line)["name"] for line in LIST.read_text(encoding="utf-8").splitlines()}
    assert len(names) == len(set(names)) == 20
    assert set(names) <= known


def test_only_what_differs_is_told() -> None:
    assert list(difference("m", ROW, ROW)) == []
    other = {**ROW, "verdict": "build-fails", "applied": {"RK301": 1, "RK303": 4}, "placement": {"npu": 9}}
    assert list(difference("m", ROW, other)) == [
        "m",
        "  verdict: deployable → build-fails",
        "  placement: cpu 1 → 0, npu 8 → 9",
        "  applied: RK303 0 → 4",
    ]


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (ROW, ROW, False),
        (ROW, {**ROW, "verdict": "build-fails"}, True),
        (ROW, {"verdict": "crashed", "error": "e"}, True),
        ({"verdict": "crashed", "error": "e"}, ROW, False),
        (ROW, {**ROW, "refuted": 1}, True),
        (ROW, built(cpu=2), True),
        (ROW, built(cpu=0), False),
        (ROW, built(rw_kb=101.9), False),
        (ROW, built(rw_kb=103), True),
        (ROW, built("build-fails", cpu=0), True),
        (built("build-fails", cpu=0, rw_kb=0), built(cpu=33), False),
        (ROW, {**ROW, "built": {"error": "e"}}, True),
        ({**ROW, "built": {"error": "e"}}, ROW, False),
    ],
)
def test_worse_is_what_a_user_would_call_so(before: dict[str, Any], after: dict[str, Any], worse: bool) -> None:
    assert is_worse(before, after) is worse


def test_a_folder_is_copied_and_told_apart_by_its_contents(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for part in ("rkgraph", "rules", "op_tables", "schema"):
        (tree / part).mkdir(parents=True)
        (tree / part / "a").write_text(part)

    def state(word: str) -> State:
        (tmp_path / word).mkdir()
        return state_of(str(tree), tmp_path / word / "copy")

    first, same = state("1"), state("2")
    (tree / "rules" / "a").write_text("other")
    assert first.digest == same.digest != state("3").digest
    assert (first.folder / "rules" / "a").read_text() == "rules"


def test_a_word_that_is_nothing_ends_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="neither a git revision nor a folder"):
        state_of("no-such-revision", tmp_path / "s")
