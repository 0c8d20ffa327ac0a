"""`rkgraph evidence import`: what a board said, into the user table or the repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import QuietOption, VerboseOption

if TYPE_CHECKING:
    from rkgraph.boardcheck.importing import Added
    from rkgraph.boardcheck.judge import Answer
    from rkgraph.boardcheck.results import BoardResults
    from rkgraph.cli.output import Output

app = typer.Typer()

_WORDS = {
    "right": "runs, and the numbers are right",
    "as-simulated": "runs, with the numbers of the simulator",
    "wrong": "runs, and the numbers are wrong",
    "refused": "refused by the board",
    "unsettled": "not settled",
}


@app.command("import")
def import_(
    results: Annotated[
        Path, typer.Argument(help="What run_on_board.py wrote.", metavar="RESULTS.json", show_default=False)
    ],
    *,
    user_table: Annotated[
        Path | None,
        typer.Option("--user-table", help="The table to add to.", metavar="PATH", show_default="in your data folder"),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option("--repository", help="Add to these evidence files instead; for maintainers.", metavar="FOLDER"),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Take in what a board said of the models of a board check.

    It is the only thing that can settle what a compiler's word leaves open, so it stands above all others: lint then
    says it with confidence "device". What ran with right numbers runs where the compiler said; what the board refused
    has no kernel; what ran with wrong numbers makes a model unknown, and lint says so. It holds for exactly the nodes
    that were run: same operator, attributes, shapes and dtypes.

    Examples:
        rkgraph evidence import results.json

        rkgraph evidence import results.json --user-table boards.json
    """
    from rkgraph.boardcheck.importing import add_to_repository, add_to_user_table
    from rkgraph.boardcheck.judge import answers_of
    from rkgraph.boardcheck.results import read_results
    from rkgraph.cli.output import Output
    from rkgraph.errors import UsageError
    from rkgraph.tables.user_table import default_user_table

    out = Output(quiet, verbose)
    if repository is not None and user_table is not None:
        raise UsageError("--repository and --user-table: it goes to one place", "leave one out")
    if repository is not None and not repository.is_dir():
        raise UsageError(f"{repository}: no such folder", "give the folder that has cases.jsonl")
    check_outputs([user_table], [results])
    read = read_results(results)
    answers = answers_of(read)
    if repository is not None:
        added = add_to_repository(answers, read.target, repository)
    else:
        added = add_to_user_table(answers, read.target, user_table or default_user_table())
    _show(read, answers, out)
    _told(added, read, out)


def _show(read: BoardResults, answers: Sequence[Answer], out: Output) -> None:
    """Counts, and what the board said otherwise than the compiler; all with --verbose."""
    board = ", ".join(_plain(read.board[key]) for key in ("model", "driver", "librknnrt") if key in read.board)
    out.print(f"{board or 'a board'}, models built for {read.target}", "title")
    counted = {kind: sum(a.kind == kind for a in answers) for kind in _WORDS}
    agree = {kind: sum(a.kind == kind and a.confirms for a in answers) for kind in _WORDS}
    rows = [(str(counted[kind]), words, str(agree[kind])) for kind, words in _WORDS.items() if counted[kind]]
    out.table(("models", "on the board", "as compiled"), rows, right=(0, 2))
    shown = [a for a in answers if out.verbose or not a.confirms]
    if shown:
        out.print()
        cells = [(a.case["id"], a.case["compiled"]["outcome"], a.kind, _plain(a.detail)) for a in shown]
        out.table(("model", "compiler", "board", ""), cells, whole=(0,))


def _plain(text: str) -> str:
    """A text of a file that anybody may have written, as a terminal may have it."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def _told(added: Added, read: BoardResults, out: Output) -> None:
    out.note(f"{added.count} outcomes added to {added.place}")
    if added.unsigned:
        out.note(f"{len(added.unsigned)} are of nodes that lint cannot tell apart, and were not added")
    if read.missing:
        out.note(f"{read.missing} models were not run: on the board, run_on_board.py goes on with them")
