"""How well a sentence embedder is quantized: plainly, with a mask that fits its scores, and with islands of fp16.

The way is that of a user, `rkgraph fix`, `rkgraph compile --islands`, then the toolkit's simulator, on the demo's model
and sentences. What calibrates is text of the rules' cards. What is told is the cosine of each embedding to that of the
original model in ONNX Runtime.

    python -m benchmarks.quantized_embedder [--work FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from rkgraph.analysis.similarity import cosine
from rkgraph.compile.tensors import write_npz
from rkgraph.rulebook.registry import load_rules
from rkgraph.runtime.pipeline import Pipeline

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "demo" / "embedder"
SENTENCES = ROOT / "rkgraph" / "cli" / "demo_sentences.json"
TOKENS = 128
CALIBRATED = 24

Array = npt.NDArray[Any]
Feeds = dict[str, Array]


@dataclass(frozen=True)
class Way:
    """One way to the quantized model: arguments of fix and of compile."""

    name: str
    fix: tuple[str, ...]
    compile: tuple[str, ...] = ()


def ways(calibration: Path) -> tuple[Way, ...]:
    """The ways that are compared; the first has what fix does without samples."""
    seen = ("--calibration", str(calibration))
    return (
        Way("all int8, mask fill -10000 (RK203)", ()),
        Way("all int8, mask fill from the scores (RK701)", seen),
        Way("RK701 and islands of fp16", seen, ("--islands",)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="keep all files here")
    work = parser.parse_args().work
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        print_table(work)
        return
    with tempfile.TemporaryDirectory() as folder:
        print_table(Path(folder))


def print_table(work: Path) -> None:
    """Measure each way, and print a row of it."""
    calibration = work / "calibration.npz"
    save(calibration, tokenized(texts_of_cards()))
    held_out = tokenized(json.loads(SENTENCES.read_text(encoding="utf-8")))
    expected = reference(held_out)
    print(f"{CALIBRATED} texts for calibration, {len(held_out)} others scored, {TOKENS} tokens\n")
    print("| | int8 share of NPU cycles | lowest cosine | mean cosine |\n|---|---|---|---|")
    for number, way in enumerate(ways(calibration)):
        share, found = measured(way, work / f"way{number}", calibration, held_out)
        rows = [cosine(a, b) for a, b in zip(expected, found, strict=True)]
        print(f"| {way.name} | {100 * share:.0f} % | {min(rows):.4f} | {sum(rows) / len(rows):.4f} |", flush=True)


def texts_of_cards() -> list[str]:
    """Plain English for calibration: names of rules, first sentences, paragraphs and pages of their cards."""
    texts = []
    for number, rule in enumerate(load_rules()[: 5 * CALIBRATED : 5]):
        paragraph = " ".join(rule.card.sections["What it does"].split("\n\n")[0].split())
        page = " ".join(" ".join(rule.card.sections.values()).split())
        texts.append((rule.name.replace("-", " "), paragraph.split(". ")[0], paragraph, page)[number % 4])
    return texts


def tokenized(texts: Sequence[str], model: Path = MODEL) -> list[Feeds]:
    """Texts as the model in a folder takes them, one case each."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding(length=TOKENS)
    rows = [tokenizer.encode(text) for text in texts]
    columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    return [{name: np.array([getattr(row, key)], np.int64) for name, key in columns.items()} for row in rows]


def save(path: Path, cases: Sequence[Feeds]) -> None:
    """All cases in one .npz, along the batch."""
    write_npz(path, {name: np.concatenate([case[name] for case in cases]) for name in cases[0]})


def reference(cases: Sequence[Feeds]) -> list[Array]:
    """The embeddings of the original model."""
    session = onnxruntime.InferenceSession(str(MODEL / "model.onnx"), providers=["CPUExecutionProvider"])
    return [pooled(session.run(None, case)[0], case) for case in cases]


def pooled(hidden: Array, case: Feeds) -> Array:
    """The mean over the tokens that count."""
    mask = case["attention_mask"][..., None]
    mean: Array = (hidden.reshape(1, TOKENS, -1) * mask).sum(axis=1) / mask.sum(axis=1)
    return mean


def measured(way: Way, stem: Path, calibration: Path, cases: Sequence[Feeds]) -> tuple[float, list[Array]]:
    """The share of NPU cycles in int8, and the embeddings in the simulator."""
    fixed, bundle, report = (stem.with_suffix(suffix) for suffix in (".onnx", ".rk", ".json"))
    pins = ("--dim", "batch=1", "--dim", f"sequence={TOKENS}")
    rkgraph("fix", MODEL / "model.onnx", *pins, "--precision", "w8a8", *way.fix, "-o", fixed)
    build = ("--precision", "w8a8", "--calibration", calibration, "--report", report)
    rkgraph("compile", fixed, *build, *way.compile, "-o", bundle)
    return int8_share(report), [
        pooled(hidden, case) for hidden, case in zip(simulated(bundle, cases), cases, strict=True)
    ]


def simulated(bundle: Path, cases: Sequence[Feeds]) -> list[Array]:
    """The first output of each case."""
    with Pipeline(bundle, backend="simulator") as pipeline:
        return [next(iter(each.outputs.values())) for each in pipeline.run_many(cases)]


def int8_share(report: Path) -> float:
    """Of the NPU cycles in the compiler's layer table, those of int8 layers."""
    (result,) = json.loads(report.read_text(encoding="utf-8"))["results"]
    layers = [(layer["npu_cycles"], layer["dtype"]) for layer in result["compile"]["stages"][0]["layers"]]
    share: float = sum(cycles for cycles, dtype in layers if dtype == "INT8") / sum(cycles for cycles, _ in layers)
    return share


def rkgraph(*words: object) -> None:
    """Run a command as a user would; what goes wrong ends the benchmark."""
    done = subprocess.run(
        [sys.executable, "-m", "rkgraph", *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"rkgraph {' '.join(map(str, words))}: {done.stderr}")


if __name__ == "__main__":
    main()
