"""Describes the interpreter that runs this file, as JSON. Standard library only.

{"version": [3, 11], "executable": …, "torch": {"version": …, "entries": [paths]} or null}

`entries` are the files and folders that make up torch and the closure of its requirements.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def closure(name: str) -> dict[str, Distribution]:
    """The installed distribution `name` and, by normalised name, all it requires (extras aside)."""
    found: dict[str, Distribution] = {}
    wanted = [name]
    while wanted:
        key = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(key)
        except PackageNotFoundError:
            continue  # a requirement of another platform; the import check at the end would notice a real one
        for requirement in found[key].requires or ():
            match = _NAME.match(requirement)
            if match and "extra ==" not in requirement:
                wanted.append(match.group())
    return found


def entries(distributions: dict[str, Distribution]) -> list[str]:
    """Top-level files and folders of the distributions, absolute; scripts and caches left out."""
    found = set()
    for each in distributions.values():
        for file in each.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not file.is_absolute():
                found.add(str(Path(str(each.locate_file(top))).resolve()))
    return sorted(path for path in found if Path(path).exists())


def main() -> None:
    """Print the description."""
    distributions = closure("torch")
    torch = distributions.get("torch")
    json.dump(
        {
            "version": list(sys.version_info[:2]),
            "executable": sys.executable,
            "torch": torch and {"version": torch.version, "entries": entries(distributions)},
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
