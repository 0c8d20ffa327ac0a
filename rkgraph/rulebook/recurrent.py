"""What RNN, GRU and LSTM nodes say: sizes, directions, activations, and which inputs and outputs there are.

Source of all formulas: https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html and onnx__RNN.html. Sizes are
T steps, B sequences, I features, H hidden units, D directions and G gates: X (T, B, I), W (D, G·H, I), R (D, G·H, H),
B (D, 2·G·H), states (D, B, H), Y (T, D, B, H).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["GATES", "RECURRENT", "Activation", "RecurrentLayer", "read_recurrent"]

GATES: Mapping[str, int] = {"RNN": 1, "GRU": 3, "LSTM": 4}
RECURRENT = frozenset(GATES)

_DEFAULTS = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_INPUTS = ("x", "w", "r", "b", "lengths", "h", "c", "p")

# The activations and what their alpha and beta are where they are not given; None: the activation has none.
_PARAMETERS: Mapping[str, tuple[float | None, float | None]] = {
    "relu": (None, None),
    "tanh": (None, None),
    "sigmoid": (None, None),
    "softsign": (None, None),
    "softplus": (None, None),
    "affine": (1.0, 0.0),
    "leakyrelu": (0.01, None),
    "thresholdedrelu": (1.0, None),
    "scaledtanh": (1.0, 1.0),
    "hardsigmoid": (0.2, 0.5),
    "elu": (1.0, None),
}


@dataclass(frozen=True)
class Activation:
    """An activation by its name in lower case, with its parameters (0 where it has none)."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True)
class RecurrentLayer:
    """A recurrent node, read.

    Attributes:
        node: the node.
        steps, batch, features, hidden: T, B, I and H.
        reverse: for each direction, whether it goes from the last step to the first.
        activations: for each direction, one a place of the formula.
        clip: bound of what goes into the activations; None: there is none.
        batchwise: layout 1, the batch first in X, Y and the states.
        inputs: "x", "w", "r", "b", "lengths", "h", "c", "p" → name of the value; absent ones are not in it.
        outputs: "y", "h", "c" → name of the value, those only that somebody reads.
        dtype: numpy spelling of the floats.
        same_lengths: every sequence has all T steps.
    """

    node: Node
    steps: int
    batch: int
    features: int
    hidden: int
    reverse: tuple[bool, ...]
    activations: tuple[tuple[Activation, ...], ...]
    clip: float | None
    batchwise: bool
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    dtype: str
    same_lengths: bool

    @property
    def op(self) -> str:
        """RNN, GRU or LSTM."""
        return self.node.op

    @property
    def directions(self) -> int:
        """D: 1, or 2 for a bidirectional layer."""
        return len(self.reverse)

    @property
    def gates(self) -> int:
        """G: how many blocks of H rows W and R have."""
        return GATES[self.op]

    def flag(self, name: str) -> bool:
        """Whether an attribute (linear_before_reset, input_forget) is set."""
        return bool(self.node.attributes.get(name, 0))


def read_recurrent(graph: GraphView, node: Node) -> RecurrentLayer | str:
    """The layer that `node` is, or why its sizes or activations are not known."""
    inputs = {key: name for key, name in zip(_INPUTS, node.inputs, strict=False) if name}
    outputs = {key: name for key, name in zip("yhc", node.outputs, strict=False) if name and _is_read(graph, name)}
    attributes = node.attributes
    reverse = _DIRECTIONS.get(str(attributes.get("direction", "forward")).lower())
    batchwise = attributes.get("layout", 0) == 1
    sizes, rows = graph.value(inputs["x"]).shape, graph.value(inputs["r"]).shape
    dtype = graph.value(inputs["x"]).dtype
    if reverse is None or dtype is None:
        return f"the direction of {node.label} or the dtype of {inputs['x']} is unknown"
    if sizes is None or len(sizes) != 3 or not all(isinstance(size, int) and size > 0 for size in sizes):
        return f"the shape of {inputs['x']} is not static"
    hidden = attributes.get("hidden_size") or (rows[-1] if rows else None)
    if not isinstance(hidden, int):
        return f"the number of hidden units of {node.label} is unknown"
    activations = _activations(node.op, len(reverse), attributes)
    if isinstance(activations, str):
        return f"{node.label}: {activations}"
    first, second, features = (int(size) for size in sizes if isinstance(size, int))
    steps, batch = (second, first) if batchwise else (first, second)
    clip = attributes.get("clip")
    lengths = graph.constant(inputs.get("lengths", ""))
    return RecurrentLayer(
        node=node,
        steps=steps,
        batch=batch,
        features=features,
        hidden=hidden,
        reverse=reverse,
        activations=activations,
        clip=float(clip) if clip else None,  # ONNX Runtime takes 0 for no bound
        batchwise=batchwise,
        inputs=inputs,
        outputs=outputs,
        dtype=dtype,
        same_lengths="lengths" not in inputs or (lengths is not None and set(lengths.values) == {steps}),
    )


def _is_read(graph: GraphView, name: str) -> bool:
    return bool(graph.consumers(name)) or name in graph.outputs or name in graph.captured


def _activations(op: str, directions: int, attributes: Mapping[str, Any]) -> tuple[tuple[Activation, ...], ...] | str:
    """The activations of each direction; alphas and betas are used up by those that take one, in order."""
    defaults = _DEFAULTS[op]
    names = attributes.get("activations") or defaults * directions
    if len(names) != len(defaults) * directions:
        return f"it has {len(names)} activations, not {len(defaults) * directions}"
    alphas, betas = (list(attributes.get(f"activation_{key}") or ()) for key in ("alpha", "beta"))
    found = []
    for name in (str(name).lower() for name in names):
        if name not in _PARAMETERS:
            return f"{name} is no activation"
        alpha, beta = _PARAMETERS[name]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        found.append(Activation(name, alpha or 0.0, beta or 0.0))
    size = len(defaults)
    return tuple(tuple(found[index * size : (index + 1) * size]) for index in range(directions))
