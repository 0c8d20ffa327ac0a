"""Which symptom a model shows: found by one build, and one simulation where nothing else is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rkgraph.compile.tensors import did_you_mean
from rkgraph.diagnostics import Device
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from rkgraph.reduce.builds import Builds, Built
from rkgraph.reduce.feeds import FeedSource
from rkgraph.reduce.numbers import Compared, NumbersDiffer
from rkgraph.reduce.outcome import NotShown
from rkgraph.reduce.symptoms import BuildFails, LandsOn, LosesKernel, Symptom, failure_of, lost_kernels, placed_nodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["Kind", "Wanted", "find_symptom"]

Kind = Literal["build", "no-kernel", "device", "numbers"]


@dataclass(frozen=True)
class Wanted:
    """What to look for.

    Attributes:
        kind: None: whatever there is, in the order of `Kind`, but never "device", which is no fault by itself.
        node: name of a node, or of its first output; for "device", and to choose between lost operators.
        device: for "device".
        threshold: lowest cosine of an output that is right.
        cases: inputs to compare numbers with; empty: made up.
    """

    kind: Kind | None = None
    node: str | None = None
    device: Device | None = None
    threshold: float = 0.99
    cases: Sequence[Feeds] = ()


def find_symptom(
    model: Path, builds: Builds, wanted: Wanted, *, name: str = "", tell: Callable[[str], None] = lambda _text: None
) -> Symptom:
    """Build `model` and return what it shows as a predicate.

    Args:
        model: the model, its shapes fixed.
        builds: how to build.
        wanted: what to look for.
        name: what to call the model in messages.
        tell: called with a few words before each step.

    Raises:
        NotShown: it does not show what is wanted; the message says what it does.
        UsageError: there is no such node.
        ToolkitFailed: the toolkit cannot be started.
    """
    graph = read_view(model).main
    node = None if wanted.node is None else _node(graph, wanted.node)
    name = name or str(model)
    tell("build the model as it is")
    built = builds.run(model)
    if not built.ok:
        return _fails(model, built, builds, wanted, name)
    lost = [op for _, op in lost_kernels(built)]
    if wanted.kind == "device":
        return _lands(graph, node, built, builds, wanted, name)
    if lost and wanted.kind in (None, "no-kernel"):
        return LosesKernel(builds, _chosen(lost, node, built))
    if wanted.kind in (None, "numbers"):
        tell("simulate the model as it is")
        symptom = _differs(model, builds, wanted)
        seen = symptom(model)
        if seen.shows:
            return symptom
        if wanted.kind == "numbers":
            raise NotShown(f"{name}: the model does not show {symptom.what}; {seen.says}", _lower(seen.record))
        raise NotShown(f"{name}: the model shows nothing to reduce; {seen.says}", _devices(graph, built, name))
    what = "a build that fails" if wanted.kind == "build" else "a node without a kernel"
    also = f"; without a kernel are: {', '.join(sorted(set(lost)))}" if lost else " and every node has a kernel"
    raise NotShown(f"{name}: the model does not show {what}; it builds{also}", "leave --for out to see what it shows")


def _fails(model: Path, built: Built, builds: Builds, wanted: Wanted, name: str) -> Symptom:
    """The failure, if that is wanted."""
    failure = failure_of(built, model)
    if wanted.kind in (None, "build"):
        return BuildFails(builds, failure)
    raise NotShown(f"{name}: the model does not build ({failure})", "give --for build, or leave --for out")


def _lands(  # noqa: PLR0917  # what was built and how, then what is wanted of it
    graph: GraphView, node: Node | None, built: Built, builds: Builds, wanted: Wanted, name: str
) -> Symptom:
    """The operator of the node on the device that it really is on."""
    if node is None or wanted.device is None:
        raise UsageError("--for device: which node, and on which device?", _devices(graph, built, name))
    found = {each.index: each.device for each in placed_nodes(graph, built)}.get(node.index)
    if found is wanted.device:
        return LandsOn(builds, node.op, wanted.device)
    where = f"is on the {found.value.upper()}" if found is not None else "has no layer of its own"
    raise NotShown(
        f"{name}: the model does not show {node.label} ({node.op}) on the {wanted.device.value.upper()}; "
        f"it builds, and the node {where}",
        _devices(graph, built, name),
    )


def _differs(model: Path, builds: Builds, wanted: Wanted) -> NumbersDiffer:
    """The predicate; steady numbers are only asked for where the original's are steady."""
    source = FeedSource(model, wanted.cases)
    symptom = NumbersDiffer(builds, source, wanted.threshold, steady=False)
    record = symptom(model).record
    steady = isinstance(record, Compared) and record.shaken >= wanted.threshold
    return NumbersDiffer(builds, source, wanted.threshold, steady=steady)


def _chosen(lost: Sequence[str], node: Node | None, built: Built) -> str:
    """The operator without a kernel: that of the node, else the first."""
    if node is None:
        return lost[0]
    own = [op for called, op in lost_kernels(built) if called == (node.name or node.outputs[0]) or op == node.op]
    if not own:
        raise UsageError(f"--node {node.label}: the node has a kernel", f"without one are: {', '.join(lost)}")
    return own[0]


def _node(graph: GraphView, name: str) -> Node:
    for node in graph.nodes:
        if name in (node.name, node.label, *node.outputs[:1]):
            return node
    raise UsageError(f"--node {name}: the model has no such node", did_you_mean(name, [n.label for n in graph.nodes]))


def _lower(record: object) -> str:
    """A threshold that would do."""
    cosines = [m.cosine for m in record.matches if m.cosine is not None] if isinstance(record, Compared) else []
    return f"its lowest cosine is {min(cosines):.8f}: give a --threshold above" if cosines else ""


def _devices(graph: GraphView, built: Built, name: str) -> str:
    """What runs on the CPU, as the command that reduces it."""
    on_cpu = [graph.nodes[each.index] for each in placed_nodes(graph, built) if each.device is Device.CPU]
    if not on_cpu:
        return "no node runs on the CPU"
    ops = ", ".join(f"{count} × {op}" for op, count in Counter(node.op for node in on_cpu).most_common(6))
    return (
        f"on the CPU run {ops}; to reduce one: rkgraph reduce {name} --for device --node {on_cpu[0].label} --device cpu"
    )
