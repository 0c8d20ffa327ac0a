"""All commands on one page: `python -m rkgraph.cli.reference_page > docs/cli.md`; a test holds the file to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rkgraph.cli.reference import reference
from rkgraph.errors import ExitCode

__all__ = ["EXIT_CODES", "ONE", "page"]

EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "clean: it was done, and nothing counts against it",
    ExitCode.FINDINGS: "it was done, and what was found counts: see below",
    ExitCode.USAGE: "wrong options or configuration, an unreadable model, an output that cannot be written, no toolkit",
    ExitCode.PROOF_REFUTED: "a rewrite was shown to change results",
    ExitCode.TOOLKIT_FAILED: "rknn-toolkit2 raised, died, hung or used too much memory",
    ExitCode.BUG: "a bug of ours; the message names the file to report it with",
    ExitCode.INTERRUPTED: "Ctrl-C",
}
ONE: Mapping[str, str] = {
    "lint": "a finding that counts is at or above `--fail-on`",
    "fix": "a finding that counts is left at or above `--fail-on`",
    "compile": "the board will refuse an operator, or `--verify` stayed below the threshold",
    "gate": "a number is beyond its bound, or missing",
    "diff": "with `--exit-code`: something differs",
    "doctor": "something that rkgraph needs is missing or broken",
    "demo": "a sentence's embedding has a cosine below 0.999",
}
"""What exit code 1 means; other commands do not end with it."""
_HEAD = """# The command line

Written by `python -m rkgraph.cli.reference_page` out of the commands themselves. `rkgraph COMMAND --help` says the
same; `rkgraph --install-completion` teaches your shell to complete it.

Results go to stdout, progress and notes to stderr. In a pipe there is no colour (nor with `NO_COLOR`), no line is
wrapped, and progress is a line at the beginning and one at the end. An error is a line `error:` that says what is wrong
and where, and a line `hint:` that says what mends it. Files are written whole or not at all, and never over a file
that the command reads, but for `fix --in-place`. A path that begins with `-` or `@` is written `./-x.onnx`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    commands = reference()
    lines = [_HEAD, *_exit_codes(), "", "## Commands", ""]
    lines += _table(("command", "what it does"), [(_link(each["name"]), each["summary"]) for each in commands])
    for each in commands:
        lines += ["", *_command(each)]
    return "\n".join(lines) + "\n"


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes"
    yield ""
    yield from _table(("code", "meaning"), [(str(code.value), text) for code, text in EXIT_CODES.items()])
    yield ""
    yield "Code 1 is for what was found, and each command finds something else:"
    yield ""
    yield from _table(("command", "ends with 1 where"), [(f"`rkgraph {name}`", text) for name, text in ONE.items()])


def _command(command: Mapping[str, Any]) -> Iterator[str]:
    yield f"## rkgraph {command['name']}"
    yield ""
    yield command["summary"]
    for paragraph in command["help"]:
        yield ""
        yield paragraph
    yield ""
    yield "```sh"
    yield from command["examples"]
    yield "```"
    rows = [(f"`{each['name']}`", each["help"]) for each in command["parameters"]]
    yield ""
    yield from _table(("", "meaning"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _link(name: str) -> str:
    return f"[`{name}`](#rkgraph-{name.replace(' ', '-')})"


if __name__ == "__main__":
    sys.stdout.write(page())
