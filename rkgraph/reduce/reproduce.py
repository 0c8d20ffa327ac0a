"""Builds model.onnx with rknn-toolkit2 and says whether it still shows what README.md says.

    python reproduce.py

Needs rknn-toolkit2 (and numpy, which it brings), nothing else. Exit code 0: reproduced; 1: not.
The toolkit runs in a child process, for it may die; all that it prints goes to reproduce.log.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SETTINGS = HERE / "reproduce.json"
ROW = re.compile(r"^\s*(?:D RKNN: \[[\d:.]+\] )?\d+\s+(\S+)\s+\S+\s+(NPU|CPU|GPU)\s.*?(\S*)\s*$", re.MULTILINE)


def build(settings: dict[str, Any]) -> None:
    """Load, build, and simulate if there are feeds. Raises whatever the toolkit raises."""
    from rknn.api import RKNN

    rknn = RKNN(verbose=True)
    rknn.config(target_platform=settings["platform"], **settings["config"])
    check("load_onnx", rknn.load_onnx(model=str(HERE / "model.onnx")))
    options = dict(settings["build"])
    if settings["inputs"] and options.get("do_quantization"):
        options["dataset"] = dataset(settings)
    check("build", rknn.build(**options))
    if settings["kind"] == "numbers":
        check("init_runtime", rknn.init_runtime())
        simulate(rknn, settings)


def check(stage: str, code: int) -> None:
    """A return code other than 0 is a failure."""
    if code != 0:
        raise RuntimeError(f"{stage} returned {code}")


def cases(settings: dict[str, Any]) -> list[Any]:
    """The arrays of each feeds-N.npz in the order of the inputs."""
    import numpy as np

    loaded = [np.load(path, allow_pickle=False) for path in sorted(HERE.glob("feeds-*.npz"))]
    return [[case[name] for name in settings["inputs"]] for case in loaded]


def dataset(settings: dict[str, Any]) -> str:
    """The feeds as the toolkit's dataset file."""
    import numpy as np

    folder = Path(tempfile.mkdtemp())
    lines = []
    for number, arrays in enumerate(cases(settings)):
        paths = [folder / f"{number}-{place}.npy" for place in range(len(arrays))]
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
        lines.append(" ".join(map(str, paths)))
    (folder / "dataset.txt").write_text("\n".join(lines) + "\n")
    return str(folder / "dataset.txt")


def simulate(rknn: Any, settings: dict[str, Any]) -> None:
    """Print the cosine of each output with what ONNX Runtime computed (expected-N.npz)."""
    import numpy as np

    for number, arrays in enumerate(cases(settings)):
        expected = np.load(HERE / f"expected-{number}.npz", allow_pickle=False)
        found = rknn.inference(inputs=arrays, data_format=["nchw"] * len(arrays))
        for name, value in zip(settings["outputs"], found, strict=True):
            a, b = (each.astype(np.float64).ravel() for each in (expected[name], np.asarray(value)))
            cosine = float("nan")
            if a.shape == b.shape and np.isfinite(a).all() and np.isfinite(b).all():
                length = np.linalg.norm(a) * np.linalg.norm(b)
                cosine = float(a @ b / length) if length else float(np.array_equal(a, b))
            print(f"COSINE {name} {cosine:.8f}")  # noqa: T201


def shown(settings: dict[str, Any], code: int, text: str) -> bool:
    """Whether exit code and output of the child are what was seen before."""
    kind = settings["kind"]
    if kind == "build":
        signal = settings["signal"]
        died = code < 0 if signal else code != 0
        return died and (bool(signal) or settings["error"].split(": ", 1)[-1] in text)
    if code != 0:
        return False
    if kind == "no-kernel":
        return re.search(rf"No lowering found for.*node type\s*=\s*{re.escape(settings['op'])}\b", text) is not None
    if kind == "device":
        rows = {(op, target) for op, target, _ in ROW.findall(text)}
        return all((op, settings["target"]) in rows for op, _ in settings["layers"])
    cosines = [float(value) for value in re.findall(r"^COSINE .* (\S+)$", text, re.MULTILINE)]
    return any(not value >= settings["threshold"] for value in cosines)


def main() -> int:
    """The parent: run the child, keep what it prints, judge."""
    settings = json.loads(SETTINGS.read_text())
    if sys.argv[1:] == ["--build"]:
        build(settings)
        return 0
    for _take in range(settings["takes"]):
        code, text = run()
        if shown(settings, code, text):
            break
    (HERE / "reproduce.log").write_text(text)
    found = shown(settings, code, text)
    print(f"{'REPRODUCED' if found else 'NOT REPRODUCED'} (exit code {code}): {settings['what']}")  # noqa: T201
    return 0 if found else 1


def run() -> tuple[int, str]:
    """Exit code and output of a child that builds."""
    with tempfile.TemporaryDirectory() as folder:  # the toolkit leaves files in the current directory
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--build"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    return done.returncode, re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout.decode(errors="replace"))


if __name__ == "__main__":
    sys.exit(main())
