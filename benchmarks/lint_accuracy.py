"""How often lint is right: its predictions against what the real compiler makes of the same models.

    python benchmarks/collect_corpus.py FOLDER
    python benchmarks/lint_accuracy.py --target rk3588:2.3.2 --target rk3588:2.5.0 --newer --corpus FOLDER -o tables.md

Three blocks: the single-operator models of the onnx 1.14.1 backend suite (`--suite FOLDER`: unpacked already) on every
target; on the first target with `--newer` those of onnx 1.18.0 above opset 19, and with `--corpus` the public models of
a folder as `corpus.py` takes them, every shape pinned to that of the sample inputs. The suites are for measuring only:
nothing in the op tables comes from them.

Every model is built by the toolkit (one worker) as it is, and the answer is kept by content below `--cache`, so that a
second run only lints; a run that is interrupted goes on where it ended. Disagreements are printed; the tables go to
`-o FILE.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from accuracy_counts import Answer, Block, node_counts, tables
from accuracy_models import Subject, public_models, suite_folder, suite_models
from corpus import LIST

from rkgraph.cli.common import home_folder
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Severity, Verdict
from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.oracle.truth import Pins, Truth, find_truth
from rkgraph.oracle.verify import Verified, reconcile
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.tables.table import CONSEQUENCE
from rkgraph.targets import Target, resolve_target
from rkgraph.toolkit.jobs import Job, Limits
from rkgraph.toolkit.locate import find_toolkit

OLD, NEW = "1.14.1", "1.18.0"
TITLES = {
    "suite": f"Single operators: the backend suite of onnx {OLD}, opset 19 and older",
    "newer": f"Single operators newer than opset 19: the backend suite of onnx {NEW}",
    "public": "Public models, shapes pinned",
}

HEADER = f"""# How often lint is right

Made by `python benchmarks/lint_accuracy.py` (which says how): lint's predictions, held against what the real compiler
makes of the same models, fp16. `rkgraph lint --verify` does the same for one model.

The suites are the single-operator models of the onnx package ({OLD}; {NEW} for opsets that the toolkits refuse): they
are for measuring only, and no evidence behind the op tables is one of them. The public models are those of
`corpus_models.jsonl`, and exports of architectures by torch's two exporters with random weights; every shape is pinned
to that of the sample inputs.

A verdict is *right* where it is the compiler's word. A node *survives folding* where the compiler neither folds nor
drops it before lowering; its device is that of the layer that computes it. Shares are of the models or nodes of the
row."""


def main() -> None:
    """Measure what is asked for and print it."""
    args = _arguments()
    subjects = _subjects(args)
    sections: dict[str, list[Block]] = {name: [] for name in subjects}
    for place, word in enumerate(args.target):
        platform, _, version = word.partition(":")
        target = resolve_target(platform, version or args.toolkit)
        for name, models in subjects.items():
            if place and name != "suite":
                continue
            block = Block(TITLES[name], f"{target.platform}, {target.toolkit}")
            sections[name].append(block)
            _measure(block, models, target, args)
            for line in disagreements(block):
                print(line, flush=True)
    text = "\n".join((HEADER, *_markdown(sections), ""))
    print(text)
    if args.output is not None:
        args.output.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", metavar="PLATFORM[:VERSION]", help="repeatable")
    parser.add_argument("--toolkit", default="2.3.2", help="for targets without one", metavar="VERSION")
    parser.add_argument("--suite", type=Path, help=f"the suite of onnx {OLD}, unpacked", metavar="FOLDER")
    parser.add_argument("--no-suite", action="store_true", help="leave the suites out")
    parser.add_argument("--newer", action="store_true", help=f"the models of onnx {NEW} above opset 19, too")
    parser.add_argument("--corpus", type=Path, help="public models", metavar="FOLDER")
    parser.add_argument(
        "--models", type=Path, nargs="+", default=[LIST], help="lists of public models", metavar="JSONL"
    )
    parser.add_argument("--cache", type=Path, default=home_folder(), help="where answers are kept", metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=900.0, help="a build may take")
    parser.add_argument("--memory", type=int, default=14000, help="MB a build may take", metavar="MB")
    parser.add_argument("-o", "--output", type=Path, help="write the tables there", metavar="FILE.md")
    args = parser.parse_args()
    args.target = args.target or ["rk3588"]
    return args


def _subjects(args: argparse.Namespace) -> dict[str, list[Subject]]:
    """The models by section; at least one section."""
    found: dict[str, list[Subject]] = {}
    suites = args.cache / "suites"
    if not args.no_suite:
        found["suite"] = list(suite_models(args.suite or suite_folder(OLD, suites), opsets=range(20)))
    if args.newer:
        found["newer"] = list(suite_models(suite_folder(NEW, suites), opsets=range(20, 100)))
    if args.corpus is not None:
        found["public"] = list(public_models(args.corpus, args.models))
    empty = [name for name, models in found.items() if not models]
    if empty or not found:
        raise SystemExit(f"no models: {', '.join(empty) or 'give --corpus'}")
    return found


def _measure(block: Block, models: Sequence[Subject], target: Target, args: argparse.Namespace) -> None:
    """Ask the compiler, then lint in one go, so that lint's own time is not disturbed."""
    cache = CompileCache(args.cache / "truths")
    limits = Limits(args.seconds, args.memory)
    slow = _Slow(args.cache / "truths-unanswered.json", target, limits)
    truths: dict[str, Truth] = {}
    with Toolchain(lambda: find_toolkit(target.toolkit, None, home_folder()), limits) as chain:
        for number, model in enumerate(models):
            _progress(block, number, len(models))
            if model.id in slow:
                block.unanswered.append(model.id)
                continue
            truth = _truth(model, target, chain, cache)
            if truth.verdict is Verdict.UNKNOWN:
                slow.add(model.id)
                block.unanswered.append(model.id)
            else:
                truths[model.id] = truth
    _progress(block, len(models), len(models))
    ruleset = load_ruleset(f"rknn-{target.toolkit}")
    started = time.process_time()
    block.answers = [_answer(model, truths[model.id], target, ruleset) for model in models if model.id in truths]
    block.lint_seconds = time.process_time() - started


