"""Recurrent models of all forms for tests: sizes, directions, optional inputs, outputs, attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]

STEPS, BATCH, FEATURES, HIDDEN = 3, 2, 3, 4
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(
    op: str,
    *,
    read: Sequence[str] = ("y",),
    named: bool = False,
    given: Sequence[str] = ("b",),
    computed: bool = False,
    lengths: Sequence[int] | None = None,
    batch: int = BATCH,
    dtype: str = "float32",
    seed: int = 0,
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A model of one recurrent layer, and feeds for it.

    `read`: outputs (y, h, c) that are read; `named`: the others have names, too; `given`: optional inputs (b, h, c, p);
    `computed`: weights are inputs of the model; `lengths`: of the sequences, a constant.
    """
    random = np.random.default_rng(seed)
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[op] * HIDDEN
    shapes = {
        "x": (STEPS, batch, FEATURES),
        "w": (directions, rows, FEATURES),
        "r": (directions, rows, HIDDEN),
        "b": (directions, 2 * rows),
        "h": (directions, batch, HIDDEN),
        "c": (directions, batch, HIDDEN),
        "p": (directions, 3 * HIDDEN),
    }
    arrays = {name: random.normal(0, 0.6, shape).astype(dtype) for name, shape in shapes.items()}
    fed = {"x", "h", "c"} | ({"w", "r", "b", "p"} if computed else set())
    order = ["x", "w", "r", "b", "lengths", "h", *(("c", "p") if op == "LSTM" else ())]
    present = {"x", "w", "r", *given, *(["lengths"] if lengths is not None else [])}
    inputs = [name if name in present else "" for name in order]
    while not inputs[-1]:
        inputs.pop()
    sizes = {"y": (STEPS, directions, batch, HIDDEN), "h": shapes["h"], "c": shapes["c"]}
    last = max("yhc".index(name) for name in read)
    outputs = [f"out_{name}" if name in read or named else "" for name in "yhc"[: last + 1]]
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = helper.make_node(op, inputs, outputs, **{"hidden_size": HIDDEN, **attributes})
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(n, code, shapes[n]) for n in inputs if n in fed],
        [helper.make_tensor_value_info(f"out_{n}", code, sizes[n]) for n in read],
        [numpy_helper.from_array(arrays[n], n) for n in inputs if n and n not in fed and n != "lengths"]
        + ([] if lengths is None else [numpy_helper.from_array(np.array(lengths, np.int32), "lengths")]),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return model, {n: arrays[n] for n in inputs if n in fed}
