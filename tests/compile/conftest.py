from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rkgraph.compile.toolchain import Toolchain
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import Toolkit, find_toolkit
from rkgraph.toolkit.replay import replay_toolkit
from tests.builders import saved, text_model
from tests.toolkit.conftest import SESSIONS
from tests.toolkit.record_sessions import RECORDINGS


def recorded_model(session: str, folder: Path) -> Path:
    """The model that a session of the toolkit was recorded with."""
    (recording,) = (each for each in RECORDINGS if each.name == session)
    return saved(recording.proto, folder)


def replaying(session: str) -> Toolchain:
    return Toolchain(lambda: replay_toolkit(SESSIONS / session), Limits(60))


def without_toolkit() -> Toolkit:
    raise AssertionError("the toolkit was asked for")


@pytest.fixture
def real_chain() -> Callable[[], Toolchain]:
    return lambda: Toolchain(lambda: find_toolkit("2.3.2", None), Limits(300))


@pytest.fixture
def mlp(tmp_path: Path) -> Path:
    """x[1,8,64] → two projections with a Relu between → y[1,8,16]."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    text = "g (float[1,8,64] x) => (float[1,8,16] y) { t = MatMul(x, w1)  u = Relu(t)  y = MatMul(u, w2) }"
    head = '<ir_version: 8, opset_import: ["" : 17]>\n'
    model = onnx.parser.parse_model(head + text)
    random = np.random.default_rng(0)
    for name, shape in (("w1", (64, 32)), ("w2", (32, 16))):
        values = (random.standard_normal(shape) / 8).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    return saved(model, tmp_path, "mlp.onnx")


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    return saved(text_model("g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"), tmp_path, "relu.onnx")
