"""Builds a board check: chosen cases through the toolkit, one after the other, each kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rkgraph.boardcheck.build import Built, build
from rkgraph.boardcheck.candidates import Candidate, candidates_of_evidence, candidates_of_table
from rkgraph.compile.cache import CompileCache
from rkgraph.errors import ToolkitFailed
from rkgraph.probe.case import Case, case, computed
from rkgraph.probe.evidence import lines_of, models_of
from rkgraph.probe.plan import all_cases
from rkgraph.tables.table import load_table
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker

__all__ = ["CONTROL", "Checked", "build_all", "open_questions"]

CONTROL = Candidate(case("Relu", "board-check-control", [computed(1, 4, 6, 10)]), "instance", ("control",))
"""What runs on every board: a convolution and a Relu, in fp16."""


@dataclass(frozen=True)
class Checked:
    """What is built: the control model, the cases for the board, and the candidates that no board can judge."""

    control: Built
    cases: tuple[Built, ...]
    left_out: tuple[Built, ...]


def open_questions(target: Target, ops: Iterable[str] = ()) -> list[Candidate]:
    """The candidates for a target: from the evidence on it, or where this rkgraph carries none, from its op table.

    Args:
        target: what a board is to be asked about.
        ops: operators that are wanted; all unless given.

    Raises:
        TargetError: there is neither.
    """
    wanted = frozenset(ops)
    table = load_table(target.toolkit)

    def of_wanted(cases: dict[str, Case]) -> dict[str, Case]:
        return {name: case for name, case in cases.items() if not wanted or case.op in wanted}

    try:
        models, lines = of_wanted(models_of()), lines_of(target)
    except OSError:
        return list(candidates_of_table(of_wanted(all_cases()), table, target))
    disputed = [entry.op for entry in table.entries() if entry.disputed and entry.covers(target.platform, None)]
    return candidates_of_evidence(models, lines, disputed)


def build_all(
    chosen: Sequence[Candidate],
    target: Target,
    worker: Worker,
    cache: CompileCache,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> Checked:
    """Build the control model and the candidates that were chosen. Interrupted, the same call goes on from the cache.

    Args:
        chosen: what is to be asked.
        target: what to build for.
        worker: of the target's toolkit.
        cache: keeps every build.
        tell: is told how many are done, and how many there are.

    Raises:
        ToolkitFailed: the toolkit cannot be started, or does not build the control model.
        UsageError: the cache cannot be written.
    """
    tell(0, len(chosen))
    control = build(CONTROL, target, worker, cache)
    if control.why_not:
        raise ToolkitFailed(f"the control model, a convolution: {control.why_not}", "rkgraph doctor --deep")
    built = tuple(_built(chosen, target, worker, cache, tell))
    return Checked(control, tuple(b for b in built if not b.why_not), tuple(b for b in built if b.why_not))


def _built(
    chosen: Sequence[Candidate],
    target: Target,
    worker: Worker,
    cache: CompileCache,
    tell: Callable[[int, int], None],
) -> Iterator[Built]:
    for number, candidate in enumerate(chosen, 1):
        yield build(candidate, target, worker, cache)
        tell(number, len(chosen))
