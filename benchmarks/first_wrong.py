"""What `--calibration` calls the first node that goes wrong in fp16, held against the toolkit's simulator.

Seeded random chains of operators are looked through in ONNX Runtime (`analysis/fp16_trouble.py`). Then, for every value
of a chain, the part of the model that leads to it is built and simulated: that tells which values are wrong by more
than 1 % where they are stored. A wrong value counts if wrong ones lead from it to the output: what is computed in one
layer may be beyond fp16 in between, and is right behind. Both first ones should be the same node, or both none.
"Absorbed" is an error that was foretold, and is there, of a value to which larger ones are added before the output
goes wrong of itself.

    python -m benchmarks.first_wrong [--models 24] [--first 24] [-o benchmarks/first_wrong.md]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from rkgraph.analysis.fp16_trouble import TOLERATED, Trouble, fp16_troubles
from rkgraph.cli.common import home_folder
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.graph.model import Model
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.one_layer import values_within_layers
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.rewriting import run

Feeds = dict[str, npt.NDArray[np.float32]]

SHAPE = (1, 16, 32)
BORDER = (TOLERATED / 2, TOLERATED * 2)
"""Errors between these are neither right nor wrong: rounding differs a little between the two."""

_NORM = (
    "{y}_s = Pow({y}_c, two) {y}_v = ReduceMean<axes = [-1]>({y}_s) {y}_e = Add({y}_v, eps) {y}_r = Sqrt({y}_e) "
    "{y} = Div({y}_c, {y}_r)"
)
_DEVIATION = (
    "{y}_s = Mul({y}_c, {y}_c) {y}_v = ReduceMean<axes = [-1]>({y}_s) {y}_r = Sqrt({y}_v) {y}_e = Add({y}_r, eps) "
    "{y} = Div({y}_c, {y}_e)"
)
_CENTRED = "{y}_m = ReduceMean<axes = [-1]>({x}) {y}_c = Sub({x}, {y}_m)"

STEPS = (
    "{y} = Relu({x})",
    "{y} = Mul({x}, small)",
    "{y} = Mul({x}, large)",
    "{y} = Add({x}, one)",
    "{y} = Tanh({x})",
    "{y} = Mul({x}, {x})",
    "{y}_a = Mul({x}, {x}) {y} = Mul({y}_a, tiny)",
    "{y}_a = Add({x}, far) {y} = Sub({y}_a, far)",
    "{y}_a = Add({x}, far) {y}_b = Relu({y}_a) {y} = Sub({y}_b, far)",
    "{y}_a = MatMul({x}, w) {y} = Mul({y}_a, small)",
    "{y}_a = MatMul({x}, w) {y}_b = Add({y}_a, {x}) {y} = Mul({y}_b, small)",
    "{y}_a = MatMul({x}, w) {y} = Relu({y}_a)",
    f"{_CENTRED} {_NORM}",
    f"{_CENTRED} {_DEVIATION}",
    "{y}_n = ReduceL2<axes = [-1]>({x}) {y}_g = Max({y}_n, eps) {y} = Div({x}, {y}_g)",
    "{y}_n = ReduceL2<axes = [-1]>({x}) {y} = Div({x}, {y}_n)",
    "{y}_a = Softmax({x}) {y} = Mul({y}_a, large)",
    "{y}_a = Abs({x}) {y}_b = Add({y}_a, one) {y} = Log({y}_b)",
)
NUMBERS = {"small": 0.05, "tiny": 0.0003, "large": 40.0, "one": 1.0, "two": 2.0, "far": 3000.0, "eps": 1e-5}


@dataclass(frozen=True)
class Verdicts:
    """Of one model: what was foretold to go wrong first, what did in the simulator, and what makes that unsure."""

    seed: int
    operators: str
    told: Trouble | None
    found: str | None
    unsure: bool
    absorbed: bool

    @property
    def agree(self) -> bool:
        """Whether both are the same node, or none; or the one foretold is wrong, and absorbed."""
        return (self.told.value if self.told else None) == self.found or self.absorbed


def chain(seed: int, steps: int = 4) -> onnx.ModelProto:
    """A model of `steps` random steps."""
    random = np.random.default_rng(seed)
    nodes, name = [], "x"
    for number in range(steps):
        new = f"v{number}" if number < steps - 1 else "y"
        nodes.append(STEPS[random.integers(len(STEPS))].format(x=name, y=new))
        name = new
    size = ", ".join(map(str, SHAPE))
    numbers = ", ".join(f"float {key} = {{{value}}}" for key, value in NUMBERS.items())
    weights = ", ".join(f"{value:.4f}" for value in random.normal(size=SHAPE[-1] ** 2) / 4)
    text = f"""<ir_version: 8, opset_import: ["" : 17]> g (float[{size}] x) => (float[{size}] y)
    <{numbers}, float[{SHAPE[-1]}, {SHAPE[-1]}] w = {{{weights}}}> {{ {" ".join(nodes)} }}"""
    proto = onnx.parser.parse_model(text)
    read = {each for node in proto.graph.node for each in node.input}
    for tensor in [t for t in proto.graph.initializer if t.name not in read]:
        proto.graph.initializer.remove(tensor)
    return onnx.shape_inference.infer_shapes(proto)


def sample(seed: int) -> Feeds:
    """Numbers that fp16 holds, of a scale that differs from seed to seed."""
    random = np.random.default_rng(10_000 + seed)
    scale = 10.0 ** random.uniform(-4, 3.3)
    return {"x": (random.normal(size=SHAPE) * scale).astype(np.float16).astype(np.float32)}


def foretold(proto: onnx.ModelProto, feeds: Feeds, folder: Path) -> Trouble | None:
    """What `--calibration` says goes wrong first."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    model = Model.load(path)
    return next(iter(fp16_troubles(model, [feeds], values_within_layers(model.view().main))), None)


