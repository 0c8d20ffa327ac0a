"""`rkgraph lint --matrix`: one model on every platform with every toolkit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Confidence, Device
from rkgraph.errors import TargetError

if TYPE_CHECKING:
    from rkgraph.results import Result
    from rkgraph.rulebook.rule import Options
    from rkgraph.targets import Target

__all__ = ["lint_everywhere", "matrix_lines"]

_WORDS = {"deployable": "ok", "no-board-kernel": "no kernel", "build-fails": "fails", "unknown": "unknown"}


def lint_everywhere(path: Path, options: Options) -> list[Result]:
    """Lint a model on every target that an op table exists for, read once, in order of toolkit and platform.

    Raises:
        ModelError: it cannot be read.
    """
    from rkgraph.engine.lint import lint_view
    from rkgraph.graph.load import read_view
    from rkgraph.rulebook.ruleset import load_ruleset
    from rkgraph.tables.user_table import load_user_table

    user = load_user_table()
    view = read_view(path, shapes=options.shapes, dims=options.dims)
    # The edges are the same on every target: the first result has them for all.
    wanted = (replace(options, with_graph=options.with_graph and not number) for number in count())
    return [
        lint_view(view, target, load_ruleset(f"rknn-{target.toolkit}"), asked, user=user)
        for target, asked in zip(_targets(), wanted, strict=False)
    ]


def _targets() -> Iterator[Target]:
    """Every platform of every toolkit that has a table, in the first precision that it takes."""
    from rkgraph.tables.table import load_table
    from rkgraph.targets import Target, platforms, precisions, toolkits

    for version in toolkits():
        try:
            load_table(version)
        except TargetError:
            continue
        for platform in platforms(version):
            yield Target(platform, version, precisions(platform, version)[0])


def matrix_lines(name: str, results: Sequence[Result]) -> Iterator[str]:
    """A row for each platform, a column for each toolkit: the verdict, and how many nodes run on the CPU."""
    from rkgraph.cli.output import plain_table

    versions = sorted({r.target.toolkit for r in results}, key=lambda v: tuple(int(n) for n in v.split(".")))
    cells = {(r.target.platform, r.target.toolkit): _cell(r) for r in results}
    platforms = dict.fromkeys(r.target.platform for r in results)
    rows = [(platform, *(cells.get((platform, version), "-") for version in versions)) for platform in platforms]
    yield name
    yield from plain_table(("platform", *versions), rows)
    yield "N cpu: nodes on the CPU cores of the board. ?: carried over, not measured on that platform"
    if any(result.computes_wrong for result in results):
        yield "!: it builds, and computes wrong numbers; rkgraph lint --target PLATFORM --toolkit VERSION says where"


def _cell(result: Result) -> str:
    on_cpu = sum(node.device is Device.CPU for node in result.placement)
    doubt = "" if result.confidence is not Confidence.UNKNOWN else " ?"
    count = f", {on_cpu} cpu" if on_cpu and result.verdict.value == "deployable" else ""
    wrong = " !" if result.computes_wrong and result.verdict.value == "deployable" else ""
    return f"{_WORDS[result.verdict.value]}{wrong}{count}{doubt}"
