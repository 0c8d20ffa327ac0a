"""What each fix gains: layers, CPU layers, traffic and cosine of an encoder, and of one block in each form.

    python -m benchmarks.rewrites STATIC.onnx DYNAMIC.onnx … [--length 256] [-o benchmarks/rewrites.md]

A model with static inputs is built as it is. One with dynamic inputs is pinned to 1 x LENGTH and fixed with more and
more rules; a row is left out where a rule finds nothing. The cosine is the lowest over masks of several lengths, of the
mean over real tokens, between the simulator and ONNX Runtime on the model as exported.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from rkgraph.analysis.evaluator import Evaluator
from rkgraph.cli.common import home_folder
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import fix_model
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import LogFacts, read_log
from tests.rules.attention_block import block, positions

GROUND = ("RK110", "RK111", "RK301", "RK303", "RK401")
REWRITES = ("RK203", "RK202", "RK204", "RK502", "RK503", "RK504", "RK505", "RK506", "RK507")
LENGTHS = (3, 20, 130, 256)
MASK = "attention_mask"

FORMS: Mapping[str, Sequence[tuple[str, Mapping[str, object], tuple[str, ...]]]] = {
    "mask-forms": (
        ("added", {}, ()),
        ("expanded, through bool, added (SDPA)", {"mask": "sdpa"}, ("RK203", "RK202")),
        ("Where on the scores, mask from an input", {"mask": "chosen"}, ("RK203", "RK202", "RK504")),
        ("Where on the scores, constant causal mask", {"mask": "causal"}, ("RK203", "RK504")),
        ("causal and padding, added in turn", {"mask": "parts"}, ("RK203", "RK505")),
    ),
    "attention-forms": (
        ("4-D, scaled after the product", {}, ()),
        ("3-D, scaled after the product", {"attention": "3d"}, ("RK502",)),
    ),
    "gelu-forms": (
        ("erf(x / 1.4142)", {}, ()),
        ("erf(x · 0.7071)", {"gelu": "erf"}, ("RK503",)),
        ("tanh, x · x · x", {"gelu": "tanh"}, ("RK503",)),
    ),
    "nan-guard": (("Where(IsNaN(p), 0, p)", {"guard": True}, ("RK203", "RK506")),),
    "rms-norm-forms": (
        ("x · (1/√) · scale", {"norm": "fused"}, ()),
        ("x · Reciprocal(√) · scale", {"norm": "reciprocal"}, ("RK507",)),
        ("x / √ · scale", {"norm": "quotient"}, ("RK507",)),
        ("x · (1/√)", {"norm": "unscaled"}, ("RK507",)),
    ),
    "positions": (("counted in whole numbers", {"positions": True}, ("RK204",)),),
}

Feeds = Mapping[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Measured:
    """One build: its layer table in numbers, and the lowest cosine where it was simulated."""

    layers: int
    cpu: int
    rw_kb: float
    ddr_cycles: int
    operators: frozenset[str]
    no_kernel: tuple[str, ...]
    cosine: float | None = None

    @classmethod
    def of(cls, facts: LogFacts, cosine: float | None) -> Measured:
        """From the facts of a build's log; inputs and outputs count as layers, as the toolkit prints them."""
        return cls(
            layers=len(facts.layers),
            cpu=sum(layer.target == "CPU" and not layer.is_boundary for layer in facts.layers),
            rw_kb=sum(layer.rw_kb for layer in facts.layers),
            ddr_cycles=sum(layer.ddr_cycles for layer in facts.layers),
            operators=frozenset(layer.op for layer in facts.layers),
            no_kernel=tuple(sorted({lost.op for lost in facts.no_lowering})),
            cosine=cosine,
        )


