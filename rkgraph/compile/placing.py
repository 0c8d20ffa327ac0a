"""`op_target` by the names of the model: a first build tells what the toolkit's optimiser calls them.

Keys that `RKNN.config(op_target=…)` takes are operator types and output tensors of the *optimised* graph; any other
ends the build (`Invalid key of … in 'op_target'!`). A user knows nodes, values and operators of his own model.
"""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.compile.mapping import Placed, map_layers, toolkit_name
from rkgraph.compile.provenance import Provenance, read_provenance
from rkgraph.diagnostics import Device
from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.graph.load import read_view
from rkgraph.tables.documented import statements
from rkgraph.tables.table import load_table
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.logs import read_log

if TYPE_CHECKING:
    from rkgraph.compile.plan import Plan
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.targets import Target

__all__ = ["Placement", "learn_placement"]


@dataclass(frozen=True)
class Placement:
    """A plan whose `op_target` has the toolkit's own keys, and what has to be said of it."""

    plan: Plan
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _First:
    """What the first build told: names and outputs of the optimised graph, and where each original node ran."""

    graph: GraphView
    optimised: GraphView
    provenance: Provenance
    placed: Mapping[int, Placed]

    def keys_of(self, wanted: str) -> tuple[str, ...]:
        """The toolkit's keys for an operator, a node or a value of the model, or of its own optimised graph."""
        tensors = [name for node in self.optimised.nodes for name in node.outputs if name]
        if wanted in tensors or wanted in self.optimised.ops:
            return (wanted,)
        originals = {toolkit_name(node) for node in self.nodes_of(wanted)}
        return tuple(
            name
            for node in self.optimised.nodes
            if not originals.isdisjoint(self.provenance.origins.get(node.name, frozenset()))
            for name in node.outputs[:1]
        )

    def nodes_of(self, wanted: str) -> list[Node]:
        """The original nodes that an operator, a node's name or the name of an output means."""
        return [n for n in self.graph.nodes if wanted in (n.op, n.name, *n.outputs)]

    def known(self) -> Iterable[str]:
        """What may be named."""
        return (name for node in self.graph.nodes for name in (node.name, *node.outputs) if name)


def learn_placement(plan: Plan, chain: Toolchain, tell: Callable[[str], None] = lambda _text: None) -> Placement:
    """Build once without `op_target`, and translate its keys for the build that follows.

    Raises:
        UsageError: a name that the model does not have, or that the optimiser removed; "cpu" for an operator of which
            no kernel of the runtime is known.
        ToolkitFailed: the first build fails.
    """
    wanted = plan.config.op_target
    if not wanted:
        return Placement(plan)
    first = _first(plan, chain, tell)
    keys: dict[str, str] = {}
    warnings: list[str] = []
    for name, device in wanted.items():
        found = first.keys_of(name)
        if not found:
            known = bool(first.nodes_of(name))
            what = "is gone when the optimiser is done" if known else "is no node, value or operator of the model"
            raise UsageError(f"op_target: {name} {what}", "" if known else _nearest(name, first.known()))
        _check_kernels(first, name, device, plan.target)
        keys |= dict.fromkeys(found, device)
        warnings += _warnings(first, name, device)
    return Placement(replace(plan, config=replace(plan.config, op_target=keys)), tuple(warnings))


def _first(plan: Plan, chain: Toolchain, tell: Callable[[str], None]) -> _First:
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        file = Path(folder) / "optimised.onnx"
        config = replace(plan.config, op_target=None)
        arguments = {**config.given("build"), "do_quantization": False}  # names do not depend on the precision
        tell("build once to learn the names of the optimised graph")
        job = Job(plan.model, plan.target.platform, config.given("config"), build=arguments, optimised=file)
        done = chain.run(job, tell)
        if not done.ok or not file.is_file():
            raise ToolkitFailed(
                f"{plan.model}: the first build, which is to tell what op_target may name, failed: {done.error}",
                "build it without op_target to see why",
            )
        optimised = read_view(file).main
    graph = read_view(plan.model).main
    names = [toolkit_name(node) for node in graph.nodes]
    placed = map_layers(graph, read_log(done.log, plan.target.toolkit), done.log, ())
    return _First(graph, optimised, read_provenance(done.log, names), {each.index: each for each in placed})


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "`rkgraph lint MODEL --verbose` names the nodes"


def _check_kernels(first: _First, name: str, device: str, target: Target) -> None:
    """Refuse to send to the CPU what its runtime has no kernel for, as far as the op table knows."""
    if device != "cpu":
        return
    nodes = [node for node in first.optimised.nodes if name == node.op or name in node.outputs]
    ops = sorted({node.op for node in (*first.nodes_of(name), *nodes)})
    lacking = [op for op in ops if not _has_cpu_kernel(op, target)]
    if ops and len(lacking) == len(ops):
        raise UsageError(
            f"op_target: {name}: nothing is known of a kernel for {lacking[0]} on the CPU of {target.platform}",
            f"rkgraph ops {lacking[0]}",
        )


def _has_cpu_kernel(op: str, target: Target) -> bool:
    """Whether the compiler was ever seen to give the operator to the CPU without losing it, or the vendor says so."""
    if any(said.claim == "cpu" and said.op == op for said in statements(target.toolkit, op, target.platform)):
        return True
    entries = [entry for entry in load_table(target.toolkit).entries() if entry.op == op]
    return any(e.outcome == "cpu" or any(limit.outcome == "cpu" for limit in e.limits) for e in entries)


def _warnings(first: _First, name: str, device: str) -> list[str]:
    """What is forced to the NPU although the compiler, left alone, gave it to the CPU."""
    if device != "npu":
        return []
    nodes = [n for n in first.nodes_of(name) if first.placed[n.index].device is not Device.NPU]
    return [
        f"{node.label} ({node.op}) is forced to the NPU: left alone the compiler gives it to the "
        f"{first.placed[node.index].device.value}; the simulator cannot tell whether the board computes it right"
        for node in nodes
    ]
