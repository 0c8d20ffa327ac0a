#!/usr/bin/env python3
"""Runs the models of this folder on the board that it lies on, and writes results.json beside itself.

    python3 run_on_board.py

Needs Python 3.7 or newer, numpy and rknn-toolkit-lite2; nothing is installed, sent or written elsewhere. Each model
runs in a process of its own, so that a crash or a hang costs one model. Stop it when you like: the same command goes
on from there. Then take results.json back: `rkgraph evidence import results.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict  # noqa: UP035 - Python 3.7

SCHEMA = "rkgraph.board-results/1"
MOST_LINES = 40
LONGEST_LINE = 300
RUNTIMES = ("/usr/lib", "/usr/lib64", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib", "/vendor/lib64", "/oem/usr/lib")
NO_LITE = 3  # exit code of a child that finds no rknn-toolkit-lite2

Record = Dict[str, Any]  # noqa: UP006


def main() -> int:
    """Run what has no result yet; 0 when all models have one, 1 when something is in the way."""
    arguments = parsed()
    folder = Path(__file__).resolve().parent
    if arguments.child is not None:
        return child(folder, arguments.child, Path(arguments.report))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    results = earlier(folder, manifest)
    if arguments.retry:
        results["runs"] = [run for run in results["runs"] if run["status"] == "ran"]
    return check(folder, manifest, results, arguments.timeout)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="of one model (60)")
    parser.add_argument("--retry", action="store_true", help="run again what was refused, crashed or hung")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--report", help=argparse.SUPPRESS)
    return parser.parse_args()


def check(folder: Path, manifest: Record, results: Record, timeout: float) -> int:
    """Run the control model, then all that is left, and say what came out."""
    results["control"] = run_case(folder, manifest["control"], timeout)
    results["board"] = board(results["control"])
    save(folder, results)
    if results["control"]["status"] != "ran":
        return fail(results["control"], "the control model, a plain convolution, does not run on this board")
    done = {run["id"] for run in results["runs"]}
    left = [case for case in manifest["cases"] if case["id"] not in done]
    for number, case in enumerate(left, 1):
        run = run_case(folder, case, timeout)
        say(f"[{number}/{len(left)}] {case['id']}: {told(run)}")
        results["runs"].append(run)
        save(folder, results)
        if run["status"] in ("crashed", "timed-out"):
            again = run_case(folder, manifest["control"], timeout)
            if again["status"] != "ran":
                return fail(
                    again, "after {} the NPU does nothing any more: reboot, and run this again".format(case["id"])
                )
    counts: dict[str, int] = {}
    for run in results["runs"]:
        counts[run["status"]] = counts.get(run["status"], 0) + 1
    summary = ", ".join(f"{counts[key]} {key}" for key in sorted(counts))
    say(f"{folder / 'results.json'}: {summary}")
    say("next, where rkgraph is installed: rkgraph evidence import results.json")
    return 0


def run_case(folder: Path, case: Record, timeout: float) -> Record:
    """Run one model in a process of its own: what it reports, and how it ended."""
    with tempfile.TemporaryDirectory(prefix="rkgraph-board-") as name:
        report, printed = Path(name, "report.json"), Path(name, "printed")
        began = time.time()
        command = [sys.executable, str(Path(__file__).resolve()), "--child", case["id"], "--report", str(report)]
        with printed.open("wb") as stream:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )
            code = ended(process, timeout)
        said = read(report)
        run: Record = {"id": case["id"], "status": "", "stage": said.get("stage", "start")}
        run.update(
            {key: said[key] for key in ("load", "init", "inference", "error", "outputs", "versions") if key in said}
        )
        run["status"] = status_of(code, said)
        if code is not None and code < 0:
            run["signal"] = signal.Signals(-code).name
        run["seconds"] = round(time.time() - began, 3)
        run["printed"] = last_lines(printed, folder)
        run["files"] = {name: digest(folder / path) for name, path in sorted(case["files"].items())}
    if code == NO_LITE:
        say("rknn-toolkit-lite2 cannot be imported: {}".format(said.get("error", "")))
        say("install it: pip3 install rknn-toolkit-lite2")
        sys.exit(2)
    return run


def ended(process: Any, timeout: float) -> int | None:
    """The exit code of a process; None where it was killed because its time was up."""
    try:
        return int(process.wait(timeout))
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:  # Ctrl-C, too, leaves nothing behind
            process.kill()
            process.wait()


def status_of(code: int | None, said: Record) -> str:
    """How a model fared: ran, refused (an error code or exception), crashed, or timed-out."""
    if "outputs" in said:  # whatever happened when it was let go
        return "ran"
    if code is None:
        return "timed-out"
    return "refused" if code == 1 and said.get("ended") else "crashed"


def child(folder: Path, wanted: str, report: Path) -> int:
    """Load, start and run one model; the report is written at every stage, as nobody knows which is the last."""
    import numpy as np

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    case = next(c for c in [manifest["control"]] + manifest["cases"] if c["id"] == wanted)
    said: Record = {"stage": "import"}
    write(report, said)
    try:
        from rknnlite.api import RKNNLite
    except Exception as error:  # noqa: BLE001 - it may be broken in any way
        write(report, dict(said, error=str(error), ended=True))
        return NO_LITE
    with np.load(str(folder / case["files"]["inputs.npz"]), allow_pickle=False) as arrays:
        inputs = [arrays[name] for name in case["inputs"]]
    lite = RKNNLite(verbose=False)
    try:
        outputs = called(lite, folder / case["files"]["model.rknn"], inputs, said, report)
        if outputs is not None:
            said["outputs"] = compared(folder, case, outputs)
    except Exception as error:  # noqa: BLE001 - what it raises is the answer
        said["error"] = f"{type(error).__name__}: {str(error)[:LONGEST_LINE]}"
    write(report, dict(said, ended=True))
    lite.release()
    return 0 if "outputs" in said else 1


def called(lite: Any, model: Path, inputs: list[Any], said: Record, report: Path) -> list[Any] | None:
    """The outputs; None where a call gave an error code, which `said` has then."""
    calls = (("load", lambda: lite.load_rknn(str(model))), ("init", lite.init_runtime))
    for stage, call in calls:
        said["stage"] = stage
        write(report, said)
        said[stage] = int(call())
        if said[stage] != 0:
            return None
    said["versions"] = versions(lite)
    said["stage"] = "inference"
    write(report, said)
    # Without data_format the runtime takes 4-D arrays for NHWC; these models are NCHW, as ONNX is.
    layout = {"data_format": ["nchw"] * len(inputs)} if any(a.ndim == 4 for a in inputs) else {}
    outputs = lite.inference(inputs=inputs, **layout)
    said["inference"] = 0 if outputs is not None else -1
    return None if outputs is None else list(outputs)


def compared(folder: Path, case: Record, outputs: list[Any]) -> list[Record]:
    """Each output against each reference."""
    import numpy as np

    if len(outputs) != len(case["outputs"]):
        raise ValueError(f"{len(outputs)} outputs, not {len(case['outputs'])}")
    found: list[Record] = []
    for name, value in zip(case["outputs"], outputs):  # noqa: B905 - Python 3.7
        actual = np.asarray(value)
        found.append({"name": name, "dtype": str(actual.dtype), "shape": list(actual.shape), "against": {}})
    for reference in ("expected", "simulated"):
        if reference + ".npz" in case["files"]:
            with np.load(str(folder / case["files"][reference + ".npz"]), allow_pickle=False) as arrays:
                for each, value in zip(found, outputs):  # noqa: B905 - Python 3.7
                    each["against"][reference] = difference(arrays[each["name"]], np.asarray(value))
    return found


def difference(want: Any, have: Any) -> Record:
    """How far an output is from a reference: size, elements that are not finite, cosine, errors of the others.

    A shape of another rank with the same elements is compared in their order: the runtime drops and adds sizes of 1.
    """
    import numpy as np

    whole = want.dtype.kind in "biu"
    want, have = want.astype(np.float64).ravel(), have.astype(np.float64).ravel()
    if want.size != have.size:
        return {"elements": int(want.size), "detail": f"{have.size} elements, not {want.size}"}
    finite = np.isfinite(want) & np.isfinite(have)
    spoilt = int(np.count_nonzero(~finite & ~((want == have) | (np.isnan(want) & np.isnan(have)))))
    want, have = want[finite], have[finite]
    error = np.abs(want - have)
    lengths = float(np.linalg.norm(want)), float(np.linalg.norm(have))
    if 0.0 in lengths:
        cosine = 1.0 if lengths == (0.0, 0.0) else 0.0
    else:
        cosine = float(np.dot(want / lengths[0], have / lengths[1]))
    return {
        "elements": int(finite.size),
        "whole": bool(whole),
        "spoilt": spoilt,
        "differing": int(np.count_nonzero(error > 0.5)) if whole else 0,
        "cosine": cosine,
        "max_error": float(error.max()) if error.size else 0.0,
        "peak": float(np.abs(want).max()) if want.size else 0.0,
    }


def versions(lite: Any) -> str:
    """What the runtime says of itself and the driver; "" where it does not."""
    try:
        return str(lite.get_sdk_version())[:2000]
    except Exception as error:  # noqa: BLE001 - a courtesy only
        return f"unknown ({error})"


def board(control: Record) -> dict[str, str]:
    """What this board is, as far as it tells; nothing that identifies it or its owner."""
    found = {
        "model": text_of("/proc/device-tree/model"),
        "compatible": text_of("/proc/device-tree/compatible"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "driver": text_of("/sys/kernel/debug/rknpu/version") or text_of("/proc/rknpu/version"),
        "librknnrt": runtime_version(),
        "versions": str(control.get("versions", "")),
        "python": platform.python_version(),
        "lite": lite_version(),
    }
    return {key: value for key, value in found.items() if value}


def text_of(path: str) -> str:
    """A small file of the system in one line; "" where it cannot be read (the driver's needs root)."""
    try:
        data = Path(path).read_bytes()[:400]
    except OSError:
        return ""
    return " ".join(data.replace(b"\0", b" ").decode("utf-8", "replace").split())


def runtime_version() -> str:
    """The version that librknnrt.so has in it."""
    for folder in RUNTIMES:
        try:
            data = Path(folder, "librknnrt.so").read_bytes()
        except OSError:
            continue
        found = re.search(rb"librknnrt version: [\x20-\x7e]{1,100}", data)
        if found:
            return found.group().decode()
    return ""


def lite_version() -> str:
    """The version of rknn-toolkit-lite2."""
    try:
        from importlib import metadata  # Python 3.8

        return metadata.version("rknn-toolkit-lite2")
    except Exception:  # noqa: BLE001 - Python 3.7 has no such module, and the package may not be there
        return ""


def told(run: Record) -> str:
    """A run in a few words."""
    if run["status"] != "ran":
        return "{} at {}".format(run["status"], run["stage"])
    cosines = [each["against"]["expected"].get("cosine", 0.0) for each in run["outputs"]]
    return f"ran, lowest cosine {min(cosines):.5f}"


def fail(run: Record, what: str) -> int:
    """Say what is in the way."""
    say(f"{what} ({told(run)})")
    for line in run["printed"][-5:]:
        say("  " + line)
    return 1


def earlier(folder: Path, manifest: Record) -> Record:
    """The results of an earlier run of this very folder, or empty ones."""
    found = read(folder / "results.json")
    if found.get("schema") == SCHEMA and found.get("manifest") == manifest:
        return found
    return {"schema": SCHEMA, "manifest": manifest, "board": {}, "control": {}, "runs": []}


def save(folder: Path, results: Record) -> None:
    """Write results.json whole, whatever happens."""
    write(folder / "results.json", results)


def write(path: Path, record: Record) -> None:
    """Write JSON under another name, and rename it."""
    other = path.with_name(path.name + ".part")
    other.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    other.replace(path)


def read(path: Path) -> Record:
    """A JSON object; an empty one where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_lines(path: Path, folder: Path) -> list[str]:
    """The last lines of what was printed, without colours and without the place of the folder."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", path.read_bytes()[-100000:].decode("utf-8", "replace"))
    text = text.replace(str(folder), "…")
    clean = ("".join(c for c in line if c.isprintable()).strip() for line in text.splitlines())
    return [line[:LONGEST_LINE] for line in clean if line][-MOST_LINES:]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def say(text: str) -> None:
    """Print a line now."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
