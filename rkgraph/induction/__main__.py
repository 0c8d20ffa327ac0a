"""`python -m rkgraph.induction [VERSION …]`: writes op_tables/rknn-VERSION.toml from the evidence in the repository."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from rkgraph.derived import parse_toml
from rkgraph.files import write_text
from rkgraph.induction.induce import BASE, induce
from rkgraph.probe.evidence import device_lines_of, lines_of, measured_targets, models_of
from rkgraph.resources import data_folder
from rkgraph.tables.index import derive_all, index_table
from rkgraph.targets import Target, toolkits


def main(versions: Sequence[str]) -> None:
    """Induce the tables of the versions that are named, or of all that there is evidence for."""
    cases = models_of()
    base = _lines(BASE)
    for version in versions or toolkits():
        targets = measured_targets(version)
        if not targets:
            continue
        evidence = {target: _lines(target) for target in targets} | {BASE: base}
        induced = induce(version, cases, evidence, jobs=os.cpu_count() or 1)
        name = f"rknn-{version}.toml"
        index_table(parse_toml(induced.text, name), name)  # what cannot be read back is not written
        write_text(data_folder("op_tables") / name, induced.text)
        listed = "".join(sorted(f"{t.platform} {case}: {outcome}\n" for t, case, outcome in induced.unexplained))
        write_text(data_folder("op_tables") / "evidence" / f"rknn-{version}" / "unexplained.txt", listed)
        said = f"{version}: {induced.measured} builds, {len(induced.unexplained)} that no limit explains\n"
        sys.stdout.write(said)
    derive_all(data_folder("op_tables"))


def _lines(target: Target) -> dict[str, dict[str, Any]]:
    """The lines of a target; a board's word stands above the compiler's."""
    return lines_of(target) | device_lines_of(target)


if __name__ == "__main__":
    main(sys.argv[1:])
