"""Writes the site's sources into a folder: `python -m rkgraph.report.site -o site_src`."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rkgraph.files import write_text
from rkgraph.report.site import commands, guides, operators, platforms, rules

__all__ = ["main", "pages", "write"]


def pages() -> dict[str, str]:
    """All pages by path below the folder, in a fixed order."""
    told = subprocess.run([sys.executable, "-m", "rkgraph.cli.reference"], check=True, capture_output=True, text=True)
    made: dict[str, str] = {}
    for part in (
        guides.pages(),
        rules.pages(),
        operators.pages(),
        platforms.pages(),
        commands.pages(json.loads(told.stdout)),
    ):
        made |= part
    return made


def write(folder: Path, found: Mapping[str, str]) -> None:
    """Write the pages; those that a folder written before has too many are removed."""
    marker = folder / _MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise SystemExit(f"{folder}: is not empty, and not written by this; give another folder")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    marker.touch()
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


_MARKER = ".rkgraph-site"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m rkgraph.report.site", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("site_src"), metavar="FOLDER")
    folder = parser.parse_args().output
    found = pages()
    write(folder, found)
    sys.stderr.write(f"wrote {len(found)} pages to {folder}\n")


if __name__ == "__main__":
    main()
