"""`rkgraph board-check`: a folder that asks a board what no compiler can say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import (
    DimOption,
    QuietOption,
    ShapeOption,
    TargetOption,
    VerboseOption,
    home_folder,
    parse_dims,
    parse_shapes,
)
from rkgraph.errors import TargetError, UsageError

if TYPE_CHECKING:
    from rkgraph.boardcheck.candidates import Candidate
    from rkgraph.boardcheck.check import Checked
    from rkgraph.cli.output import Output
    from rkgraph.targets import Target

__all__ = ["command"]

_CACHE_BYTES = 1 << 30


def command(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to write.", metavar="FOLDER", show_default=False)
    ],
    target: TargetOption = "rk3588",
    toolkit: Annotated[str, typer.Option("--toolkit", help="Version of rknn-toolkit2.", metavar="VERSION")] = "2.3.2",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Operators: Gather,Cast. Repeatable.", metavar="OP")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="Models at most.", metavar="N", min=1)] = 200,
    model: Annotated[
        Path | None, typer.Option("--model", help="Ask about the operators of this model.", metavar="MODEL")
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a folder that asks a board what compilers cannot say.

    A compiler says what it built. Whether the board's runtime takes it, and whether the numbers are right, only a board
    can settle. The folder has compiled models for what is open (operators without a kernel, with a kernel of the
    runtime's own, beyond the NPU's registers, or disputed between document and compiler), inputs, the outputs that
    are expected, and a script that needs rknn-toolkit-lite2 only. What it writes comes back by rkgraph evidence import,
    and lint says it with confidence "device".

    With --model it is the distinct operators of your own model, as they stand there; names and weights do not leave it.
    What was built before is not built again: interrupt it, and give the same command to go on.

    Examples:
        rkgraph board-check -o check

        rkgraph board-check -o check --target rk3576 --only Gather,CumSum

        rkgraph board-check -o check --model model.onnx --shape ids=1x256
    """
    from rkgraph.boardcheck.check import build_all
    from rkgraph.boardcheck.choice import choose
    from rkgraph.boardcheck.folder import check_folder, write_folder
    from rkgraph.cli.output import Output
    from rkgraph.compile.cache import CompileCache
    from rkgraph.probe.measure import LIMITS
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.locate import find_toolkit

    out = Output(quiet, verbose)
    check_folder(output)
    resolved = _target(target, toolkit)
    wanted = _words(only)
    if model is None and (shape or dim):
        raise UsageError("--shape and --dim need a model", "give --model")
    installed = find_toolkit(resolved.toolkit, home=home_folder())
    if model is None:
        candidates = _open(resolved, wanted)
    else:
        candidates = _of_model(model, resolved, wanted, tuple(shape or ()), tuple(dim or ()))
    chosen = choose(candidates, limit)
    cache = CompileCache(home_folder() / "board-check", _CACHE_BYTES)
    with Worker(installed, LIMITS) as worker, out.progress(f"build models for {resolved.platform}") as tell:
        checked = build_all(chosen, resolved, worker, cache, lambda done, of: tell(f"{done} of {of}"))
    if not checked.cases:
        _left_out(checked, out)
        raise UsageError("nothing is left that a board could be asked", "see above; give other operators with --only")
    size = write_folder(output, resolved, checked.control, checked.cases)
    _summary(output, size, resolved, checked, out)


def _target(platform: str, toolkit: str) -> Target:
    """The target in fp16. Raises TargetError for platforms that have none."""
    from rkgraph.targets import platform_facts, resolve_target

    try:
        return resolve_target(platform, toolkit)
    except TargetError as error:
        name = platform.strip().lower()
        if "no precision fp16" in error.message and platform_facts(name).quantized_only:
            raise TargetError(
                f"{name} only runs quantized models, and a board check compares fp16 numbers", "give another --target"
            ) from error
        raise


def _words(only: Iterable[str] | None) -> frozenset[str]:
    return frozenset(word.strip() for option in only or () for word in option.split(",") if word.strip())


def _open(target: Target, wanted: frozenset[str]) -> list[Candidate]:
    """What is open on a target. Raises UsageError for operators of which nothing is."""
    from rkgraph.boardcheck.check import open_questions
    from rkgraph.tables.table import load_table

    found = open_questions(target, wanted)
    names = {entry.op for entry in load_table(target.toolkit).entries()}
    _check_words(wanted, {each.case.op for each in found}, names, f"nothing about it is open on {target}")
    return found


def _of_model(
    model: Path, target: Target, wanted: frozenset[str], shapes: Sequence[str], dims: Sequence[str]
) -> list[Candidate]:
    """The operators of a user's model. Raises UsageError or ModelError."""
    from rkgraph.boardcheck.candidates import candidates_of_instances
    from rkgraph.engine.lint import make_context
    from rkgraph.graph.load import read_view
    from rkgraph.probe.instances import find_instances
    from rkgraph.rulebook.rule import Options

    pinned, sizes = parse_shapes(shapes), parse_dims(dims)
    view = read_view(model, shapes=pinned, dims=sizes)
    instances = find_instances(make_context(view, target, Options(shapes=pinned, dims=sizes)), known_too=True)
    found = candidates_of_instances(each for each in instances if not wanted or each.op in wanted)
    names = {each.op for each in instances}
    _check_words(wanted, {each.case.op for each in found}, names, f"{model} has none that a board could be asked about")
    if not found:
        reasons = sorted({each.why_not for each in instances if each.why_not}) or ["each of them ends the build"]
        raise UsageError(f"{model}: none of its operators can be built by itself ({reasons[0]})", "rkgraph lint MODEL")
    return found


def _check_words(wanted: frozenset[str], found: set[str], names: set[str], why: str) -> None:
    """Refuse operators that nothing was found for; `names` are those that may be meant."""
    import difflib

    for word in sorted(wanted - found):
        near = [] if word in names else difflib.get_close_matches(word, sorted(names), n=1)
        raise UsageError(f"--only {word}: {why}", f"did you mean {near[0]}?" if near else "leave it out")


def _summary(folder: Path, size: int, target: Target, checked: Checked, out: Output) -> None:
    from rkgraph.boardcheck.candidates import REASONS

    out.print(f"{folder}: {len(checked.cases)} models for {target}, {size / 1e6:.1f} MB", "title")
    counted = {r: sum(b.candidate.reason == r for b in checked.cases) for r in REASONS}
    rows = [(str(counted[reason]), text) for reason, text in REASONS.items() if counted[reason]]
    out.table(("models", "what is open"), rows, right=(0,))
    _left_out(checked, out)
    out.print()
    out.print("copy it to the board, and there: python3 run_on_board.py")
    out.print("then, here: rkgraph evidence import results.json")


def _left_out(checked: Checked, out: Output) -> None:
    """Say what no board can be asked; each of them with --verbose."""
    if not checked.left_out:
        return
    out.note(f"{len(checked.left_out)} left out, which no board can judge" + ("" if out.verbose else "; see --verbose"))
    if out.verbose:
        for each in checked.left_out:
            out.note(f"  {each.candidate.case.id}: {each.why_not}")
