"""results.json of a board, read without trust: it may come from anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.targets import Target, resolve_target

__all__ = ["MAX_BYTES", "BoardResults", "read_results", "results_schema"]

MAX_BYTES = 64 << 20
"""A larger file is refused; 200 cases take about 1 MB."""

_MAX_DIGITS = 40
_HINT = "run_on_board.py of a folder of `rkgraph board-check` writes such a file"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class BoardResults:
    """What a board said.

    Attributes:
        target: what was built.
        board: what the board says of itself.
        control: (case, run) of the control model.
        runs: (case, run) of the others, in order of the manifest; cases that were not run are left out.
        missing: how many these are.
    """

    target: Target
    board: Mapping[str, str]
    control: tuple[Record, Record]
    runs: tuple[tuple[Record, Record], ...]
    missing: int


def read_results(path: Path) -> BoardResults:
    """Read and check a results.json: its form, and that its runs are about its manifest.

    Raises:
        UsageError: it cannot be read, is too large, no JSON or not of the schema; a case comes twice or is not in the
            manifest; a file that was run is not the one of the manifest.
        TargetError: rkgraph does not know the target.
    """
    data = _read(path)
    _validate(data, path)
    manifest = data["manifest"]
    target = resolve_target(**manifest["target"])
    cases = {case["id"]: case for case in manifest["cases"]}
    if len(cases) < len(manifest["cases"]):
        raise UsageError(f"{path}: its manifest has a case twice", _HINT)
    for case in (manifest["control"], *cases.values()):
        _check_case(case, path)
    runs = {run["id"]: run for run in data["runs"]}
    if len(runs) < len(data["runs"]):
        raise UsageError(f"{path}: has two runs of one case", _HINT)
    for run in runs.values():
        if run["id"] not in cases:
            raise UsageError(f"{path}: has a run of {run['id']!r:.80}, which its manifest does not have", _HINT)
        _check_run(cases[run["id"]], run, path)
    _check_run(manifest["control"], data["control"], path)
    found = tuple((case, runs[name]) for name, case in cases.items() if name in runs)
    return BoardResults(target, data["board"], (manifest["control"], data["control"]), found, len(cases) - len(found))


@lru_cache(maxsize=1)
def results_schema() -> dict[str, Any]:
    """The JSON Schema of the file, as shipped."""
    path = data_folder("schema") / "rkgraph.board-results-1.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})", _HINT) from error
    if len(text) > MAX_BYTES:
        raise UsageError(f"{path}: is larger than {MAX_BYTES >> 20} MB", _HINT)
    try:
        return json.loads(text, parse_constant=_no_token, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON ({error})", _HINT) from error


def _no_token(token: str) -> Any:
    raise ValueError(f"it has the token {token}")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"it has a number of {len(digits)} digits")
    return int(digits)


def _validate(data: Any, path: Path) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(results_schema()).iter_errors(data))
    if error is not None:
        raise UsageError(f"{path}: is not of the schema at {error.json_path:.120}: {error.message:.200}", _HINT)


def _check_case(case: Record, path: Path) -> None:
    """Refuse a case whose parts are not about one operator."""
    place = f"{path}: {case['id']!r:.80}"
    if case["id"].split("/", 1)[0] != case["op"] or case["files"].keys() != case["sha256"].keys():
        raise UsageError(f"{place}: operator or files do not belong together", _HINT)
    if case["signature"]:
        try:
            signature = json.loads(case["signature"], parse_constant=_no_token, parse_int=_whole)
            domain, op = signature["domain"], signature["op"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{place}: its signature is none ({error})", _HINT) from error
        if (f"{domain}::{op}" if domain else op) != case["op"]:
            raise UsageError(f"{place}: its signature is of {op!r:.40}", _HINT)


def _check_run(case: Record, run: Record, path: Path) -> None:
    """Refuse a run of another model, or with other outputs, than the manifest has."""
    place = f"{path}: {case['id']!r:.80}"
    if run["id"] != case["id"]:
        raise UsageError(f"{place}: its run is of {run['id']!r:.80}", _HINT)
    if run["files"] != case["sha256"]:
        raise UsageError(f"{place}: other files were run than the manifest has", "copy the folder to the board again")
    if run["status"] != "ran":
        return
    names = [output["name"] for output in run["outputs"]]
    if names != case["outputs"]:
        raise UsageError(
            f"{place}: its outputs are {', '.join(names):.80}, not {', '.join(case['outputs']):.80}", _HINT
        )