def _truth(model: Subject, target: Target, chain: Toolchain, cache: CompileCache) -> Truth:
    """The compiler's answer; that to a model which rkgraph itself refuses to read is not kept."""
    try:
        return find_truth(model.path, target, chain, pins=Pins(model.shapes), cache=cache)
    except ModelError:
        done = chain.run(Job(model.path, target.platform), lambda _text: None)
        return Truth(done.outcome, done.stage, done.error, done.signal, done.log)


def _answer(model: Subject, truth: Truth, target: Target, ruleset: Any) -> Answer:
    why = truth.error or ", ".join(dict.fromkeys(f"no kernel for {entry.op}" for entry in truth.facts.no_lowering))
    try:
        view = read_view(model.path, shapes=model.shapes)
        done = reconcile(view, target, ruleset, truth, options=Options(shapes=model.shapes))
    except ModelError as error:
        return Answer(model.id, "unreadable", truth.verdict.value, why, (error.message,))
    wrong = tuple((m.node.op, m.predicted.value, m.real.value) for m in done.mismatches)
    return Answer(
        model.id, done.predicted.verdict.value, truth.verdict.value, why, _said(done), node_counts(done), wrong
    )


def _said(done: Verified) -> tuple[str, ...]:
    """Lint's errors; where there are none, what it does not know."""
    found = [d for d in done.predicted.diagnostics if d.severity is Severity.ERROR]
    found = found or [d for d in done.predicted.diagnostics if CONSEQUENCE["unknown"] in d.message]
    return tuple(f"{d.code} {d.message}" for d in found[:2])


def disagreements(block: Block) -> Iterator[str]:
    """Every model whose verdict is wrong, then the nodes whose device is, by operator."""
    yield f"# {block.title} · {block.target}: {len(block.wrong)} of {len(block.answers)} verdicts differ"
    for answer in sorted(block.wrong, key=lambda a: (a.real, a.predicted, a.id)):
        words = (
            f"{answer.id}: is {answer.real}, said {answer.predicted}",
            answer.why[:120],
            "; ".join(answer.said)[:240],
        )
        yield " | ".join(words)
    for id_ in block.unanswered:
        yield f"{id_}: no answer within the limits"
    wrong = Counter(triple for answer in block.answers for triple in answer.wrong)
    for (op, said, real), count in wrong.most_common():
        yield f"{count} × {op}: is {real}, said {said}"


def _markdown(sections: dict[str, list[Block]]) -> Iterator[str]:
    for name, blocks in sections.items():
        yield from ("", f"## {TITLES[name]}", "")
        yield from tables(blocks, with_nodes=name == "public")
        if name == "public":
            yield from _public_details(blocks)


def _public_details(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if block.wrong:
            yield from ("", f"Verdicts that differ on {block.target}:", "")
        for answer in block.wrong:
            because = f": {_one_line(answer.why)}" if answer.why else ""
            yield f"- `{answer.id}` is {answer.real}, said to be {answer.predicted}{because}"
        wrong = Counter(triple for answer in block.answers for triple in answer.wrong)
        if wrong:
            told = ", ".join(f"{n} × {op} ({said} → {real})" for (op, said, real), n in wrong.most_common(12))
            yield from ("", f"Most frequent wrong devices (said → is): {told}.")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:160]


class _Slow:
    """Models that gave no answer within the limits, so that the next run does not wait for them again."""

    def __init__(self, path: Path, target: Target, limits: Limits) -> None:
        self._path = path
        self._key = f"{target.platform} {target.toolkit} {limits.seconds:g} s {limits.memory_mb} MB"
        self._known: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}

    def __contains__(self, name: str) -> bool:
        return name in self._known.get(self._key, ())

    def add(self, name: str) -> None:
        self._known.setdefault(self._key, []).append(name)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._known, indent=1))


def _progress(block: Block, done: int, of: int) -> None:
    if done % 50 == 0 or done == of:
        print(f"{block.target}: {done} of {of}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
