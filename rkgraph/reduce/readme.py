"""What a bug report says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.reduce.numbers import Compared

if TYPE_CHECKING:
    from rkgraph.reduce.reducer import Reduction
    from rkgraph.reduce.steadiness import Share
    from rkgraph.reduce.symptoms import Symptom

__all__ = ["kept_lines", "readme", "unsteady", "why_stopped"]

_STOPPED = {
    "tries": "the budget of builds was used up",
    "time": "the time was used up",
    "interrupted": "it was interrupted",
}


def readme(reduction: Reduction, symptom: Symptom, share: Share) -> str:
    """The text of README.md."""
    before, after = reduction.before, reduction.after
    lines = [
        "# A reduced model for rknn-toolkit2",
        "",
        f"`model.onnx` shows {symptom.what}.",
        "",
        f"Target: {symptom.builds.target}. Seen: {reduction.outcome.says}.",
        *([] if share.steady else ["", unsteady(share)]),
        "",
        "    python reproduce.py        # needs rknn-toolkit2 only; says REPRODUCED or NOT REPRODUCED",
        "",
        "| | original | here |",
        "|---|---|---|",
        f"| nodes | {before.nodes} | {after.nodes} |",
        f"| numbers in inputs and weights | {before.numbers:,} | {after.numbers:,} |",
        f"| bytes | {before.bytes:,} | {after.bytes:,} |",
        "",
        _end(reduction),
        "",
        f"The model is sound: {reduction.validity}.",
        *(text for text, _ in kept_lines(reduction)),
        "",
        "Files: `model.onnx`, the same as text in `model.txt` (where it is small), the toolkit's output in `log.txt`",
        "(folders, host and user taken out), `versions.json`, `command.txt`, and for wrong numbers the inputs",
        "`feeds-N.npz` with what ONNX Runtime computes of them, `expected-N.npz`.",
    ]
    return "\n".join(lines) + "\n"


def kept_lines(reduction: Reduction) -> list[tuple[str, bool]]:
    """What the result may give away, a sentence each (names, weights, inputs of wrong numbers), and whether it does."""
    kept = reduction.kept
    names = "Names are those of the original model." if kept.names else "All names are new; operators keep theirs."
    lines = [(names, kept.names), (_weights(reduction), bool(kept.weights))]
    if isinstance(reduction.outcome.record, Compared) and not reduction.outcome.record.made_up:
        feeds = "Its inputs, feeds-N.npz, are what the original model computes there of the inputs given."
        lines.append((feeds, True))
    return lines


def _weights(reduction: Reduction) -> str:
    kept = reduction.kept
    if not reduction.after.weights:
        return "It has no weights."
    if not kept.weights:
        return "Its weights are random numbers; constants of up to 4 numbers, and shapes, are those of the original."
    return (
        f"{kept.weights} of its tensors ({kept.numbers:,} numbers) hold values of the original model: they may tell "
        "what it has learnt."
    )


def unsteady(share: Share) -> str:
    """What to say where it is not shown each time."""
    return (
        f"It is shown in {share}, each in a process of its own: the compiler does not behave the same each time, "
        "as if it read memory that it did not write."
    )


def why_stopped(reduction: Reduction) -> str:
    """Why a reduction ended before its end, as a clause."""
    return _STOPPED.get(reduction.stopped, reduction.stopped)


def _end(reduction: Reduction) -> str:
    if reduction.stopped:
        return f"It may get smaller still: {why_stopped(reduction)} ({reduction.tries} tries)."
    return f"No single node, input, attribute or size can be taken away ({reduction.tries} tries)."