class Bench:
    """Builds models with one worker, in one temporary folder."""

    def __init__(self, worker: Worker, folder: Path) -> None:
        self.worker, self.folder = worker, folder

    def build(
        self, path: Path, feeds: Sequence[Feeds] = (), expected: Sequence[npt.NDArray[np.float32]] = ()
    ) -> Measured:
        """Build the model and, given feeds, simulate it and compare the means over real tokens.

        Raises:
            SystemExit: the toolkit failed.
        """
        files = []
        for number, one in enumerate(feeds):
            files.append(self.folder / f"feed{number}.npz")
            np.savez(files[-1], **one)  # type: ignore[arg-type]
        graph = read_view(path).main
        job = Job(path, simulate=tuple(files), inputs=graph.inputs, outputs=graph.outputs, output_folder=self.folder)
        result = self.worker.run(job)
        if not result.ok:
            sys.exit(f"{path.name}: {result.outcome}: {result.error}")
        cosines = []
        for file, one, wanted in zip(result.outputs, feeds, expected, strict=True):
            with np.load(file) as arrays:
                cosines.append(cosine(mean(arrays[graph.outputs[0]], one[MASK]), mean(wanted, one[MASK])))
        return Measured.of(read_log(result.log), min(cosines) if cosines else None)

    def fixed(
        self, path: Path, codes: Sequence[str], shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[Path, frozenset[str]]:
        """The model fixed with the rules `codes` alone, and the codes of the fixes that were applied."""
        model = Model.load(path)
        ruleset = RuleSet("rewrites", "2.3.2", tuple(codes), allow=frozenset({Safety.FP16_RANGE}))
        outcome = fix_model(model, Target(), ruleset, Options(shapes=shapes))
        target = self.folder / "fixed.onnx"
        model.save(target, "inline")
        return target, frozenset(fix.code for fix in outcome.fixes.applied)


def mean(tokens: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Mean over the real tokens: [1, S, D] and [1, S] → [D]."""
    kept = mask.astype(np.float64)[..., None]
    return np.asarray((tokens * kept).sum(axis=1)[0] / kept.sum())


def cosine(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Cosine of the angle between two vectors."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def feeds_of(names: Sequence[str], length: int) -> list[Feeds]:
    """Token ids, masks of growing length, and zeros for all other inputs, each 1 x length."""
    random = np.random.default_rng(0)
    made = []
    for real in (n for n in LENGTHS if n <= length):
        kept = (np.arange(length) < real).astype(np.int64)[None]
        ids = random.integers(1000, 20000, (1, length)) * kept
        made.append({name: {MASK: kept, "input_ids": ids}.get(name, np.zeros_like(kept)) for name in names})
    return made


def encoder_rows(bench: Bench, path: Path, length: int) -> Iterator[tuple[str, Measured]]:
    """Rows of one encoder: as it is where its shapes are static, else with more and more rules."""
    graph = read_view(path).main
    feeds = feeds_of(graph.inputs, length)
    expected = [Evaluator(path).run(one)[graph.outputs[0]] for one in feeds]
    if all(graph.value(name).is_static for name in graph.inputs):
        yield "as exported, static", bench.build(path, feeds, expected)
        return
    shapes = dict.fromkeys(graph.inputs, (1, length))
    codes: tuple[str, ...] = GROUND
    model, applied = bench.fixed(path, codes, shapes)
    yield "pinned, folded, opset: " + ", ".join(sorted(applied)), bench.build(model, feeds, expected)
    for code in REWRITES:
        codes = (*codes, code)
        model, applied = bench.fixed(path, codes, shapes)
        if code in applied:
            yield f"+ {code}", bench.build(model, feeds, expected)


def form_rows(bench: Bench, heading: str) -> Iterator[tuple[str, str, Measured]]:
    """Rows of one block in each form of a heading: as written, and after the rules."""
    for name, form, codes in FORMS[heading]:
        path = bench.folder / "block.onnx"
        onnx.save(positions() if "positions" in form else block(**form), path)  # type: ignore[arg-type]
        yield name, "as written", bench.build(path)
        if codes:
            yield name, "+ " + ", ".join(codes), bench.build(bench.fixed(path, codes, {})[0])


def encoder_table(bench: Bench, paths: Sequence[Path], length: int) -> str:
    """The table of all encoders, in Markdown."""
    lines = [
        "| model | fixed by | layers | on the CPU | read + write, KB | DDR cycles | lowest cosine |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in paths:
        for what, m in encoder_rows(bench, path, length):
            lines.append(
                f"| {path.stem} | {what} | {m.layers} | {m.cpu} | {m.rw_kb:,.0f} | {m.ddr_cycles:,} | {m.cosine:.7f} |"
            )
    return "\n".join(lines)


def form_table(bench: Bench, heading: str) -> str:
    """The table of the forms of one heading, in Markdown."""
    lines = [
        "| form | rules | layers | on the CPU | read + write, KB | fused | no kernel on the board |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, what, m in form_rows(bench, heading):
        fused = ", ".join(sorted(m.operators & {"exSDPAttention", "ConvExGelu", "exNorm"}))
        lines.append(
            f"| {name} | {what} | {m.layers} | {m.cpu} | {m.rw_kb:,.0f} | {fused} | {', '.join(m.no_kernel)} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure everything, and replace the tables in the Markdown page between its markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".md"))
    given = parser.parse_args()
    page = given.output.read_text(encoding="utf-8")
    toolkit = find_toolkit("2.3.2", None, home=home_folder())
    with tempfile.TemporaryDirectory() as name, Worker(toolkit) as worker:
        bench = Bench(worker, Path(name))
        tables = {heading: form_table(bench, heading) for heading in FORMS}
        if given.models:
            tables["encoders"] = encoder_table(bench, [path.resolve() for path in given.models], given.length)
    for heading, table in tables.items():
        start, end = f"<!-- {heading} -->\n", f"<!-- /{heading} -->"
        before, rest = page.split(start, 1)
        page = f"{before}{start}{table}\n{end}{rest.split(end, 1)[1]}"
    given.output.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
