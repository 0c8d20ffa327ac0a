"""What `lint_accuracy.py` counts, and the tables it makes of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rkgraph.diagnostics import Device
from rkgraph.oracle.verify import Verified

__all__ = ["Answer", "Block", "node_counts", "tables"]

VERDICTS = ("deployable", "no-board-kernel", "build-fails", "unknown", "unreadable")


@dataclass(frozen=True)
class Answer:
    """What lint and the compiler say of one model.

    Attributes:
        id: of the model.
        predicted, real: verdicts; "unreadable" where lint refuses to read the model.
        why: the compiler's error, or what it has no kernel for.
        said: lint's errors.
        nodes: counts of nodes, see `node_counts`.
        wrong: (operator, predicted device, real device) of each node that runs elsewhere.
    """

    id: str
    predicted: str
    real: str
    why: str = ""
    said: tuple[str, ...] = ()
    nodes: Counter[str] = field(default_factory=Counter)
    wrong: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Block:
    """Some models on one target; `unanswered` ones took more time or memory than allowed."""

    title: str
    target: str
    answers: list[Answer] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    lint_seconds: float = 0.0

    @property
    def wrong(self) -> list[Answer]:
        """The models whose verdict is not the compiler's."""
        return [answer for answer in self.answers if answer.predicted != answer.real]

    @property
    def nodes(self) -> Counter[str]:
        """Counts of nodes of all models."""
        return sum((answer.nodes for answer in self.answers), Counter())


def node_counts(done: Verified) -> Counter[str]:
    """How the nodes of a model that was built fared.

    `live`: those that survive folding, by the compiler's word, and of these `unmapped`: whose device is not known;
    `right`: whose device is the predicted one; `is-cpu`, `said-cpu` and `both-cpu`. `gone`: folded or dropped before
    lowering, and `gone-said-cpu` of these.
    """
    guesses = {node.index: node.device for node in done.predicted.placement if node.graph == "main"}
    counts: Counter[str] = Counter()
    for each in done.placed:
        said, real = guesses[each.index], each.device
        if real is Device.FOLDED:
            counts.update({"gone": 1, "gone-said-cpu": said is Device.CPU})
            continue
        counts.update({"live": 1, "unmapped": real is Device.UNKNOWN})
        if real is not Device.UNKNOWN:
            is_cpu, said_cpu = real is Device.CPU, said is Device.CPU
            counts.update(
                {"right": said is real, "is-cpu": is_cpu, "said-cpu": said_cpu, "both-cpu": is_cpu and said_cpu}
            )
    return counts


def tables(blocks: Sequence[Block], *, with_nodes: bool) -> Iterator[str]:
    """Lines of Markdown: a row a target, then a confusion matrix each."""
    yield "| target | models | verdict right | called deployable wrongly | unknown | no answer in time | lint of all |"
    yield "|---|---|---|---|---|---|---|"
    for block in blocks:
        total = len(block.answers)
        false = sum(answer.predicted == "deployable" for answer in block.wrong)
        unknown = sum(answer.predicted in ("unknown", "unreadable") for answer in block.answers)
        shares = (_share(total - len(block.wrong), total), _share(false, total), _share(unknown, total))
        rest = (str(len(block.unanswered)), f"{block.lint_seconds:.1f} s")
        yield f"| {block.target} | {total} | {' | '.join((*shares, *rest))} |"
    if with_nodes:
        yield ""
        yield from _node_table(blocks)
    for block in blocks:
        yield from ("", f"{block.target}:", "")
        yield from _confusion(block)


def _node_table(blocks: Sequence[Block]) -> Iterator[str]:
    yield (
        "| target | nodes that survive folding | not mapped | device right, of the mapped | CPU precision | CPU recall "
        "| gone before lowering | of these said to be on the CPU |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for block in blocks:
        n = block.nodes
        cells = (
            str(n["live"]),
            _share(n["unmapped"], n["live"]),
            _share(n["right"], n["live"] - n["unmapped"]),
            _share(n["both-cpu"], n["said-cpu"]),
            _share(n["both-cpu"], n["is-cpu"]),
            str(n["gone"]),
            str(n["gone-said-cpu"]),
        )
        yield f"| {block.target} | {' | '.join(cells)} |"


def _confusion(block: Block) -> Iterator[str]:
    """Rows: what the compiler says; columns: what lint says. Columns of zeros are left out."""
    cells = Counter((answer.real, answer.predicted) for answer in block.answers)
    columns = [name for name in VERDICTS if name in VERDICTS[:3] or any(cells[row, name] for row in VERDICTS)]
    yield f"| compiler ↓ lint → | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for row in VERDICTS[:3]:
        yield f"| {row} | {' | '.join(str(cells[row, column]) for column in columns)} |"


def _share(part: int, whole: int) -> str:
    return "–" if not whole else f"{100 * part / whole:.1f} % ({part})"
