"""`rkgraph compile` against the raw toolkit's own time on the same model, and from the cache.

    python benchmarks/compile_overhead.py static.onnx [--toolkit 2.3.2] [--rounds 5]

The raw run is what the vendor's examples do: import, config, load_onnx, build, export_rknn, in one process of the
toolkit's interpreter. Both print at the same verbosity, to nowhere.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from alternate import alternate, markdown, median_ratio, run_once

from rkgraph.cli.common import home_folder
from rkgraph.toolkit.locate import find_toolkit

RAW = """
import os, sys, tempfile
os.chdir(tempfile.mkdtemp(dir=sys.argv[3]))
from rknn.api import RKNN
rknn = RKNN(verbose=True)
rknn.config(target_platform="rk3588")
assert rknn.load_onnx(model=sys.argv[1]) == 0
assert rknn.build(do_quantization=False) == 0
assert rknn.export_rknn(sys.argv[2]) == 0
rknn.release()
"""
OVERHEAD_BAR = 1.05
CACHED_BAR_SECONDS = 1.0


def main() -> int:
    """Print the table; exit 1 when a bar of the issue is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--toolkit", default="2.3.2")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    model = str(given.model.resolve())
    toolkit = find_toolkit(given.toolkit, None, home=home_folder())
    with tempfile.TemporaryDirectory() as folder:
        script = str(Path(sys.executable).with_name("rkgraph"))
        ours = [script, "compile", model, "--toolkit", given.toolkit, "-o", f"{folder}/ours.rknn"]
        commands = {
            "raw toolkit": [str(toolkit.python), "-c", RAW, model, f"{folder}/raw.rknn", folder],
            "rkgraph compile": [*ours, "--no-cache"],
        }
        runs = alternate(commands, given.rounds)
        run_once(ours)
        runs |= alternate({"rkgraph compile, cached": ours}, given.rounds, warmup=0)
    print(markdown(runs, {"rkgraph compile": "raw toolkit", "rkgraph compile, cached": "raw toolkit"}))
    failed = [name for name, found in runs.items() if any(run.code for run in found)]
    ratio = median_ratio(runs["rkgraph compile"], runs["raw toolkit"])
    cached = sorted(run.seconds for run in runs["rkgraph compile, cached"])[given.rounds // 2]
    if failed or ratio > OVERHEAD_BAR or cached > CACHED_BAR_SECONDS:
        print(f"\nmissed: failed {failed}, overhead {ratio:.3f}, cached {cached:.2f} s")
        return 1
    print("\nall bars met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
