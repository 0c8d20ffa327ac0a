"""A suite in the layout of onnx's own, of cases that the probe measured and that do not run on a target as they are.

    python -m benchmarks.probed_suite FOLDER [--target rk3588:2.3.2] [--count 600] [--seed 1] [--outcomes OUTCOME …]
    python -m benchmarks.fix_rate --suite FOLDER

Cases are drawn evenly over operators. Inputs are made up from what the graph says of them, and what ONNX Runtime makes
of the model is what is expected; cases that it does not run, and random ones, are left out. So `fix_rate` tells how
well fixes do on models that nobody wrote them for.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from benchmarks.suite_cases import DATA, agree, run
from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.tensors import tensors_of
from rkgraph.graph.load import read_view
from rkgraph.probe.case import Case, parse
from rkgraph.probe.plan import all_cases
from rkgraph.resources import data_folder

DRAWS = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
"""What they return is drawn: with a seed it is always the same, and still only one of all that would be right."""


def main() -> None:
    """Write the suite and say how many models it has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="rk3588:2.3.2", metavar="PLATFORM:VERSION")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outcomes", nargs="+", default=["build-fails", "no-kernel"])
    args = parser.parse_args()
    platform, _, version = args.target.partition(":")
    evidence = data_folder("op_tables") / "evidence" / f"rknn-{version}" / f"{platform}-fp16.jsonl"
    outcomes = {line["id"]: line["outcome"] for line in map(json.loads, evidence.read_text().splitlines())}
    cases = [case for case in all_cases().values() if outcomes.get(case.id) in args.outcomes and case.op not in DRAWS]
    written = sum(write(case, args.folder / DATA / "probed") for case in drawn(cases, args.count, args.seed))
    names = [f"probed/{path.parent.name}" for path in sorted((args.folder / DATA).glob("probed/*/model.onnx"))]
    (args.folder / f"reference-{version}.txt").write_text("\n".join(names) + "\n")
    print(f"{written} models in {args.folder}")


def drawn(cases: Sequence[Case], count: int, seed: int) -> Iterator[Case]:
    """`count` cases at random, one of each operator in turn."""
    chance = random.Random(seed)  # noqa: S311 - repeatable is what is wanted
    by_op: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.id):
        by_op[case.op].append(case)
    for of_op in by_op.values():
        chance.shuffle(of_op)
    while count and by_op:
        for op in sorted(by_op):
            yield by_op[op].pop()
            count -= 1
            if not by_op[op]:
                del by_op[op]
            if not count:
                return


def write(case: Case, folder: Path) -> bool:
    """One model with inputs and expected outputs; False, and nothing, where ONNX Runtime does not run it."""
    model = parse(case.text)
    home = folder / re.sub(r"[^\w.-]+", "_", case.id)
    home.mkdir(parents=True, exist_ok=True)
    path = home / "model.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        main_graph = read_view(path).main
        feeds = generate_feeds(main_graph, tensors_of(main_graph)[0])
        expected, again = run(str(path), feeds), run(str(path), feeds)
    except Exception:  # noqa: BLE001 - ONNX Runtime raises anything, and so do inputs that cannot be made up
        expected, again = {}, {}
    if not expected or agree(expected, again):
        path.unlink()
        home.rmdir()
        return False
    keep(home / "test_data_set_0", model, feeds, expected)
    return True


def keep(folder: Path, model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], expected: Mapping[str, Any]) -> None:
    """Write a test data set as onnx's suites have it: inputs and outputs in the order of the graph."""
    folder.mkdir(exist_ok=True)
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in given]
    for index, name in enumerate(inputs):
        (folder / f"input_{index}.pb").write_bytes(_proto(feeds[name]).SerializeToString())
    for index, value in enumerate(model.graph.output):
        (folder / f"output_{index}.pb").write_bytes(_proto(expected[value.name]).SerializeToString())


def _proto(value: Any) -> Any:
    return numpy_helper.from_list(value) if isinstance(value, list) else numpy_helper.from_array(np.asarray(value))


if __name__ == "__main__":
    main()
