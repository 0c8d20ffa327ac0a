"""Whole-process CPU time and peak memory of rkgraph's quick commands against `import onnx` and `onnx.load`.

python benchmarks/cli_speed.py static.onnx [--rounds 15]

CPU time is user and system time, so that other work on the machine counts little; all modules have their bytecode.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from alternate import alternate, cpu, markdown, median_ratio, with_bytecode

BARS = {"rkgraph lint": 1.1, "rkgraph --help": 0.5, "rkgraph rule RK301": 0.5}
LINT_PEAK_MB = 100


def main() -> int:
    """Print the table; exit 1 when a bar of the issue is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    python, script = sys.executable, str(Path(sys.executable).with_name("rkgraph"))
    commands = {
        "import onnx": [python, "-c", "import onnx"],
        "onnx.load": [python, "-c", f"import onnx; onnx.load({str(given.model)!r})"],
        "rkgraph lint": [script, "lint", str(given.model)],
        "rkgraph lint --format json": [script, "lint", "--format", "json", str(given.model)],
        "rkgraph --help": [script, "--help"],
        "rkgraph rule RK301": [script, "rule", "RK301"],
    }
    references = {
        "rkgraph lint": "onnx.load",
        "rkgraph lint --format json": "onnx.load",
        "rkgraph --help": "import onnx",
        "rkgraph rule RK301": "import onnx",
    }
    with tempfile.TemporaryDirectory() as folder:
        runs = alternate(commands, given.rounds, environment=with_bytecode(Path(folder)))
    print(f"{given.model.name}, {given.model.stat().st_size / 1e6:.0f} MB, {given.rounds} rounds in turns, CPU time\n")
    print(markdown(runs, references, cpu))
    missed = [n for n, bar in BARS.items() if median_ratio(runs[n], runs[references[n]], cpu) > bar]
    if max(run.peak_mb for run in runs["rkgraph lint"]) > LINT_PEAK_MB:
        missed.append("peak memory of rkgraph lint")
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nall bars met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
