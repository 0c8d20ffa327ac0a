"""Compare an op table with its evidence and write what it does not predict.

    python benchmarks/check_op_table.py [--toolkit 2.3.2]

Writes op_tables/evidence/rknn-VERSION.disagreements.txt; a test holds that file true and complete.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from op_cases.evidence import Seen, read_evidence

from rkgraph.resources import data_folder
from rkgraph.tables.table import OpTable, load_table
from rkgraph.targets import Target


def disagreement(table: OpTable, seen: Seen) -> str | None:
    """A line that says what was measured and what is predicted instead, None where they agree."""
    judged = table.judge(seen.node, seen.graph, Target(toolkit=table.version), seen.graph.is_constant)
    if judged.outcome == seen.outcome:
        return None
    return f"{seen.id}: measured {seen.outcome}, predicted {judged.outcome}"


def main() -> None:
    """Compare everything and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toolkit", default="2.3.2")
    version = parser.parse_args().toolkit
    table = load_table(version)
    cases = [seen for group in read_evidence(version).values() for seen in group]
    lines = [line for seen in cases if (line := disagreement(table, seen))]
    path = data_folder("op_tables") / "evidence" / f"rknn-{version}.disagreements.txt"
    path.write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")
    print(f"{len(cases)} lines of evidence, {len(lines)} not predicted, see {path.name}")


if __name__ == "__main__":
    main()
