"""The page of `silent_wrong.py`: what was measured, and a section for each law."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rkgraph.tables.wrong_numbers import WrongNumbers, wrong_numbers

__all__ = ["EXPLAINED", "page"]

EXPLAINED: Mapping[str, str] = {
    "Add/by": "a sum beyond 65504: fp16 overflows, which RK240 tells on samples",
    "ReduceMax/float,r3,noop,computed": "the axes are an input of the model, which RK320 tells",
}
"""How ids begin of cases that come out wrong for reasons that are no law of the compiler, and why."""

_INTRO = """\
# What builds and computes wrong numbers

Made by `python -m benchmarks.silent_wrong page`, which says how it is measured again. A build that returns 0 may
compute something else than the model says. Two questions were put to the toolkit's simulator, against ONNX Runtime:

1. **How often?** Of the cases of the probe that build for rk3588 with 2.3.2 and run wholly on NPU or CPU by the op
   table, a sample of every operator and of each kind of result, on one or two sets of random inputs.
2. **When?** For what came out wrong there, and for what rules knew of before: models on both sides, all versions,
   three platforms. What was found is data (`op_tables/wrong_numbers.toml`); lint tells it as RK130, or by the rule that
   is named.

A number is wrong where it differs by more than all of these together: 1 % of itself and 0.4 % of the largest; what
becomes of it if every result is rounded to fp16; three times how far it moves if inputs move by half a rounding
(`silent_wrong_numbers.py`). Outputs off by more than 5 % of their norm are *wrong*, others *slight*. Models with
constant outputs have no numbers: the simulator gives these none. No board was asked.
"""


def page(cases: Sequence[Mapping[str, Any]], laws: Sequence[Mapping[str, Any]]) -> str:
    """The page in Markdown, of the lines of both files."""
    return "\n".join([_INTRO, *_how_often(cases), *_overview(), *_sections(laws)])


def _how_often(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    found = Counter(line["numbers"] for line in cases)
    judged = sum(found[kind] for kind in ("right", "wrong", "slight"))
    yield "## How often\n"
    yield (
        f"{len(cases):,} cases of {len({line['id'].partition('/')[0] for line in cases})} operators: {judged:,} have "
        f"numbers that can be judged, of these {found['right']:,} are right ({found['right'] / judged:.1%}), "
        f"{found['wrong']} wrong and {found['slight']} slight. Of {found['unsure']} nothing can be said, and "
        f"{found['none']} have none.\n"
    )
    yield "| operator | judged | wrong | slight | which |\n|---|---|---|---|---|"
    by_op: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in cases:
        by_op[line["id"].partition("/")[0]].append(line)
    for op, lines in sorted(by_op.items()):
        counted = Counter(line["numbers"] for line in lines)
        bad = [line for line in lines if line["numbers"] in ("wrong", "slight")]
        if bad:
            which = "; ".join(_which(line) for line in bad)
            total = sum(counted[kind] for kind in ("right", "wrong", "slight"))
            yield f"| {op} | {total} | {counted['wrong']} | {counted['slight']} | {which} |"
    yield "\nAll others are right wherever they were asked.\n"


def _which(line: Mapping[str, Any]) -> str:
    reason = next((why for start, why in EXPLAINED.items() if line["id"].startswith(start)), "")
    return f"`{line['id'].partition('/')[2]}` ({line['detail']}{f': {reason}' if reason else ''})"


def _overview() -> Iterator[str]:
    yield "## The laws\n"
    yield "| law | operators | wrong with | right with | told by |\n|---|---|---|---|---|"
    for law in wrong_numbers().values():
        right = ", ".join((*law.right, *law.right_platforms)) or "-"
        yield f"| [{law.name}](#{law.name}) | {', '.join(law.ops)} | {', '.join(law.wrong)} | {right} | {law.told_by} |"
    yield ""


def _sections(laws: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    by_law: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in laws:
        by_law[line["law"]].append(line)
    for law in wrong_numbers().values():
        yield from _section(law, by_law[law.name])


def _section(law: WrongNumbers, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    targets = sorted({where for line in lines for where in line["numbers"]})
    yield f"## {law.name}\n\n{', '.join(law.ops)}, {law.describe()}. Told by {law.told_by}.\n"
    yield f"| model | {' | '.join(targets)} |\n|---|{'---|' * len(targets)}"
    for line in lines:
        words = [line["numbers"].get(where, "") for where in targets]
        yield f"| {line['case']} | {' | '.join(_worded(word) for word in words)} |"
    yield ""


def _worded(word: str) -> str:
    return {"wrong": "**wrong**", "slight": "**slightly wrong**", "none": "does not build or run"}.get(word, word)
