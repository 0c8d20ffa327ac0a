"""The reference of operators: `python -m rkgraph.report.op_pages docs/ops` writes a page for each toolkit version.

A pure function of the op tables; a test holds the committed pages current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rkgraph.files import write_text
from rkgraph.report.operators import DEVICE, grouped, name_of, sources, wrong_forms
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Entry
from rkgraph.tables.table import OpTable, load_table
from rkgraph.targets import toolkits

__all__ = ["pages"]

_INTRO = """\
# Operators with rknn-toolkit2 {version}

What the compiler makes of each operator, measured by building small models with it: {measured}. An operator that is
not listed was not measured. The same in a terminal: `rkgraph ops OPERATOR --toolkit {version} --target PLATFORM`.
Ids name the models that were built ([what they mean](../../op_tables/evidence/README.md)).
"""

_INDEX = """\
# Operators

What the compilers make of ONNX operators, measured. One page for each version of the toolkit; what an upgrade gains
and loses says `rkgraph ops diff OLD NEW`. Written by `python -m rkgraph.report.op_pages docs/ops` out of `op_tables/`.
"""

_BASE = "rk3588"


def pages() -> dict[str, str]:
    """All pages by file name, README.md among them."""
    tables = {version: load_table(version) for version in toolkits() if _has_table(version)}
    found = {f"rknn-{version}.md": _page(table) for version, table in tables.items()}
    links = [
        f"- [rknn-toolkit2 {version}](rknn-{version}.md): {len({name_of(e) for e in table.entries()})} operators on "
        f"{len(table.measured)} platforms, {sum(table.measured.values()):,} models built"
        for version, table in tables.items()
    ]
    return {"README.md": "\n".join([_INDEX, *links, ""]), **found}


def _has_table(version: str) -> bool:
    return (data_folder("op_tables") / f"rknn-{version}.toml").is_file()


def _page(table: OpTable) -> str:
    measured = ", ".join(
        f"{count:,} for {platform} ({precision})" for (platform, precision), count in table.measured.items()
    )
    lines = [_INTRO.format(version=table.version, measured=measured)]
    for name, entries in groupby(table.entries(), key=name_of):
        lines += _operator(name, list(entries))
        lines += _wrong(name, table.version)
    return "\n".join(lines)


def _operator(name: str, entries: Sequence[Entry]) -> Iterator[str]:
    yield f"## {name}\n"
    for entry in sorted(entries, key=lambda e: e.platforms):
        others = "elsewhere" if len(entries) > 1 else "everywhere"
        yield f"**{', '.join(entry.platforms) or others}: {DEVICE[entry.outcome]}** ({entry.cases} models)\n"
        for outcome, limits in grouped(entry):
            yield f"- {DEVICE[outcome]}, unless"
            yield from (f"  - {limit.describe()}" for limit in limits)
        yield from sources(entry)


def _wrong(name: str, version: str) -> Iterator[str]:
    """What builds and computes something else, on the platform that was asked everything."""
    laws = wrong_forms(name, version, _BASE)
    if laws:
        yield "**builds and computes wrong numbers**\n"
        for law in laws:
            spared = f" (not on {', '.join(law.right_platforms)})" if law.right_platforms else ""
            evidence = ", ".join(f"`{each}`" for each in law.evidence)
            yield f"- {law.describe()}{spared}; told by {law.told_by}; evidence: {evidence}"
        yield ""


def main(folder: Path) -> None:
    """Write all pages into a folder, and remove those of versions that are gone."""
    written = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("rknn-*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        write_text(folder / name, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
