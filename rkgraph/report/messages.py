"""What the codes of the family RK9xx mean, which have no cards: words of the toolkit, verifications, and proofs."""

from __future__ import annotations

from rkgraph.toolkit.log_table import LOG_TABLE, OUTCOME_TABLE, UNKNOWN_ERROR, UNKNOWN_WARNING

__all__ = ["explained", "message_codes"]

_UNKNOWN = "of rknn-toolkit2 that rkgraph does not know. Its text is shown as the toolkit wrote it."
_WITHOUT_PATTERN = {
    UNKNOWN_ERROR: f"An error {_UNKNOWN}",
    UNKNOWN_WARNING: f"A warning {_UNKNOWN}",
    "RK906": "unused-suppression. A suppression of the configuration covers no finding of the models that were linted: "
    "what it was about is mended, or its place has changed. Remove it; or, if it is for a model that was not linted, "
    'move it to the section of that model: `[[model."detector.onnx".suppress]]`.',
    "RK907": "expired-suppression. The last day of a suppression is over (`expires`), so that what it covers counts "
    "again. Mend that, or give the suppression another day and say why. $SOURCE_DATE_EPOCH sets the day.",
    "RK908": "stale-baseline-entry. The baseline has a finding that is found no more. `rkgraph baseline prune` drops "
    "all such entries, so that they count as new should they come back.",
    "RK929": "The toolkit died of a signal in some builds of this model, and not in others: it reads memory that "
    "nobody wrote. `rkgraph compile` builds again in a new process; what it wrote is of a build that went to its end.",
    "RK980": "The verdict that lint predicts is not the compiler's. `rkgraph lint --verify` built the model and found "
    "it: the compiler is right, and the op table wants mending. `--evidence-output FILE.jsonl` writes what it needs.",
    "RK981": "The compiler runs this node elsewhere than lint predicts. `rkgraph lint --verify` built the model and "
    "mapped the compiler's layers back to it: the compiler is right, and the op table wants mending. "
    "`--evidence-output FILE.jsonl` writes what it needs.",
    "RK991": "A rewrite was refuted by its proof and taken back; the finding names the counterexample that was saved.",
    "RK992": "`rkgraph fix --presimplify` lets onnxsim simplify the model before all else. The whole model "
    "is compared before and after; where they differ, or cannot be compared, the original is gone on with.",
}


def message_codes() -> tuple[str, ...]:
    """All codes that `explained` knows, sorted."""
    logged = {entry.code for entry in (*LOG_TABLE, *OUTCOME_TABLE.values()) if entry.code}
    return tuple(sorted(logged | _WITHOUT_PATTERN.keys()))


def explained(code: str) -> str | None:
    """Markdown that explains a code of the family RK9xx: meaning, what the log says, what to do. None for others.

    All that the log table says of the code is rendered from it.
    """
    if code in _WITHOUT_PATTERN:
        return _WITHOUT_PATTERN[code]
    found = [entry for entry in (*LOG_TABLE, *OUTCOME_TABLE.values()) if entry.code == code]
    if not found:
        return None
    parts = [f"{found[0].severity.value} · said by rknn-toolkit2, or by how it ended"]
    for entry in found:
        parts.append(entry.meaning)
        parts += [f"In the log: `{entry.pattern.pattern}`"] if entry.pattern.pattern else []
        parts += [f"What to do: {entry.mend}"] if entry.mend else []
    return "\n\n".join(parts)
