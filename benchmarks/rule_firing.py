"""Which rules fire on which models: `rule_firing.md`.

    python benchmarks/rule_firing.py --corpus FOLDER [--corpus FOLDER ...]    measure, minutes
    python benchmarks/rule_firing.py                                          write the page again, a second

Every ONNX model below the folders is linted; how often each rule fires, on how many, and on the smallest, is kept in
`rule_firing.json`. The page joins that with the cards of the rules as they are: each has examples, the seeded models
on which it has to fire, and near misses, on which it has to be silent, as does what its fix has made of the examples
(`tests/rules/test_cards.py` runs them all). After a rule was added the page alone is written again, which a test wants;
on the corpus the rule then counts as not measured. A file whose content was seen before is left out; so are models
that cannot be read, which are counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rkgraph.engine.lint import lint_view
from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target

HERE = Path(__file__).parent
TARGETS = (Target(), Target(precision="w8a8"), Target("rv1106", precision="w8a8"), Target("rk3576"))
"""Some rules look at quantized precisions, small platforms or one platform only."""


MEASURED = HERE / "rule_firing.json"
PAGE = HERE / "rule_firing.md"


@dataclass
class Firing:
    """Models on which a rule fires, how often in all, and the smallest of them."""

    models: Counter[str] = field(default_factory=Counter)
    smallest: tuple[int, str] | None = None

    @property
    def record(self) -> list[int | str]:
        """[models, findings, the smallest model]; nothing where the rule fires on none."""
        return [len(self.models), sum(self.models.values()), self.smallest[1]] if self.smallest else []


def main() -> None:
    """Lint what is asked for, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--largest", type=int, default=200, help="MB; larger files are left out")
    given = parser.parse_args()
    rules = load_rules()
    if given.corpus:
        MEASURED.write_text(_written(_measured(rules, given.corpus, given.largest << 20)), encoding="utf-8")
    PAGE.write_text(page(rules, json.loads(MEASURED.read_text(encoding="utf-8"))), encoding="utf-8")


def _measured(rules: Sequence[Rule], corpus: Sequence[Path], largest: int) -> dict[str, Any]:
    firings = {rule.code: Firing() for rule in rules}
    read, unread = 0, 0
    for path in _models(corpus, largest):
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
    rows = {code: firing.record for code, firing in firings.items()}
    return {"read": read, "unread": unread, "targets": [str(target) for target in TARGETS], "rules": rows}


def _written(measured: dict[str, Any]) -> str:
    """JSON with a rule a line, so that differences read well."""
    rows = ",\n".join(f"  {json.dumps(code)}: {json.dumps(row)}" for code, row in measured["rules"].items())
    head = ", ".join(f"{json.dumps(key)}: {json.dumps(measured[key])}" for key in ("read", "unread", "targets"))
    return f'{{{head},\n "rules": {{\n{rows}\n }}}}\n'


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


def page(rules: Sequence[Rule], measured: Mapping[str, Any]) -> str:
    """The table, of the rules as they are and of what was measured."""
    rows, rules = measured["rules"], sorted(rules, key=lambda rule: rule.code)
    fired = [rule.code for rule in rules if rows.get(rule.code)]
    new = [rule.code for rule in rules if rule.code not in rows]
    targets = ", ".join(measured["targets"])
    lines = [
        "# Which rules fire",
        "",
        "Made by `python benchmarks/rule_firing.py`, which says what is counted. Each rule fires on the seeded models",
        "of its card, and is silent on its near misses: what the card calls no error, and its examples once they are",
        "fixed. `tests/rules/test_cards.py` lints and fixes them all.",
        "",
        f"The corpus: {measured['read']} models, {measured['unread']} that cannot be read; linted for {targets}.",
        "",
        "| rule | name | seeded models: fires | near misses: silent | corpus: models | findings | for instance |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in rules:
        seeded, near = counts(rule)
        row = rows.get(rule.code)
        found = f"{row[0]} | {row[1]} | `{row[2]}`" if row else "0 | 0 |" if row is not None else "not measured | |"
        lines.append(f"| {rule.code} | {rule.name} | {seeded} | {near} | {found} |")
    silent = [rule.code for rule in rules if rule.code in rows and not rows[rule.code]]
    told = f"All {len(rules)} rules fire on seeded models, {len(fired)} on a model of the corpus, too"
    lines += ["", f"{told}; {len(silent)} do not: {', '.join(silent) or 'none'}."]
    lines += [f"Newer than the measurement: {', '.join(new)}."] if new else []
    return "\n".join([*lines, ""])


def counts(rule: Rule) -> tuple[int, int]:
    """How many seeded models a rule's card has, and how many near misses."""
    card = rule.card
    return len(card.blocks("Example")), len(card.blocks("Not an error")) + len(card.blocks("Fixed"))


if __name__ == "__main__":
    main()
