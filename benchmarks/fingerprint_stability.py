"""How many fingerprints survive a re-export that renames everything and writes nodes in another order.

    python benchmarks/fingerprint_stability.py --corpus FOLDER [--largest MB]

Each model is linted as it is, and once more after `disguise`: every node and every value but inputs and outputs has
another name, and the nodes stand in another order of dataflow. A baseline that was written of the first has to know all
findings of the second. Findings that are about names (RK521) may come and go with them.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx

from rkgraph.engine.lint import lint_view
from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target

ABOUT_NAMES = frozenset({"RK521"})


def main() -> int:
    """Print what changed; 1 where a finding did that is not about names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--largest", type=int, default=60, help="MB; larger files are left out")
    given = parser.parse_args()
    models = findings = changed = numbered = 0
    for path in sorted({p.resolve() for link in given.corpus.iterdir() for p in link.rglob("*.onnx")}):
        if path.stat().st_size > given.largest << 20:
            continue
        try:
            before = _fingerprints(path)
        except ModelError:
            continue
        after = _after(path)
        models, findings = models + 1, findings + sum(before.values())
        numbered += sum(count for (_, own), count in before.items() if "#" in own)
        other = {pair for pair in (before - after) + (after - before) if pair[0] not in ABOUT_NAMES}
        changed += len(other)
        if other:
            print(f"{path.name}: {Counter(code for code, _ in other)}", flush=True)
    print(f"{models} models, {findings} findings, {numbered} numbered among equals; {changed} fingerprints changed")
    return 1 if changed else 0


def _fingerprints(path: Path) -> Counter[tuple[str, str]]:
    result = lint_view(read_view(path), Target(), load_ruleset("rknn-2.3.2"))
    return Counter((finding.code, finding.fingerprint) for finding in result.diagnostics)


def _after(path: Path) -> Counter[tuple[str, str]]:
    model = onnx.load(path, load_external_data=False)
    disguise(model, random.Random(0))  # noqa: S311 - names, no secrets
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # beside the model, where its weights may lie
        disguised = Path(folder) / path.name
        for inner in path.parent.iterdir():
            if inner.is_file() and inner.suffix != ".onnx":
                (Path(folder) / inner.name).symlink_to(inner)
        onnx.save(model, disguised)
        return _fingerprints(disguised)


def disguise(model: onnx.ModelProto, draw: random.Random) -> None:
    """Other names for all nodes and inner values, and another order of the main graph's nodes."""
    main = model.graph
    kept = {value.name for value in (*main.input, *main.output)}
    names: dict[str, str] = {}

    def other(name: str) -> str:
        return name if name in kept or not name else names.setdefault(name, f"v{draw.getrandbits(48):x}")

    for graph in _graphs(main):
        for named in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
            named.name = other(named.name)
        for sparse in graph.sparse_initializer:
            sparse.values.name = other(sparse.values.name)
        for note in graph.quantization_annotation:
            note.tensor_name = other(note.tensor_name)
        for node in graph.node:
            node.name = f"n{draw.getrandbits(48):x}"
            node.input[:] = map(other, node.input)
            node.output[:] = map(other, node.output)
    _reorder(main, draw)


def _reorder(main: onnx.GraphProto, draw: random.Random) -> None:
    nodes = list(main.node)
    maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits = [{maker[name] for name in _reads(node) if name in maker} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, needed in enumerate(waits):
        for one in needed:
            readers[one].append(index)
    left = [len(needed) for needed in waits]
    ready, order = [index for index, count in enumerate(left) if not count], []
    while ready:
        index = ready.pop(draw.randrange(len(ready)))
        order.append(index)
        for reader in readers[index]:
            left[reader] -= 1
            if not left[reader]:
                ready.append(reader)
    del main.node[:]
    main.node.extend(nodes[index] for index in order)


def _reads(node: onnx.NodeProto) -> set[str]:
    found = set(node.input)
    for inner in _inner(node):
        for graph in _graphs(inner):
            found.update(value.name for value in graph.output)
            found.update(name for each in graph.node for name in each.input)
    return found


def _inner(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from ([attribute.g] if attribute.HasField("g") else attribute.graphs)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for inner in _inner(node):
            yield from _graphs(inner)


if __name__ == "__main__":
    sys.exit(main())
