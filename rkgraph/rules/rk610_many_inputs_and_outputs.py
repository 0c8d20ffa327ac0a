"""RK610: so many inputs and outputs that handing them over takes longer than the model."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.workload import megabytes, value_bytes


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for the model."""
    main = lint.model.main
    names = (*main.inputs, *main.outputs)
    if len(names) <= lint.settings["most"]:
        return
    sizes = [value_bytes(main, name) for name in names]
    known = sum(size for size in sizes if size is not None)
    yield Finding(
        f"{len(main.inputs)} inputs and {len(main.outputs)} outputs, {megabytes(known)} in fp16: each is copied and "
        "converted on its own on every run; join caches of one shape to one tensor, or let the program own the buffers "
        "(rknn_set_io_mem)",
        observed={"inputs": len(main.inputs), "outputs": len(main.outputs), "bytes": int(known)},
        limit={"inputs and outputs": lint.settings["most"]},
        confidence=Confidence.FIELD_REPORT,
    )
