"""The gallery in `reports/`: public models as they came, fixed, compiled and verified, as JSON, HTML and pictures.

    python benchmarks/collect_corpus.py FOLDER
    python benchmarks/gallery.py --corpus FOLDER [--only NAME …] [--pages-only]

Each model goes through the command line as a user would have it: `fix`, `compile --verify`, and for one of them
`lint --matrix`. The first is the one of `rkgraph demo`, which also exports it and compares sentences; the second is the
same in 8 bits, calibrated and verified as `quantized_embedder.py` does it. Pictures are taken in the system's Chromium.
`--pages-only` renders pages, pictures and the list again from the JSON that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from compare_models import make_feeds
from corpus import LIST
from playwright.sync_api import sync_playwright
from quantized_embedder import SENTENCES, TOKENS, save, texts_of_cards, tokenized

from rkgraph.compile.tensors import tensors_of, write_npz
from rkgraph.graph.load import read_view
from rkgraph.report.document import join_reports, report_from_json, report_to_json
from rkgraph.report.gains import cosine_text
from rkgraph.report.html import render
from rkgraph.report.page.score import score_of
from rkgraph.report.story import Story, stories
from rkgraph.results import Report

REPORTS = Path(__file__).resolve().parent.parent / "reports"
DEMO = "all-MiniLM-L6-v2"
QUANTIZED = f"{DEMO}-w8a8"
MODELS: Mapping[str, str] = {
    "ppocrv5_cls": "text direction, PaddleOCR",
    "nudenet_320n": "object detection, YOLOv8",
    "silero_vad_16k_op15": "voice activity, an LSTM behind two levels of If",
    "dnsmos_sig_bak_ovr": "speech quality; on every platform",
    "plcmos_v2": "speech quality, two inputs and recurrent layers",
    "swift_f0": "pitch of a voice, spectra as convolutions",
    "light_shufflenet": "image classification, ShuffleNet",
    "attacut_sc": "word segmentation, embeddings and convolutions",
}
ABOUT: Mapping[str, str] = {
    DEMO: "sentence embeddings, a BERT of six layers",
    QUANTIZED: "the same in 8 bits, with islands of fp16 and the error of each layer",
    **MODELS,
}
EVERYWHERE = frozenset({"dnsmos_sig_bak_ovr"})
ALLOWED = ("interface", "approximate")

Row = dict[str, Any]


def main() -> None:
    """Make what is asked for, then the pages, the pictures and the list of all there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of the models", metavar="FOLDER")
    parser.add_argument("--only", nargs="+", default=list(ABOUT), choices=list(ABOUT), metavar="NAME")
    parser.add_argument("--pages-only", action="store_true", help="render again what there is")
    args = parser.parse_args()
    if not args.pages_only:
        if args.corpus is None:
            parser.error("--corpus FOLDER is needed to measure; --pages-only renders again")
        rows = {row["name"]: row for row in map(json.loads, LIST.read_text(encoding="utf-8").splitlines())}
        for name in args.only:
            print(name, file=sys.stderr, flush=True)
            made = _made(name, args.corpus, rows)
            (REPORTS / f"{name}.json").write_text(report_to_json(made), encoding="utf-8")
    reports = {name: _read(REPORTS / f"{name}.json") for name in ABOUT if (REPORTS / f"{name}.json").exists()}
    for name, report in reports.items():
        (REPORTS / f"{name}.html").write_text(render(report), encoding="utf-8")
    _pictures(reports)
    (REPORTS / "README.md").write_text(_listing(reports), encoding="utf-8")


def _made(name: str, corpus: Path, rows: Mapping[str, Row]) -> Report:
    if name == DEMO:
        return _demo(corpus)
    return _quantized(corpus) if name == QUANTIZED else _measured(corpus, rows[name])


def _demo(corpus: Path) -> Report:
    folder = corpus / "gallery"
    folder.mkdir(exist_ok=True)
    _run(folder, "demo", "-o", "demo")
    return _read(folder / "demo" / "report.json")


def _quantized(corpus: Path) -> Report:
    """The demo's model in 8 bits: calibrated on texts of the cards, verified on the longest of the demo's sentences."""
    source = corpus / "gallery" / "demo" / "embedder"
    if not (source / "model.onnx").is_file():
        raise SystemExit(f"{source}: is not there; make {DEMO} first (--only {DEMO})")
    folder = _emptied(corpus / "gallery" / QUANTIZED)
    model = f"{DEMO}.onnx"
    os.link(source / "model.onnx", folder / model)
    save(folder / "samples.npz", tokenized(texts_of_cards(), source))
    longest = max(json.loads(SENTENCES.read_text(encoding="utf-8")), key=len)
    save(folder / "sentence.npz", tokenized([longest], source))
    samples = ("--precision", "w8a8", "--calibration", "samples.npz")
    pins = ("--dim", "batch=1", "--dim", f"sequence={TOKENS}")
    _run(folder, "fix", model, *pins, *samples, "--report", "fix.json", "-o", "fixed.onnx")
    verify = ("--verify", "--inputs", "sentence.npz", "--threshold", "0.97")
    measure = ("--islands", "--layer-errors", *verify, "--report", "compile.json")
    _run(folder, "compile", "fixed.onnx", *samples, *measure, "-o", f"{QUANTIZED}.rknn")
    return join_reports([_read(folder / each) for each in ("fix.json", "compile.json")])


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _measured(corpus: Path, row: Row) -> Report:
    """Fix, compile and verify one model in a folder of its own, so that paths in the report are short."""
    folder = _emptied(corpus / "gallery" / row["name"])
    model, fixed = row["file"], f"{row['name']}.rk.onnx"
    os.link((corpus / model).resolve(), folder / model)
    shapes = [word for spec in row["sample_inputs"] if spec["shape"] for word in ("--shape", _pin(spec))]
    whole = [s for s in row["sample_inputs"] if not s["shape"] and s.get("gen") == "const" and "int" in s["dtype"]]
    frozen = [word for spec in whole for word in ("--freeze", f"{spec['name']}={spec.get('value', 0)}")]
    allowed = [word for each in ALLOWED for word in ("--allow", each)]
    _run(folder, "fix", model, *shapes, *frozen, *allowed, "--report", "fix.json", "-o", fixed)
    _write_inputs(row, folder / fixed, folder / "inputs.npz")
    verify = ("--verify", "--inputs", "inputs.npz", "--layer-errors", "--report", "compile.json")
    _run(folder, "compile", fixed, *verify, "-o", f"{row['name']}.rknn")
    documents = ["fix.json", "compile.json"]
    if row["name"] in EVERYWHERE:
        _run(folder, "lint", model, *shapes, "--matrix", "--format", "json", "-o", "matrix.json")
        documents.append("matrix.json")
    return join_reports([_read(folder / each) for each in documents])


