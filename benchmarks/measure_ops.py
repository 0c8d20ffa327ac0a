"""Measure what the real toolkit makes of small models, and write the evidence of the op tables.

    python benchmarks/measure_ops.py [--toolkit 2.3.2] [--toolkit-python PYTHON] [--only GATHER,CAST] [--jobs 2]

Appends one JSON line a case to op_tables/evidence/rknn-VERSION.jsonl, sorted by id at the end. Cases that are there
already are not run again; `--again` runs those of `--only` anew. What a line means: op_tables/evidence/README.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnx

sys.path.insert(0, str(Path(__file__).parent))

from op_cases import elementwise, neural, patterns, shapes
from op_cases.model import Case, parse

from rkgraph.resources import data_folder
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log

LIMITS = Limits(seconds=20, memory_mb=4096)

OWN = re.compile(r"probe(?!_y)")
"""Begins the name of a layer that bears the probed node's name, not its output's (`probe_y`)."""

NEIGHBOURS = re.compile(r"before|after|kin|\bk[01]\b")
"""Names of nodes and values of a case that are not the probed one's: see op_cases/model.py."""


CONVERSIONS = ("Reshape", "Transpose")
LAYOUT = ("Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Layers that the compiler adds between layouts, and operators that become nothing else."""


def all_cases() -> Iterator[Case]:
    """Every case, patterns of real models first."""
    for module in (patterns, neural, shapes, elementwise):
        yield from module.cases()


def outcome_of(op: str, result: JobResult, *, pattern: bool) -> dict[str, Any]:
    """What became of the probed node, from the log of its model.

    `layers` bear the probed node's name and decide. `around` bear its output's name or nobody's: conversions at the
    edges of the model, or what the node was turned into; where the node has no layer of its own, they decide, but for
    conversions around a node that is none itself. (In a pattern those with nobody's name are left out: they may be
    another node's.) Where nothing decides, the node was fused into a neighbour or folded away, and counts as npu.
    """
    if not result.ok:
        reason = re.sub(r"(?<![\w'])/[^\s'\"]+", "…", (result.error or result.outcome).strip())
        return {"outcome": "build-fails", "error": f"{result.stage}: {reason}"[:160]}
    facts = read_log(result.log)
    work = [layer for layer in facts.layers if not layer.is_boundary]
    own = [layer for layer in work if OWN.match(layer.name)]
    others = [layer for layer in work if not OWN.match(layer.name)]
    around = [layer for layer in others if "probe" in layer.name or not (pattern or NEIGHBOURS.search(layer.name))]
    line: dict[str, Any] = {"layers": [f"{layer.op}@{layer.target}" for layer in own]}
    if around:
        line["around"] = [f"{layer.op}@{layer.target}" for layer in around]
    lost = sorted({item.op for item in facts.no_lowering if not NEIGHBOURS.search(item.name)})
    if lost:
        return {"outcome": "no-kernel", **line, "lost": lost}
    return {"outcome": _device(op, line["layers"], line.get("around", [])), **line}


def _device(op: str, layers: list[str], around: list[str]) -> str:
    deciding = layers or [layer for layer in around if op in LAYOUT or layer.split("@")[0] not in CONVERSIONS]
    return "cpu" if any(layer.endswith("@CPU") for layer in deciding) else "npu"


def measure(cases: list[Case], worker: Worker, platform: str) -> Iterator[dict[str, Any]]:
    """The line of each case."""
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        path = Path(folder) / "case.onnx"
        for case in cases:
            onnx.save(parse(case.text, case.id), path)
            result = worker.run(Job(path, platform))
            yield {
                "id": case.id,
                "op": case.op,
                **outcome_of(case.op, result, pattern="/in-" in case.id),
                "model": case.text,
            }


def main() -> None:
    """Run what is asked for and write the file."""
    options = _options()
    path = data_folder("op_tables") / "evidence" / f"rknn-{options.toolkit}.jsonl"
    known = {line["id"]: line for line in map(json.loads, path.read_text().splitlines())} if path.exists() else {}
    wanted = set(filter(None, options.only.split(",")))
    cases = {c.id: c for c in all_cases()}
    todo = [
        c
        for c in cases.values()
        if (not wanted or c.op in wanted) and (c.id not in known or options.again or known[c.id]["model"] != c.text)
    ]
    toolkit = find_toolkit(options.toolkit, options.toolkit_python)
    print(f"{len(todo)} of {len(cases)} cases to run", flush=True)

    def share(number: int) -> None:
        with Worker(toolkit, LIMITS) as worker:
            for done, line in enumerate(measure(todo[number :: options.jobs], worker, options.platform), 1):
                known[line["id"]] = line
                if done % 50 == 0:
                    print(f"{number}: {done}", flush=True)
                    _write(path, known)

    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(share, range(options.jobs)))
    finally:
        _write(path, {name: line for name, line in known.items() if name in cases})


def _write(path: Path, lines: dict[str, dict[str, Any]]) -> None:
    ordered = sorted(lines.copy().values(), key=lambda line: line["id"])
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in ordered))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toolkit", default="2.3.2")
    parser.add_argument("--toolkit-python", type=Path)
    parser.add_argument("--platform", default="rk3588")
    parser.add_argument("--only", default="", help="operators, separated by commas")
    parser.add_argument("--again", action="store_true", help="run cases that are there already")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
