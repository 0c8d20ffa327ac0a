"""Real sentences through the compiled embedder and through the original model: the demo's last proof."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.cli.common import home_folder
from rkgraph.cli.demo_steps import Memory, digest_of
from rkgraph.cli.output import Output

if TYPE_CHECKING:
    from rkgraph.results import Report
    from rkgraph.tasks.sentence_embedding import Likeness
    from rkgraph.toolkit.locate import Toolkit

__all__ = ["BAR", "SENTENCES", "Files", "embed_all", "read_report", "sentence_table"]

BAR = 0.999
"""Lowest cosine that every embedding must reach."""

SENTENCES = Path(__file__).with_name("demo_sentences.json")
_SHOWN = 25


class Files:
    """Where everything lies, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.original = folder / "embedder" / "model.onnx"
        self.fixed = folder / "fixed.onnx"
        self.fixed_report = folder / "fix.json"
        self.bundle = folder / "embedder.rk"
        self.compiled_report = folder / "compile.json"
        self.report = folder / "report.json"
        self.page = folder / "report.html"


def embed_all(
    files: Files, length: int, memory: Memory, out: Output, toolkit_python: Path | None
) -> tuple[Likeness, ...]:
    """All sentences, first refusing those that are too long, then these again truncated; prints both tables."""
    from rkgraph.tasks.sentence_embedding import Likeness

    sentences = json.loads(SENTENCES.read_text(encoding="utf-8"))
    out.print()
    out.print(f"Embed {len(sentences)} sentences on the compiled model, and compare with the original", "title")
    key = f"sentences {digest_of((SENTENCES, files.original, files.bundle))} {length}"
    known = memory.recall(key)
    if known is None:
        with out.progress("simulate, and run the original in ONNX Runtime") as tell:
            rows = _compare(files, length, sentences, toolkit_python, tell)
        memory.keep(key, [asdict(row) for row in rows])
    else:
        out.print("unchanged since the last run", "dim")
        rows = tuple(Likeness(**row) for row in known)
    strict, cut = rows[: len(sentences)], rows[len(sentences) :]
    out.print()
    sentence_table(strict, out)
    if cut:
        out.print()
        out.print(f"{len(cut)} are longer than {length} tokens: refused, unless truncation is asked for:", "title")
        sentence_table(cut, out)
    return rows


def sentence_table(rows: Sequence[Likeness], out: Output) -> None:
    """Tokens, padding and cosine of each sentence."""
    cells = [
        (
            (row.text if len(row.text) <= _SHOWN else row.text[: _SHOWN - 1] + "…") or "(empty)",
            str(row.tokens),
            "" if row.padded is None else f"{row.padded:.0%}",
            "" if row.cosine is None else f"{row.cosine:.6f}",
            row.outcome.partition(",")[0],  # the size that it is refused for is in the title below
        )
        for row in rows
    ]
    out.table(("sentence", "tokens", "padded", "cosine", "outcome"), cells, right=(1, 2, 3), whole=(1, 2, 3))


def read_report(path: Path) -> Report:
    """The report in a file that a step of the demo wrote."""
    from rkgraph.report.document import report_from_json

    return report_from_json(path.read_text(encoding="utf-8"))


def _compare(
    files: Files, length: int, sentences: Sequence[str], toolkit_python: Path | None, tell: Any
) -> tuple[Likeness, ...]:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.export.folder import read_embedder
    from rkgraph.runtime import Pipeline
    from rkgraph.tasks.sentence_embedding import SentenceEmbedder, compare_sentences, pipeline_runner, reference_runner

    def find(version: str) -> Toolkit:
        from rkgraph.toolkit.locate import find_toolkit

        return find_toolkit(version, toolkit_python, home_folder())

    folder = read_embedder(files.original.parent)
    original = SentenceEmbedder(folder, reference_runner(files.original))
    cache = CompileCache(home_folder() / "builds")
    with Pipeline(files.bundle, "simulator", find_toolkit=find, cache=cache, tell=tell) as pipeline:
        run = pipeline_runner(pipeline)
        # Truncating first: one simulation serves all. What was cut is then shown to the embedder that refuses.
        rows = compare_sentences(sentences, SentenceEmbedder(folder, run, length, "truncate"), original)
        cut = [row for row in rows if row.tokens > length]
        refused = iter(compare_sentences([r.text for r in cut], SentenceEmbedder(folder, run, length), original))
    return (*(next(refused) if row.tokens > length else row for row in rows), *cut)
