"""How long a page takes: to be rendered, and in Chromium until it can be used, by the number of nodes.

    python benchmarks/report_speed.py [--nodes 500 5000] [--rounds 5] [-o report_speed.md]

The models are those of `tests/report/large.py`: a transformer with names as exporters give them, and the same without
names; as it came, fixed and compiled. Times are medians. "usable" is from the start of the navigation until the page's
script is done and the browser has painted; "graph" from the click on the tab until all that is on the screen is drawn.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rkgraph.report.html import render
from tests.report.browser import chromium
from tests.report.large import large_report

PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
CLICKED = "(selector) => new Promise((done) => {{ const from = performance.now(); {act}; \
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from))); }})"
TAB = CLICKED.format(act="document.querySelector(selector).click()")
FILL = "const field = document.querySelector(selector); field.value = 'Softmax'; "
SEARCH = CLICKED.format(act=FILL + "field.dispatchEvent(new Event('input'))")
STEPS: tuple[tuple[str, str, str], ...] = (
    ("graph", TAB, "#s1-graph-tab"),
    ("side by side", TAB, ".beside"),
    ("search", SEARCH, ".search input"),
    ("expand all", TAB, "[aria-label='Expand all boxes']"),
    ("layers", TAB, "#s1-layers-tab"),
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    asked = [(nodes, named) for nodes in args.nodes for named in (True, False)]
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        lines = [_row(browser, Path(folder), nodes, named=named, rounds=args.rounds) for nodes, named in asked]
        version = browser.version
    head = ["nodes", "names", "page, MB", "render, s", "usable, s", *(f"{name}, s" for name, _, _ in STEPS)]
    table = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]
    machine = f"{os.cpu_count()} cores of {platform.machine()} under a load of {os.getloadavg()[0]:.0f}"
    about = f"Chromium {version}, headless, {machine}; medians of {args.rounds} rounds. The bar is 2 s, 3 MB."
    text = "\n".join(["# Speed of the report", "", about, "", *table, ""])
    print(text)
    if args.output is not None:
        args.output.write_text(text, encoding="utf-8")


def _row(browser: Any, folder: Path, nodes: int, *, named: bool, rounds: int) -> str:
    report = large_report(nodes, named=named)
    file = folder / f"{nodes}-{named}.html"
    rendering = median(_timed(lambda: file.write_text(render(report), encoding="utf-8")) for _ in range(rounds))
    found = [_opened(browser, file) for _ in range(rounds)]
    times = [median(each) / 1000 for each in zip(*found, strict=True)]
    cells = [f"{nodes:,}", "yes" if named else "no", f"{file.stat().st_size / 1e6:.2f}", f"{rendering:.2f}"]
    return f"| {' | '.join([*cells, *(f'{each:.2f}' for each in times)])} |"


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _opened(browser: Any, file: Path) -> list[float]:
    """Milliseconds: until usable, and of each step."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    found = [page.evaluate(PAINTED)]
    found += [page.evaluate(script, selector) for _, script, selector in STEPS]
    page.close()
    return found


if __name__ == "__main__":
    main()
