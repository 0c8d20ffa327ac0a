"""What a model can show: a failed build, a lost kernel, an operator on a device, wrong numbers. Each is a predicate.

All of them build with the real toolkit. What they hold on to is told by `what`: the same failure, not just any.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rkgraph.compile.mapping import Placed, map_layers
from rkgraph.diagnostics import Device
from rkgraph.errors import ModelError
from rkgraph.graph.load import parse, read_view
from rkgraph.graph.view import GraphView
from rkgraph.reduce.builds import Builds, Built
from rkgraph.reduce.outcome import Outcome, Predicate
from rkgraph.reduce.signature import Failure, innermost_frames, names_in, running_pass, words_of
from rkgraph.toolkit.logs import read_log

__all__ = ["BuildFails", "LandsOn", "LosesKernel", "Symptom", "failure_of", "lost_kernels", "placed_nodes"]


@dataclass(frozen=True)
class Symptom(ABC):
    """A predicate that builds; `kind` is what `--for` calls it."""

    builds: Builds
    kind: str = field(init=False, default="")

    @property
    @abstractmethod
    def what(self) -> str:
        """What is held on to, as the object of "shows"."""

    @abstractmethod
    def __call__(self, model: Path) -> Outcome:
        """Build `model` and look."""

    @property
    def second_look(self) -> Predicate | None:
        """A predicate that looks another time, where it may come out differently."""
        return None

    def renamed(self, names: Mapping[str, str]) -> Predicate:  # noqa: ARG002
        """The same for a model with new names, given new name → old name."""
        return self

    def facts(self, outcome: Outcome) -> Mapping[str, object]:  # noqa: ARG002
        """What `reproduce.py` looks for, as plain data, given what was seen of the result."""
        return {}


@dataclass(frozen=True)
class BuildFails(Symptom):
    """The build fails as `failure` says.

    Attributes:
        failure: the signature.
        takes: how often a candidate is built, each time but the first in a new process; less where it is clear before.
        least: in how many of these it has to fail so.
    """

    failure: Failure
    takes: int = 1
    least: int = 1
    kind: str = field(init=False, default="build")

    @property
    def what(self) -> str:
        """The failure."""
        return f"this failure: {self.failure}"

    def __call__(self, model: Path) -> Outcome:
        """Whether the build of `model` fails in the same way, often enough."""
        shown: list[Outcome] = []
        other: list[Outcome] = []
        for take in range(self.takes):
            outcome = self.once(model, take)
            (shown if outcome.shows else other).append(outcome)
            if len(shown) == self.least:
                return shown[0]
            if len(other) > self.takes - self.least:
                break
        return replace(other[0], shows=False)

    @property
    def second_look(self) -> Predicate | None:
        """A build in a new process, where it dies, and where one build is thought to be enough."""
        return partial(self.once, take=1) if self.failure.signal and self.takes == 1 else None

    def once(self, model: Path, take: int) -> Outcome:
        """Whether one build does."""
        built = self.builds.run(model, take=take)
        if built.ok:
            return Outcome(False, "it builds", record=built)
        seen = failure_of(built, model)
        nodes = tuple(word.text for word in seen.error if word.is_name)
        return Outcome(seen.matches(self.failure), str(seen), _known(nodes, model), built)

    def facts(self, outcome: Outcome) -> Mapping[str, object]:
        """The error as it is, and the signal."""
        built: Built = outcome.record
        return {"error": _said(built), "signal": built.signal}


@dataclass(frozen=True)
class LosesKernel(Symptom):
    """It builds, and a node of the type `op` (as the compiler calls it) has no kernel."""

    op: str
    kind: str = field(init=False, default="no-kernel")

    @property
    def what(self) -> str:
        """The operator."""
        return f"a {self.op} without a kernel"

    def __call__(self, model: Path) -> Outcome:
        """Whether `model` builds and such a node has no kernel."""
        built = self.builds.run(model)
        if not built.ok:
            return Outcome(False, f"it does not build ({failure_of(built, model)})", record=built)
        lost = lost_kernels(built)
        nodes = tuple(name for name, op in lost if op == self.op)
        says = f"it builds, and {_without(op for _, op in lost)}"
        return Outcome(bool(nodes), says, _known(nodes, model), built)

    def facts(self, outcome: Outcome) -> Mapping[str, object]:  # noqa: ARG002
        """The type in the line of the log."""
        return {"op": self.op}


@dataclass(frozen=True)
class LandsOn(Symptom):
    """It builds, and a node of the ONNX type `op` is computed on `device`."""

    op: str
    device: Device
    kind: str = field(init=False, default="device")

    @property
    def what(self) -> str:
        """The operator and the device."""
        return f"{self.op} on the {self.device.value.upper()}"

    def __call__(self, model: Path) -> Outcome:
        """Whether `model` builds and a layer on the device computes such a node."""
        built = self.builds.run(model)
        if not built.ok:
            return Outcome(False, f"it does not build ({failure_of(built, model)})", record=built)
        graph = read_view(model).main
        placed = placed_nodes(graph, built)
        own = [each for each in placed if graph.nodes[each.index].op == self.op]
        there = tuple(graph.nodes[each.index].label for each in own if each.device is self.device)
        seen = sorted({each.device.value for each in own}) or ["in no layer of the compiler's table"]
        return Outcome(bool(there), f"it builds, with {self.op} on: {', '.join(seen)}", _known(there, model), built)

    def facts(self, outcome: Outcome) -> Mapping[str, object]:
        """Rows of the layer table on that device: type of layer and name."""
        layers = read_log(outcome.record.log, self.builds.target.toolkit).layers
        target = self.device.value.upper()
        rows = [[layer.op, layer.name] for layer in layers if layer.target == target and not layer.is_boundary]
        return {"target": target, "layers": rows}


def failure_of(built: Built, model: Path) -> Failure:
    """The signature of a build of `model` that failed."""
    try:
        names = names_in(parse(model)[0])
    except ModelError:
        names = frozenset()
    during = running_pass(built.log) if built.signal else ""
    frames = () if built.signal else innermost_frames(built.log)
    return Failure(built.outcome, built.stage, built.signal, during, frames, words_of(built.error, names))


def lost_kernels(built: Built) -> tuple[tuple[str, str], ...]:
    """(name, type) of what has no kernel, as the compiler calls them."""
    return tuple((lost.name, lost.op) for lost in read_log(built.log).no_lowering)


def placed_nodes(graph: GraphView, built: Built) -> tuple[Placed, ...]:
    """Nodes that a layer is known to compute; those that are only between such layers are left out."""
    placed = map_layers(graph, read_log(built.log), built.log, ())
    return tuple(each for each in placed if each.how in ("named", "fused"))


def _known(names: Iterable[str], model: Path) -> tuple[str, ...]:
    """Names of the model's nodes and values behind what the toolkit calls them: it adds suffixes."""
    own = names_in(parse(model)[0])
    return tuple(dict.fromkeys(found for name in names if (found := _origin(name, own))))


def _origin(name: str, own: frozenset[str]) -> str:
    return max(
        (each for each in own if name == each or name.startswith((f"{each}_", f"{each}-", f"{each}#"))),
        key=len,
        default="",
    )


def _said(built: Built) -> str:
    """The error without what the worker adds to it."""
    return built.error.removesuffix(f" (the toolkit was killed by {built.signal})")


def _without(ops: Iterable[str]) -> str:
    names = ", ".join(sorted(set(ops)))
    return f"without a kernel are: {names}" if names else "every node has a kernel"
