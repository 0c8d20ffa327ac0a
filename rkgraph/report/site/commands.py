"""The command line: a page for each command, out of what `rkgraph.cli.reference` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rkgraph.errors import ExitCode
from rkgraph.report.formats.markdown_text import code, plain
from rkgraph.report.site.text import page, slug, table

__all__ = ["pages"]

_CODES = {
    ExitCode.OK: "clean",
    ExitCode.FINDINGS: "findings at or above the threshold, or a verification below it",
    ExitCode.USAGE: "usage, configuration, unreadable model, missing toolkit, unwritable output",
    ExitCode.PROOF_REFUTED: "a proof was refuted",
    ExitCode.TOOLKIT_FAILED: "the toolkit failed",
    ExitCode.BUG: "a bug of ours",
    ExitCode.INTERRUPTED: "interrupted",
}


def pages(reference: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """commands/index.md and commands/NAME.md."""
    made = {"commands/index.md": page("Commands", _index(reference))}
    return made | {f"commands/{slug(r['name'])}.md": page(f"rkgraph {r['name']}", _command(r)) for r in reference}


def _index(reference: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = ((f"[{r['name']}]({slug(r['name'])}.md)", plain(r["summary"])) for r in reference)
    yield from table(("command", "what it does"), rows)
    yield "## Exit codes\n"
    yield from table(("code", "meaning"), ((str(int(number)), meaning) for number, meaning in _CODES.items()))


def _command(record: Mapping[str, Any]) -> Iterator[str]:
    yield plain(record["summary"])
    yield f"\n```text\n{record['usage']}\n```\n"
    for paragraph in record["help"]:
        yield f"{plain(paragraph)}\n"
    if record["examples"]:
        lines = "\n".join(record["examples"])
        yield f"```sh\n{lines}\n```\n"
    for kind, title in (("argument", "Arguments"), ("option", "Options")):
        rows = [(code(p["name"]), plain(p["help"])) for p in record["parameters"] if p["kind"] == kind]
        if rows:
            yield f"## {title}\n"
            yield from table((kind, "meaning"), rows)
