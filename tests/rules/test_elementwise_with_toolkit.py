"""What the cards say of elementwise operators in fp16: many in one model, built by the real compiler, simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log
from tests.rules.elementwise import POINTS
from tests.rules.rewriting import fixed, run

pytestmark = pytest.mark.toolkit

CODES = tuple(f"RK12{number}" for number in range(10))
EVERYWHERE = {
    "Atan": 1.2e-3, "Asinh": 1e-3, "Sinh": 1e-3, "Cosh": 1e-3, "Tan": 1e-3, "Sign": 0.0, "Ceil": 0.0, "Selu": 1e-3,
    "Mish": 1e-3, "Softsign": 1e-3, "Celu<alpha = 2.0>": 1e-3, "Shrink<lambd = 1.5>": 0.0,
    "Shrink<lambd = 1.5, bias = 0.5>": 1e-3,
}  # fmt: skip
INSIDE = {"Asin": 1e-3, "Acos": 1e-3, "Atanh": 1e-3}
BEYOND = {"Acosh": 1e-3, "Tan": 1e-3}
X = POINTS.astype(np.float32)
BETWEEN = np.concatenate([side * np.geomspace(1e-3, 3e4, 60, dtype=np.float32) * 1.00013 for side in (1, -1)])
"""Numbers that no fp16 is: the simulator hands them to one reader as they are, and to another rounded."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(find_toolkit("2.3.2", None)) as started:
        yield started


@pytest.mark.parametrize(
    ("functions", "x"),
    [
        (EVERYWHERE, X),
        (INSIDE, X[np.abs(X) <= 1]),
        (BEYOND, X[X >= 1]),
        ({"Atan": 2e-3, "Asinh": 2e-3, "Softsign": 2e-3}, BETWEEN),
        ({"Acosh": 3e-3}, BETWEEN[BETWEEN > 1.1]),
    ],
    ids=["everywhere", "inside ±1", "beyond 1", "no fp16 numbers", "no fp16 numbers beyond 1"],
)
def test_errors_in_the_simulator(
    worker: Worker, functions: dict[str, float], x: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    """The largest relative error, of results from the smallest normal fp16 number to the largest; infinities agree."""
    size = f"1, 1, 1, {x.size}"
    outputs = ", ".join(f"float[{size}] y{number}" for number in range(len(functions)))
    body = " ".join(f"y{number} = {call}(x)" for number, call in enumerate(functions))
    text = f'<ir_version: 8, opset_import: ["" : 18]> g (float[{size}] x) => ({outputs}) {{ {body} }}'
    feeds = {"x": x.reshape(1, 1, 1, -1)}
    model, _ = fixed(text, *CODES)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    write_npz(tmp_path / "feeds.npz", feeds)
    job = Job(
        tmp_path / "model.onnx",
        simulate=(tmp_path / "feeds.npz",),
        inputs=("x",),
        outputs=tuple(f"y{number}" for number in range(len(functions))),
        output_folder=tmp_path / "outputs",
    )
    done = worker.run(job)
    assert done.ok, done.error
    assert read_log(done.log, "2.3.2").no_lowering == ()
    simulated = read_npz(done.outputs[0])
    for number, ((call, error), exact) in enumerate(zip(functions.items(), run(text, feeds), strict=True)):
        wanted = exact.astype(np.float64)
        wanted = np.where(np.abs(wanted) > 65519, np.copysign(np.inf, wanted), wanted)  # what fp16 rounds up
        np.testing.assert_allclose(
            simulated[f"y{number}"].astype(np.float64), wanted, rtol=error, atol=1.2e-7, err_msg=call
        )