def _write_inputs(row: Row, fixed: Path, path: Path) -> None:
    """What the corpus feeds the model with, as the fixed one takes it: generated numbers may mean nothing to it."""
    made = make_feeds(row["sample_inputs"])
    inputs, _ = tensors_of(read_view(fixed).main)
    write_npz(path, {each.name: made[each.name].astype(each.dtype).reshape(each.shape) for each in inputs})


def _pin(spec: Row) -> str:
    return f"{spec['name']}={'x'.join(map(str, spec['shape']))}"


def _run(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "rkgraph", *words, "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: findings are left, which is for the report to say
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-1500:]}")


def _read(path: Path) -> Report:
    return report_from_json(path.read_text(encoding="utf-8"))


def _pictures(reports: Mapping[str, Report]) -> None:
    """A picture of each page, opened at its graph; the first also at its summary, in dark."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    names = list(reports)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        shots = [(name, f"{name}.png", "graph", "light") for name in names]
        shots.append((names[0], f"{names[0]}-summary.png", "summary", "light"))
        shots.append((names[0], f"{names[0]}-dark.png", "layers", "dark"))
        shots += [(QUANTIZED, f"{QUANTIZED}-{part}.png", part, "light") for part in ("layers",) if QUANTIZED in names]
        shots += [(name, f"{name}-platforms.png", "platforms", "light") for name in EVERYWHERE if name in names]
        for name, file, part, scheme in shots:
            page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme=scheme)
            page.goto((REPORTS / f"{name}.html").as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            page.click(f"#s1-{part}-tab")
            if part == "graph" and page.locator(".view-tabs button").count() > 1:
                page.click(".beside")
                page.fill(".search input", _middle(stories(reports[name])[0]))
                page.press(".search input", "Enter")
                page.press(".search input", "Escape")
            page.wait_for_timeout(400)
            page.screenshot(path=REPORTS / file)
            page.close()
        browser.close()


def _middle(story: Story) -> str:
    """A node in the middle of the graph that is a layer of its own, to be chosen in all views."""
    labels = {node.node for node in story.before.placement}
    found = [str(node) for layer in story.layers for node in layer["nodes"] if node in labels]
    return found[len(found) // 2] if found else story.before.placement[0].node


def _listing(reports: Mapping[str, Report]) -> str:
    lines = [
        "# Gallery",
        "",
        "Reports of public models for rk3588 with rknn-toolkit2 2.3.2, fp16 but for one: as they came, fixed, compiled",
        "and verified in the toolkit's simulator; made by `python benchmarks/gallery.py --corpus FOLDER`. Pages open",
        "from a file; each is a function of the JSON beside it (`rkgraph report NAME.json -o NAME.html`).",
        "",
        f"[![{DEMO}: summary]({DEMO}-summary.png)]({DEMO}.html)",
        "",
        "| model | what it is | verdict | nodes | CPU layers | lowest cosine | score | JSON |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, report in reports.items():
        story = stories(report)[0]
        lines.append(f"| [{name}]({name}.html) | {ABOUT[name]} | {_facts(story)} | [JSON]({name}.json) |")
    for name in reports:
        lines += [
            "",
            f"## {name}",
            "",
            f"[![{name}: its graph, as it came, fixed and compiled]({name}.png)]({name}.html)",
        ]
    lines += ["", "## The error of each layer", ""]
    lines += [f"[![{QUANTIZED}: layers, their cost and their error]({QUANTIZED}-layers.png)]({QUANTIZED}.html)"]
    lines += ["", "## Every platform", ""]
    lines += [f"[![{name}: on every platform]({name}-platforms.png)]({name}.html)" for name in sorted(EVERYWHERE)]
    lines += ["", "## In dark", "", f"[![{DEMO}: layers, in dark]({DEMO}-dark.png)]({DEMO}.html)", ""]
    return "\n".join(lines)


def _facts(story: Story) -> str:
    before, after = story.before, story.after
    verdict = (
        after.verdict.value if before.verdict is after.verdict else f"{before.verdict.value} → {after.verdict.value}"
    )
    nodes = f"{before.model.nodes}" if not story.changed else f"{before.model.nodes} → {after.model.nodes}"
    work = [layer for layer in story.layers if layer["op"] not in ("InputOperator", "OutputOperator")]
    cpu = sum(layer["target"] == "CPU" for layer in work)
    cosine = story.lowest_cosine
    told = "–" if cosine is None else cosine_text(cosine)
    return f"{verdict} | {nodes} | {cpu} of {len(work)} | {told} | {score_of(story).whole.points}"


if __name__ == "__main__":
    main()
