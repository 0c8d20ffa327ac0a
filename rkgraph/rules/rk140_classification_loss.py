"""RK140: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, which the board has no kernel for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, dtype_of, float_of, input_of, is_live, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

LOSSES = frozenset({"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"})
MANY_CLASSES = 65536
"""More classes than these would make a constant of half a megabyte to compare labels with."""

_AXIS_OF_EACH = 13  # Softmax and its kin take one axis since this opset; before, all from that axis on


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live loss that cannot run as it is."""
    for graph, node in needing(lint, LOSSES):
        yield not_as_it_is(lint, graph, node, "it can be a comparison of labels, a Where and sums")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Choose the log-probability of each label by comparing the label with every class."""
    return lower(lint, finding, "rk140", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    scores, labels, weight = node.inputs[0], node.inputs[1], input_of(node, 2)
    dtype, shape = float_of(graph, scores), shape_of(graph, scores)
    if len(shape) < 2:
        raise NotKnown(f"{scores} has the shape {shape}: there is no axis of classes")
    if shape[1] > MANY_CLASSES:
        raise NotKnown(f"{scores} has {shape[1]} classes; comparing every label with each is too much")
    flat = (shape[0], shape[1], math.prod(shape[2:]))
    logs = scores if shape == flat else write.reshape(scores, flat)
    if node.op == "SoftmaxCrossEntropyLoss":
        logs = _log_softmax(write, logs)
    loss = _Loss(graph, node, write, flat)
    mean = loss.reduced(logs, labels, weight)
    replaces = {node.outputs[0]: mean}
    if len(node.outputs) > 1 and is_live(graph, node.outputs[1]):
        replaces[node.outputs[1]] = logs if shape == flat else write.reshape(logs, shape)
    return write.rewrite(
        replaces, rounding(dtype, math.prod(shape)), f"{node.op} of {shape[1]} classes by comparing labels"
    )


def _log_softmax(write: Writer, scores: str) -> str:
    """LogSoftmax over axis 1 of three."""
    if write.opset >= _AXIS_OF_EACH:
        return write.op("LogSoftmax", scores, axis=1)
    last = write.op("LogSoftmax", write.transpose(scores, (0, 2, 1)), axis=2)
    return write.transpose(last, (0, 2, 1))


class _Loss:
    """The loss of log-probabilities (batch, classes, places), by https://onnx.ai/onnx/operators.

    A label that is to be ignored is compared with a class that there is not, so that it chooses nothing.
    """

    def __init__(self, graph: GraphView, node: Node, write: Writer, flat: tuple[int, int, int]) -> None:
        self.graph, self.node, self.write, self.flat = graph, node, write, flat
        self.dtype = float_of(graph, node.inputs[0])
        self.reduction = str(node.attributes.get("reduction", "mean"))
        self.ignored: int | None = node.attributes.get("ignore_index")

    def reduced(self, logs: str, labels: str, weight: str) -> str:
        """The loss, reduced as the node says."""
        batch, classes, places = self.flat
        write = self.write
        chosen = self._chosen(labels)
        weights = write.reshape(weight, (1, classes, 1)) if weight else ""
        weighted = write.op("Mul", logs, weights) if weights else logs
        zero = write.constant(0.0, self.dtype, "zero")
        picked = write.reduce("ReduceSum", write.op("Where", chosen, weighted, zero), (1,))
        if self.reduction == "none":
            shape = shape_of(self.graph, labels)
            return write.op("Neg", picked if shape == (batch, 1, places) else write.reshape(picked, shape))
        if self.reduction == "sum":
            return write.op("Neg", write.reduce("ReduceSum", picked, (0, 1, 2), keepdims=False))
        mean = write.reduce("ReduceMean", picked, (0, 1, 2), keepdims=False)
        if not weights and self.ignored is None:
            return write.op("Neg", mean)
        ones = write.cast(chosen, self.dtype)
        shares = write.reduce("ReduceSum", write.op("Mul", ones, weights) if weights else ones, (1,))
        share = write.reduce("ReduceMean", shares, (0, 1, 2), keepdims=False)
        return write.op("Neg", write.op("Div", mean, share))

    def _chosen(self, labels: str) -> str:
        """Where a class is the label: bool (batch, classes, places)."""
        batch, classes, places = self.flat
        numbers = [classes if number == self.ignored else number for number in range(classes)]
        known = self.write.tape.constant([[[n] for n in numbers]], dtype_of(self.graph, labels), "classes")
        return self.write.op("Equal", self.write.reshape(labels, (batch, 1, places)), known)
