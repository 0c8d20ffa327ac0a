"""What the toolkit builds without a word and computes wrong: small models in its simulator against ONNX Runtime.

    python -m benchmarks.silent_wrong cases --cases 600       # cases of the probe that build: silent_wrong.jsonl
    python -m benchmarks.silent_wrong laws --toolkit 2.5.0    # both sides of each law: silent_wrong_laws.jsonl
    python -m benchmarks.silent_wrong page                    # silent_wrong.md of both

What is measured is added to the file, and not measured again; delete lines to have it so.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.silent_wrong_laws import models
from benchmarks.silent_wrong_numbers import Match, feeds_of, judge
from benchmarks.silent_wrong_page import page
from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.cli.common import home_folder
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.files import write_text
from rkgraph.probe.case import parse
from rkgraph.probe.evidence import lines_of, models_of
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, Limits
from rkgraph.toolkit.locate import find_toolkit

HERE = Path(__file__).parent
CASES, LAWS, PAGE = HERE / "silent_wrong.jsonl", HERE / "silent_wrong_laws.jsonl", HERE / "silent_wrong.md"
BUILDS = ("npu", "cpu")
COMPANION = "k1"
"""The output of the branch that every model of the probe has."""


def sampled(target: Target, count: int) -> list[str]:
    """About `count` ids of cases that build, of every operator, of each kind of result, in an order that is fixed.

    An operator has cases as the root of how many it has, at least three; kinds (layers, and where the node stands) take
    turns. A larger count has all cases of a smaller one.
    """
    kinds: dict[str, dict[Any, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, line in lines_of(target).items():
        if line["outcome"] in BUILDS:
            kind = (tuple(line.get("layers", ())), name.rpartition(",")[2])
            kinds[name.partition("/")[0]][kind].append(name)
    roots = {op: math.sqrt(sum(map(len, groups.values()))) for op, groups in kinds.items()}
    share = count / sum(roots.values())
    return [name for op, groups in sorted(kinds.items()) for name in _turns(groups, max(3, round(share * roots[op])))]


def _turns(groups: Mapping[Any, Sequence[str]], count: int) -> list[str]:
    """The first `count` of groups that take turns, each in a shuffled order that depends on nothing but names."""
    queues = [sorted(group, key=lambda name: zlib.crc32(name.encode())) for group in groups.values()]
    queues.sort(key=lambda queue: (-len(queue), queue[0]))
    found: list[str] = []
    while len(found) < count and any(queues):
        for queue in queues:
            if queue and len(found) < count:
                found.append(queue.pop(0))
    return found


def measure(worker: Worker, text: str, platform: str) -> dict[str, Any]:
    """One model built and simulated on each of its feeds.

    "numbers": "right", "wrong", "slight" (beyond fp16's tolerance and below 5 % of the norm), "unsure" (nothing can be
    said of any element), or "none" (why there are none is in "detail").
    """
    try:
        model = parse(text)
        feeds = feeds_of(model)
    except (EvaluationError, ValueError, TypeError) as error:
        return {"numbers": "none", "detail": f"no reference: {error}"[:120]}
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        files = tuple(folder / f"feeds{number}.npz" for number in range(len(feeds)))
        for path, arrays in zip(files, feeds, strict=True):
            write_npz(path, arrays)
        (folder / "outputs").mkdir()
        inputs, outputs = (tuple(v.name for v in values) for values in (model.graph.input, model.graph.output))
        job = Job(
            folder / "model.onnx",
            platform,
            simulate=files,
            inputs=inputs,
            outputs=outputs,
            output_folder=folder / "outputs",
        )
        done = worker.run(job)
        if not done.ok:
            return {"numbers": "none", "detail": f"{done.outcome} {done.signal or ''} {done.error or ''}"[:120]}
        found = [read_npz(path) for path in done.outputs]
    return _verdict([match for given, made in zip(feeds, found, strict=True) for match in judge(model, given, made)])


def _verdict(matches: Sequence[Match]) -> dict[str, Any]:
    told = [match for match in matches if match.bad or match.why]
    if not told:
        sure = any(match.sure for match in matches if match.output != COMPANION)
        return {"numbers": "right" if sure else "unsure"}
    worst = max(told, key=lambda match: (match.wrong, match.bad))
    detail = worst.why or f"{worst.bad} of {worst.sure} elements, off by {worst.error:.2g} of the norm"
    return {"numbers": "wrong" if worst.wrong else "slight", "detail": detail}


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, none where there is no file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _write(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(x, ensure_ascii=False, separators=(",", ":")) + "\n" for x in lines))


def _measure_cases(worker: Worker, target: Target, count: int) -> None:
    known, texts = {line["id"]: line for line in read(CASES)}, models_of()
    names = [name for name in sampled(target, count) if name not in known]
    for number, name in enumerate(sorted(names, key=lambda name: zlib.crc32(name[::-1].encode()))):
        known[name] = {"id": name, **measure(worker, texts[name].text, target.platform)}
        _tell(name, known[name])
        if number % 50 == 0 or number == len(names) - 1:
            _write(CASES, [line for _, line in sorted(known.items())])


def _measure_laws(worker: Worker, target: Target) -> None:
    known, where = {(line["law"], line["case"]): line for line in read(LAWS)}, f"{target.toolkit}/{target.platform}"
    lines = []
    for law, case, text in models():
        line = known.get((law, case), {"law": law, "case": case, "numbers": {}})
        if where not in line["numbers"]:
            found = measure(worker, text, target.platform)
            _tell(f"{law}: {case}", found)
            line["numbers"] = dict(sorted({**line["numbers"], where: found["numbers"]}.items()))
        lines.append(line)
    _write(LAWS, lines)


def _tell(name: str, line: Mapping[str, Any]) -> None:
    if line["numbers"] != "right":
        print(f"{name}: {line['numbers']} {line.get('detail', '')}", file=sys.stderr)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("cases", "laws", "page"))
    parser.add_argument("--toolkit", default="2.3.2")
    parser.add_argument("--platform", default="rk3588")
    parser.add_argument("--cases", type=int, default=600, help="how many cases of the probe, about")
    return parser.parse_args(given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is left to measure, or write the page."""
    given = _arguments(arguments)
    if given.what == "page":
        write_text(PAGE, page(read(CASES), read(LAWS)))
        return 0
    target = Target(given.platform, given.toolkit, "fp16")
    with Worker(find_toolkit(given.toolkit, None, home_folder()), Limits(seconds=120)) as worker:
        if given.what == "cases":
            _measure_cases(worker, target, given.cases)
        else:
            _measure_laws(worker, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
