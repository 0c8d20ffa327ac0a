"""RK121: activations without a kernel that are algebra of activations which have one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementary import Elementary
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.known import NUMPY_BROADCASTING
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_SMALLEST = 1e-4  # a lambd whose reciprocal, doubled, is an fp16 number
_THRESHOLDS = 10  # the opset of ThresholdedRelu


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, _FORMS):
        if node.op == "PRelu" and graph.is_constant(node.inputs[1]):
            continue  # the compiler takes those; another limit is in the way
        yield not_as_it_is(lint, graph, node, f"it is {_FORMS[node.op][0]}")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same function of operators that have a kernel."""
    operator = finding.observed["operator"]
    formula, record = _FORMS[operator]
    opset = _THRESHOLDS if operator == "Shrink" else NUMPY_BROADCASTING
    return lowered(lint, finding, record, prefix="rk121", tolerance=Tolerance(1e-5, 1e-5), detail=formula, opset=opset)


def _celu(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str | Refusal:
    """max(0, x) + alpha·(e^(min(0, x)/alpha) − 1): x itself is not divided, and stays as it is where it is positive."""
    (x,), function = inputs, Elementary(write, dtype)
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1.0:
        return write.op("Elu", x, alpha=1.0)
    if alpha <= 0.0:
        return Refusal(f"alpha is {alpha:g}; Elu is no part of it then")
    positive = write.op("Relu", x)
    scaled = function.mul(write.op("Sub", x, positive), 1.0 / alpha)
    return write.op("Add", positive, write.op("Elu", scaled, alpha=alpha))


def _selu(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    alpha = node.attributes.get("alpha", 1.67326319217681884765625)
    gamma = node.attributes.get("gamma", 1.05070102214813232421875)
    return Elementary(write, dtype).mul(write.op("Elu", inputs[0], alpha=alpha), gamma)


def _mish(write: Writer, _node: Node, inputs: tuple[str, ...], _dtype: str) -> str:
    return write.op("Mul", inputs[0], write.op("Tanh", write.op("Softplus", inputs[0])))


def _softsign(write: Writer, _node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    size = Elementary(write, dtype).add(write.op("Abs", inputs[0]), 1.0)
    return write.op("Div", inputs[0], size)


def _shrink(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str | Refusal:
    """What is left beyond ±lambd, moved by bias towards zero.

    The move is bias·sign, and the sign of what is 0 or beyond lambd is a clipped multiple of it.
    """
    (x,), function = inputs, Elementary(write, dtype)
    lambd, bias = node.attributes.get("lambd", 0.5), node.attributes.get("bias", 0.0)
    if lambd < 0.0:
        return Refusal(f"lambd is {lambd:g}, so that its two sides overlap")
    if lambd == bias:
        up, down = function.add(x, -lambd), function.add(function.neg(x), -lambd)
        return write.op("Sub", write.op("Relu", up), write.op("Relu", down))
    up, down = (write.op("ThresholdedRelu", side, alpha=lambd) for side in (x, function.neg(x)))
    left = write.op("Sub", up, down)
    if bias == 0.0:
        return left
    if lambd < _SMALLEST:
        return Refusal(f"lambd is {lambd:g}; what is left may be too small to tell its sign in fp16")
    sign = write.clip(function.mul(left, 2.0 / lambd), dtype, -1.0, 1.0)
    return write.op("Sub", left, function.mul(sign, bias))


def _prelu(write: Writer, _node: Node, inputs: tuple[str, ...], _dtype: str) -> str:
    x, slope = inputs
    below = write.op("Mul", slope, write.op("Relu", write.op("Neg", x)))
    return write.op("Sub", write.op("Relu", x), below)


_FORMS: Mapping[str, tuple[str, Callable[[Writer, Node, tuple[str, ...], str], str | Refusal]]] = {
    "Celu": ("Relu and Elu of its two sides", _celu),
    "Mish": ("x · Tanh(Softplus(x))", _mish),
    "PRelu": ("Relu(x) − slope · Relu(−x)", _prelu),
    "Selu": ("a multiple of Elu", _selu),
    "Shrink": ("ThresholdedRelu or Relu of its two sides", _shrink),
    "Softsign": ("x / (1 + |x|)", _softsign),
}
