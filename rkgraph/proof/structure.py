"""Structure: after every batch of edits the model is still one, and nothing was touched that was not to be touched.

The view of the model after is compared with the one before: every value is assigned once and before it is read,
nothing dangles, the onnx checker passes, the interface is what it was but for what the edits declare, and every node
that is neither removed nor added by a rewrite is the same, but for inputs whose replacement was declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from rkgraph.graph.tensors import is_external
from rkgraph.graph.view import GraphView, ModelView, Node, Value
from rkgraph.graph.walk import all_graphs, model_tensors
from rkgraph.records import Record

if TYPE_CHECKING:
    import onnx

__all__ = ["Declared", "structure_problems"]

_STANDARD = ("", "ai.onnx")
_ELSEWHERE = "com.microsoft"  # a domain of whose operators the checker knows nothing


class Declared(Record):
    """What a batch of edits says that it changes.

    Attributes:
        removed: outputs of nodes that may go.
        added: outputs of nodes that come.
        replaced: value → value that stands in its place.
        pinned: input → its new shape.
        frozen: inputs that go.
        given: inputs that come, at the end.
        opened: input or output → the inputs or outputs that stand in its place.
        retyped: input or output → its new dtype.
        opset: new version of the standard domain; None: unchanged.
    """

    removed: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    replaced: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()
    opened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retyped: Mapping[str, str] = field(default_factory=dict)
    opset: int | None = None


def structure_problems(before: ModelView, after: ModelView, proto: onnx.ModelProto, declared: Declared) -> list[str]:
    """What is wrong with the model after, in plain words; nothing if the structure is proved.

    Args:
        before: the model before the batch.
        after: the model after it.
        proto: the model after it, for the checker; the bytes of large weights may be absent.
        declared: what the batch was to change.
    """
    return [
        *_form(after.main),
        *_interface(before.main, after.main, declared),
        *_opset(before, after, declared),
        *_strangers(before.main, after.main, declared),
        *_checker(proto, before),
    ]


def _form(graph: GraphView) -> Iterator[str]:
    """Single assignment, sorted, nothing dangling."""
    seen = set(graph.inputs)
    for node in graph.nodes:
        for name in filter(None, node.inputs):
            if name not in seen and graph.value(name).kind != "initializer":
                late = graph.producer(name) is not None
                yield f"{node.label} reads {name}, which {'is computed later' if late else 'does not exist'}"
        for name in filter(None, node.outputs):
            if name in seen or graph.value(name).kind == "initializer":
                yield f"{name} is assigned twice"
            seen.add(name)
    for name in graph.outputs:
        if name not in seen and graph.value(name).kind != "initializer":
            yield f"the output {name} does not exist"


def _interface(before: GraphView, after: GraphView, declared: Declared) -> Iterator[str]:
    kept = tuple(name for name in before.inputs if name not in declared.frozen)
    inputs, outputs = (_opened(names, declared) for names in (kept, before.outputs))
    if after.inputs != inputs + declared.given:
        yield f"the inputs are {list(after.inputs)}, they were to be {list(inputs + declared.given)}"
    if after.outputs != outputs:
        yield f"the outputs are {list(after.outputs)}, they were to be {list(outputs)}"
    for name in (name for name in (*kept, *before.outputs) if name not in declared.opened):
        was, now = before.value(name), after.value(name)
        wanted = declared.retyped.get(name, was.dtype)
        if wanted is not None and wanted != now.dtype:
            yield f"{name} is {now.dtype}, it was {'to be' if name in declared.retyped else ''} {wanted}".replace(
                "  ", " "
            )
        if name in declared.pinned:
            if now.shape != declared.pinned[name]:
                yield f"{name} has shape {now.shape}, it was to be pinned to {declared.pinned[name]}"
        elif not _refines(was, now, exactly=name in kept and not declared.pinned):
            yield f"{name} has shape {now.shape}, it had {was.shape}"


def _opened(names: tuple[str, ...], declared: Declared) -> tuple[str, ...]:
    return tuple(new for name in names for new in declared.opened.get(name, (name,)))


def _refines(was: Value, now: Value, *, exactly: bool) -> bool:
    """Whether the new shape says at least what the old one said; `exactly`: and no more."""
    if was.shape is None or now.shape is None:
        return was.shape is None
    if exactly or len(was.shape) != len(now.shape):
        return was.shape == now.shape
    return all(old == new or not isinstance(old, int) for old, new in zip(was.shape, now.shape, strict=True))


def _opset(before: ModelView, after: ModelView, declared: Declared) -> Iterator[str]:
    wanted = before.opset if declared.opset is None else declared.opset
    if after.opset != wanted:
        yield f"the opset is {after.opset}, it was to be {wanted}"


def _strangers(before: GraphView, after: GraphView, declared: Declared) -> Iterator[str]:
    """Nodes that changed, went or came without being declared."""
    old, new = _by_output(before), _by_output(after)
    for name, node in old.items():
        if name in declared.removed:
            continue
        if name not in new:
            yield f"{node.label} is gone, and no edit was to remove it"
        elif not _same(node, new[name], declared):
            yield f"{node.label} was changed, and no edit was to change it"
    for name, node in new.items():
        if name not in old and name not in declared.added:
            yield f"{node.label} is new, and no edit was to add it"


def _by_output(graph: GraphView) -> dict[str, Node]:
    return {name: node for node in graph.nodes for name in node.outputs if name}


def _same(was: Node, now: Node, declared: Declared) -> bool:
    if (was.op, was.domain, was.outputs, was.attributes.keys()) != (
        now.op,
        now.domain,
        now.outputs,
        now.attributes.keys(),
    ):
        return False
    expected = tuple(_followed(name, declared.replaced) for name in was.inputs)
    plain = all(
        now.attributes[key] == value for key, value in was.attributes.items() if not isinstance(value, GraphView)
    )
    return plain and now.inputs == expected


def _followed(name: str, replaced: Mapping[str, str]) -> str:
    """Where a chain of replacements ends."""
    seen = set[str]()
    while name in replaced and name not in seen:
        seen.add(name)
        name = replaced[name]
    return name


def _checker(proto: onnx.ModelProto, before: ModelView) -> Iterator[str]:
    """What the onnx checker says of the model after, but for what it would say of the model before, too.

    ONNX Runtime writes operators of its own into the standard domain (LayerNormalization before opset 17), and leaves
    out the import of its own domain. It runs such models, and so does the toolkit.
    """
    import onnx

    copy = _without_weights(proto)
    strange = {
        node.op
        for graph in before.graphs()
        for node in graph.nodes
        if node.domain in _STANDARD and not onnx.defs.has(node.op, graph.opset, "")
    }
    for graph in all_graphs(copy.graph):
        for node in graph.node:
            if node.domain in _STANDARD and node.op_type in strange:
                node.domain = _ELSEWHERE
    used = {node.domain for graph in all_graphs(copy.graph) for node in graph.node if node.domain not in _STANDARD}
    imported = {entry.domain for entry in copy.opset_import}
    copy.opset_import.extend(onnx.helper.make_opsetid(domain, 1) for domain in sorted(used - imported))
    try:
        onnx.checker.check_model(copy)
    except onnx.checker.ValidationError as error:
        yield f"onnx checker: {' '.join(str(error).split())[:300]}"


def _without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy for the checker: large tensors are empty, in subgraphs too, for it wants to see the bytes of full ones.

    Outputs of unknown rank get one: the checker wants any, while ONNX Runtime and the toolkit take such models.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for tensor in model_tensors(copy):
        if is_external(tensor):
            tensor.ClearField("data_location")
            tensor.ClearField("external_data")
            tensor.dims[:] = [0]
    for value in copy.graph.output:
        if value.type.HasField("tensor_type") and not value.type.tensor_type.HasField("shape"):
            value.type.tensor_type.shape.SetInParent()
    return copy
