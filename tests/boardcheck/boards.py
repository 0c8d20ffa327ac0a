"""Checks that are made without a toolkit, and boards that are not real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from rkgraph.boardcheck.build import Built
from rkgraph.boardcheck.candidates import Candidate, Reason
from rkgraph.boardcheck.check import CONTROL
from rkgraph.boardcheck.folder import write_folder
from rkgraph.boardcheck.reference import reference
from rkgraph.compile.tensors import write_npz
from rkgraph.probe.case import case, computed, parse
from rkgraph.targets import Target

LITE = Path(__file__).parent / "fake_lite"
SOFTSIGN = Candidate(case("Softsign", "made-r2", [computed(3, 5)]), "no-kernel", ("Softsign",))
EXP = Candidate(case("Exp", "made-r4", [computed(1, 2, 3, 5)]), "cpu", ("Exp",))
ABS = Candidate(case("Abs", "made-int", [computed(2, 7, dtype="int32")]), "register", ("Abs",))
OUTCOMES = {"Softsign": "no-kernel", "Exp": "cpu", "Abs": "npu", "Relu": "npu"}


def built(candidate: Candidate, folder: Path, *, shift: float = 0.0) -> Built:
    """A candidate as a toolkit would have built it, without one; `shift` is added to what the simulator gives."""
    folder.mkdir(parents=True)
    model = parse(candidate.case.text)
    onnx.save(model, folder / "case.onnx")
    feeds, expected = reference(model, folder / "case.onnx", candidate.case.text)
    (folder / "model.rknn").write_bytes(b"stand-in for " + candidate.case.id.encode())
    write_npz(folder / "inputs.npz", feeds)
    write_npz(folder / "expected.npz", expected)
    near = {name: array + np.asarray(shift, array.dtype) for name, array in expected.items()}
    write_npz(folder / "simulated.npz", near)
    outcome = OUTCOMES[candidate.case.op]
    layer = f"{candidate.case.op}@{'NPU' if outcome == 'npu' else 'CPU'}"
    line: dict[str, Any] = {"id": candidate.case.id, "outcome": outcome, "layers": [layer]}
    if outcome == "no-kernel":
        line["lost"] = [candidate.case.op]
    files = {path.name: path for path in folder.iterdir() if path.suffix in (".rknn", ".npz")}
    names = [v.name for v in model.graph.input], [v.name for v in model.graph.output]
    return Built(candidate.signed(), line, tuple(names[0]), tuple(names[1]), files)


def check_of(
    folder: Path, candidates: Sequence[Candidate] = (SOFTSIGN, EXP, ABS), *, shift: float = 0.0, work: str = "work"
) -> Path:
    """A board check in `folder`/check."""
    place = folder / work
    cases = [built(c, place / str(number), shift=shift) for number, c in enumerate(candidates)]
    write_folder(folder / "check", Target(), built(CONTROL, place / "control"), cases)
    return folder / "check"


def run(
    check: Path, told: Mapping[str, str] | None = None, *options: str, lite: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the script of a check on a board that does with each case what it is told."""
    environment = {
        **os.environ,
        "RKGRAPH_TEST_BOARD": json.dumps(told or {}),
        "RKGRAPH_TEST_BOARD_CALLS": str(check.parent / "calls"),
        "PYTHONPATH": str(LITE) if lite else "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, str(check / "run_on_board.py"), *options]
    return subprocess.run(command, env=environment, cwd=check.parent, capture_output=True, text=True, check=False)


def results_of(check: Path) -> dict[str, Any]:
    """What the script wrote."""
    found: dict[str, Any] = json.loads((check / "results.json").read_text())
    return found


def calls_of(check: Path) -> list[str]:
    """The models that the board has loaded, in order."""
    return (check.parent / "calls").read_text().split("\n")[:-1]


__all__ = ["ABS", "CONTROL", "EXP", "SOFTSIGN", "Reason", "built", "calls_of", "check_of", "results_of", "run"]
