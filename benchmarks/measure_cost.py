"""Builds public models and writes what lint reads from each beside the totals of its layer table: cost evidence.

    python benchmarks/collect_corpus.py FOLDER
    python benchmarks/measure_cost.py --corpus FOLDER --target rk3588:2.3.2:fp16 --target rk3576:2.3.2:fp16
    python -m rkgraph.induction.cost_fit

Every shape is pinned to that of the sample inputs. Answers of the compiler are kept by content below `--cache`, the
same that `lint_accuracy.py` uses; what does not build is left out. `--each` takes one export of each architecture.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from accuracy_models import Subject, public_models
from corpus import LIST

from rkgraph.cli.common import home_folder
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.toolchain import Toolchain
from rkgraph.cost.features import Features, read_features
from rkgraph.cost.sizes import Sizes
from rkgraph.engine.lint import find, make_context, result_of
from rkgraph.errors import ModelError, RkgraphError
from rkgraph.files import write_text
from rkgraph.graph.load import read_view
from rkgraph.induction.cost_evidence import Measured, evidence_file, to_line
from rkgraph.oracle.truth import Pins, Truth, find_truth
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target, resolve_target
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import find_toolkit


def main() -> None:
    """Build, and write the evidence of all targets that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--models", type=Path, nargs="+", default=[LIST], metavar="JSONL")
    parser.add_argument("--target", action="append", required=True, metavar="PLATFORM:VERSION:PRECISION")
    parser.add_argument("--cache", type=Path, default=home_folder(), metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=120.0, help="a build may take")
    parser.add_argument("--memory", type=int, default=6000, help="MB a build may take", metavar="MB")
    parser.add_argument("--kept", action="store_true", help="only what was built before")
    args = parser.parse_args()
    models = list(public_models(args.corpus, args.models))
    lines = []
    for word in args.target:
        target = resolve_target(*word.split(":"))
        found = list(_measure(models, target, args))
        sys.stderr.write(f"{target}: {len(found)} of {len(models)} models\n")
        lines += map(to_line, found)
    write_text(evidence_file(), "".join(f"{line}\n" for line in lines))


def _measure(models: Sequence[Subject], target: Target, args: argparse.Namespace) -> Iterator[Measured]:
    cache = CompileCache(args.cache / "truths")
    with Toolchain(
        lambda: find_toolkit(target.toolkit, None, home_folder()), Limits(args.seconds, args.memory)
    ) as chain:
        asked: Toolchain = _Nothing() if args.kept else chain  # type: ignore[assignment]
        for model in models:
            try:
                features = features_of(model, target)
                truth = find_truth(model.path, target, asked, pins=Pins(model.shapes), cache=cache)
            except (ModelError, _NotKept):
                continue
            except RkgraphError as error:
                sys.stderr.write(f"{model.id}: {error.message}\n")
                continue
            totals = _totals(truth)
            if totals and features.known:
                yield Measured(model.id, target, features, totals)


class _NotKept(Exception):
    """No answer is kept."""


class _Nothing:
    def run(self, *_arguments: object) -> None:
        raise _NotKept


def features_of(model: Subject, target: Target) -> Features:
    """What the estimate is made of."""
    view = read_view(model.path, shapes=model.shapes)
    context = make_context(view, target, Options(shapes=model.shapes))
    placed = result_of(context, find(context, load_ruleset(f"rknn-{target.toolkit}"))).placement
    devices = {node.index: node.device for node in placed if node.graph == "main"}
    return read_features(view.main, context.live_nodes(view.main), devices, Sizes(view.main, target.precision))


def _totals(truth: Truth) -> dict[str, float]:
    """The totals of the layer table; nothing where there is none."""
    layers, memory = truth.facts.layers, truth.facts.memory
    if truth.outcome != "ok" or not layers or {"internal_kb", "weight_kb"} - set(memory):
        return {}
    return {
        "layers": len(layers),
        "cycles": sum(max(layer.ddr_cycles, layer.npu_cycles) for layer in layers),
        "rw_kb": round(sum(layer.rw_kb for layer in layers), 1),
        "internal_kb": memory["internal_kb"],
        "weight_kb": memory["weight_kb"],
    }


if __name__ == "__main__":
    main()
