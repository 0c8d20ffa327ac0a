"""What `rkgraph fix` reports: the model before and after, as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.engine.fix import FixOutcome

__all__ = ["report_document"]


def report_document(outcome: FixOutcome, path: Path, started: float) -> str:
    """The report: the model before and after, the latter with fixes and proofs."""
    import time
    from dataclasses import replace

    import rkgraph
    from rkgraph.report.document import report_to_json
    from rkgraph.results import Report

    after = replace(outcome.after, model=replace(outcome.after.model, path=str(path)))
    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    run = {"started": begun, "seconds": round(time.time() - started, 3)}
    tool = {"name": "rkgraph", "version": rkgraph.__version__}
    return report_to_json(Report((outcome.before, after), run, tool))
