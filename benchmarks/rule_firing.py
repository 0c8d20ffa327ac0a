"""Which rules fire on which models: `rule_firing.md`.

    python benchmarks/rule_firing.py --corpus FOLDER [--corpus FOLDER ...] [-o benchmarks/rule_firing.md]

Every ONNX model below the folders is linted for the default target, and the examples of all cards with them: each rule
has to find its examples, and to be silent on what its card calls fixed or no error (`tests/rules/test_cards.py` holds
that). The table says on how many models of the corpus each rule fires as well, how often, and names one. A file whose
content was seen before is left out; so are models that cannot be read, which are counted.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rkgraph.engine.lint import lint_view
from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target

HERE = Path(__file__).parent
TARGETS = (Target(), Target(precision="w8a8"), Target("rv1106", precision="w8a8"), Target("rk3576"))
"""Some rules look at quantized precisions, small platforms or one platform only."""


@dataclass
class Firing:
    """Models on which a rule fires, how often in all, and the smallest of them."""

    models: Counter[str] = field(default_factory=Counter)
    smallest: tuple[int, str] | None = None


def main() -> None:
    """Lint, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--largest", type=int, default=200, help="MB; larger files are left out")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "rule_firing.md")
    given = parser.parse_args()
    rules = load_rules()
    firings = {rule.code: Firing() for rule in rules}
    read, unread = 0, 0
    for path in _models(given.corpus, given.largest << 20):
        try:
            view = read_view(path)
        except ModelError:
            unread += 1
            continue
        read += 1
        print(f"{read}: {path.name}", file=sys.stderr, flush=True)
        for target in TARGETS:
            result = lint_view(view, target, load_ruleset(f"rknn-{target.toolkit}"))
            counts = Counter(finding.code for finding in result.diagnostics)
            for code, count in counts.items():
                _add(firings[code], path, count)
    given.output.write_text(_page(rules, firings, read, unread), encoding="utf-8")


def _models(folders: Sequence[Path], largest: int) -> Iterator[Path]:
    """The models below the folders, smallest first, each content once."""
    seen: set[str] = set()
    paths = {path.resolve() for folder in folders for path in folder.rglob("*.onnx")}
    paths |= {path.resolve() for folder in folders for link in folder.iterdir() for path in link.rglob("*.onnx")}
    for path in sorted(paths, key=lambda p: (p.stat().st_size, p.name)):
        if path.stat().st_size > largest:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield path


def _add(firing: Firing, path: Path, count: int) -> None:
    firing.models[path.name] = max(firing.models[path.name], count)
    size = path.stat().st_size
    if firing.smallest is None or (size, path.name) < firing.smallest:
        firing.smallest = (size, path.name)


def _page(rules: Sequence[Rule], firings: dict[str, Firing], read: int, unread: int) -> str:
    told = ", ".join(str(target) for target in TARGETS)
    silent = [rule.code for rule in rules if not firings[rule.code].models]
    lines = [
        "# Which rules fire",
        "",
        "Made by `python benchmarks/rule_firing.py --corpus FOLDER`, which says what is counted. Examples and near",
        "misses are those of the card: each of the first is found, none of the others, as its tests say.",
        "",
        f"{read} models, {unread} that cannot be read; linted for {told}.",
        "",
        "| rule | name | examples | near misses | models | findings | for instance |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in rules:
        firing = firings[rule.code]
        examples = len(rule.card.blocks("Example"))
        near = len(rule.card.blocks("Not an error")) + len(rule.card.blocks("Fixed"))
        example = f"`{firing.smallest[1]}`" if firing.smallest else "its card"
        counts = f"{len(firing.models)} | {sum(firing.models.values())}"
        lines.append(f"| {rule.code} | {rule.name} | {examples} | {near} | {counts} | {example} |")
    lines += [
        "",
        f"{len(rules) - len(silent)} of {len(rules)} rules fire on a model of the corpus; on their cards alone:",
    ]
    lines += [f"{', '.join(silent)}." if silent else "none.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