def errors_of(worker: Worker, proto: onnx.ModelProto, feeds: Feeds, folder: Path) -> tuple[GraphView, dict[str, float]]:
    """The error of each value in the simulator; infinite where the toolkit does not build what leads to it."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    model = Model.load(path)
    main = model.view().main
    errors = {
        name: error_of(worker, model.extract(main.inputs, [name]), name, feeds, folder)
        for node in main.nodes
        for name in node.outputs
    }
    return main, errors


def first_wrong(main: GraphView, errors: Mapping[str, float]) -> str | None:
    """The first value that is wrong, and from which wrong ones lead to an output."""
    leading = _leading(main, {name for name, error in errors.items() if not error <= TOLERATED})
    return next((name for node in main.nodes for name in node.outputs if name in leading), None)


def error_of(worker: Worker, part: onnx.ModelProto, name: str, feeds: Feeds, folder: Path) -> float:
    """‖simulated − exact‖ / ‖exact‖ of the output of a part; NaN where it is not finite, and is in float32."""
    (folder / "part.onnx").write_bytes(part.SerializeToString())
    write_npz(folder / "feeds.npz", feeds)
    job = Job(
        folder / "part.onnx", simulate=(folder / "feeds.npz",), inputs=("x",), outputs=(name,), output_folder=folder
    )
    done = worker.run(job)
    if not done.ok:
        return math.inf
    exact = np.asarray(run(part, feeds)[0], np.float64)
    found = read_npz(done.outputs[0])[name].reshape(exact.shape).astype(np.float64)
    if not np.isfinite(found[np.isfinite(exact)]).all():
        return float("nan")
    gap = np.linalg.norm(np.where(np.isfinite(exact), found - exact, 0.0))
    norm = np.linalg.norm(np.where(np.isfinite(exact), exact, 0.0))
    return float(gap / norm) if norm else float(gap > 0)


def _leading(graph: GraphView, wrong: set[str]) -> set[str]:
    """The wrong values from which wrong ones lead to an output."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        for name in node.outputs:
            behind = any(output in found for reader in graph.consumers(name) for output in reader.outputs)
            if name in wrong and (behind or name in graph.outputs):
                found.add(name)
    return found


def judge(worker: Worker, seed: int) -> Verdicts:
    """Both verdicts on the chain of a seed."""
    proto, feeds = chain(seed), sample(seed)
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
        told = foretold(proto, feeds, Path(name))
        main, errors = errors_of(worker, proto, feeds, Path(name))
    found = first_wrong(main, errors)
    unsure = any(BORDER[0] < error < BORDER[1] or error == math.inf for error in errors.values())
    order = [each for node in main.nodes for each in node.outputs]
    absorbed = (
        told is not None
        and found is not None
        and not errors[told.value] <= TOLERATED
        and order.index(told.value) < order.index(found)
    )
    operators = " ".join(node.op_type for node in proto.graph.node)
    return Verdicts(seed, operators, told, found, unsure, absorbed)


def table(verdicts: Sequence[Verdicts]) -> str:
    """The page."""
    sure = [each for each in verdicts if not each.unsure]
    told = (
        f"Of {len(verdicts)} models {len(sure)} build in all parts and have no error near the border "
        f"({BORDER[0]:.1%} to {BORDER[1]:.0%}); of these both agree on {sum(each.agree for each in sure)}. "
        "rknn-toolkit2 2.3.2, rk3588."
    )
    lines = [
        "# The first node that goes wrong in fp16",
        "",
        *(__doc__ or "").split("\n\n")[1].splitlines(),
        "",
        told,
        "",
        "| seed | operators | foretold | simulator | agree |",
        "|---|---|---|---|---|",
    ]
    for each in verdicts:
        told = f"{each.told.value} ({each.told.kind})" if each.told else "none"
        note = "yes, absorbed" if each.absorbed else "yes" if each.agree else "unsure" if each.unsure else "no"
        lines.append(f"| {each.seed} | {each.operators} | {told} | {each.found or 'none'} | {note} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the models and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=24, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed; nobody looked at 24 and above")
    parser.add_argument("-o", "--output", type=Path, help="where the page goes; standard output by default")
    given = parser.parse_args(arguments)
    verdicts = []
    with Worker(find_toolkit("2.3.2", None, home_folder())) as worker:
        for seed in range(given.first, given.first + given.models):
            verdicts.append(judge(worker, seed))
            print(f"{seed}: {'agree' if verdicts[-1].agree else 'DIFFER'}", file=sys.stderr)
    page = table(verdicts)
    if given.output:
        given.output.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
