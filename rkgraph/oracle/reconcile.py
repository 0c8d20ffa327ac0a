"""Prediction and truth side by side, node by node: what differs, and what the difference means to the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rkgraph.compile.mapping import Placed, map_layers
from rkgraph.diagnostics import Confidence, Device, Diagnostic, Location, Severity, Verdict, fingerprint
from rkgraph.engine.identity import Identities, numbered

if TYPE_CHECKING:
    from rkgraph.engine.lint import Found
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.oracle.truth import Truth
    from rkgraph.results import Result
    from rkgraph.toolkit.logs import Layer

__all__ = ["Mismatch", "mismatches", "place_nodes", "settled", "told"]

VERDICT_CODE = "RK980"
DEVICE_CODE = "RK981"

_WHERE = {
    Device.NPU: "on the NPU",
    Device.CPU: "on the CPU",
    Device.HOST: "on the host",
    Device.FOLDED: "folded away",
    Device.NO_KERNEL: "without a board kernel",
    Device.UNKNOWN: "nowhere that is known",
}
_BAD = (Verdict.BUILD_FAILS, Verdict.NO_BOARD_KERNEL)


@dataclass(frozen=True)
class Mismatch:
    """A node of the main graph that does not run where it was predicted to; `layer` is the one that computes it."""

    node: Node
    predicted: Device
    real: Device
    layer: Layer | None


def place_nodes(graph: GraphView, truth: Truth, predicted: Result) -> tuple[Placed, ...]:
    """Where the compiler put every node of the main graph; nothing where there is no layer table."""
    if truth.outcome != "ok":
        return ()
    gone = {node.index for node in predicted.placement if node.graph == "main" and node.device is Device.FOLDED}
    return map_layers(graph, truth.facts, truth.log, gone)


def mismatches(graph: GraphView, truth: Truth, predicted: Result, placed: Sequence[Placed]) -> tuple[Mismatch, ...]:
    """The nodes whose real device is known and is not the predicted one, in file order.

    A node that is predicted on the NPU and gone before lowering costs nothing either way, and is none of them.
    """
    guesses = {node.index: node.device for node in predicted.placement if node.graph == "main"}
    layers = {layer.id: layer for layer in truth.facts.layers}
    return tuple(
        Mismatch(
            graph.nodes[each.index],
            guesses.get(each.index, Device.UNKNOWN),
            each.device,
            None if each.layer is None else layers.get(each.layer),
        )
        for each in placed
        if _differs(guesses.get(each.index, Device.UNKNOWN), each.device)
    )


def _differs(predicted: Device, real: Device) -> bool:
    if real is Device.FOLDED:
        return predicted not in (Device.FOLDED, Device.NPU)
    return real not in (predicted, Device.UNKNOWN)


def told(
    predicted: Verdict, truth: Truth, where: Location, reason: str, differing: Sequence[Mismatch], *, graph: GraphView
) -> Iterator[Diagnostic]:
    """RK980 where the verdicts differ, then one RK981 for each node that runs elsewhere than predicted.

    Args:
        predicted: lint's verdict.
        truth: what the compiler said; unknown where it was cut short, and then nothing is told.
        where: the place that the compiler's error names.
        reason: the compiler's error, or what it found no kernel for; may be empty.
        differing: the nodes.
        graph: the main graph.
    """
    if truth.verdict not in (predicted, Verdict.UNKNOWN):
        because = f": {reason}" if reason else ""
        yield Diagnostic(
            code=VERDICT_CODE,
            severity=_severity_of_verdict(predicted, truth.verdict),
            at=where,
            message=f"predicted {predicted.value}, the compiler says {truth.verdict.value}{because}",
            fingerprint=fingerprint(VERDICT_CODE, predicted.value, truth.verdict.value),
            observed={"predicted": predicted.value, "real": truth.verdict.value},
            evidence=("log:build",),
            confidence=Confidence.PROBED,
        )
    known = Identities(graph)
    names = numbered(_fingerprint(known, each.node) for each in differing)
    for each, own in zip(differing, names, strict=True):
        yield _of_node(each, own)


def _fingerprint(known: Identities, node: Node) -> str:
    """As lint names places: by what is around them."""
    place = known.of_node(node)
    own = fingerprint(DEVICE_CODE, place.digest)
    return own if place.place == 1 else f"{own}#{place.place}"


def settled(found: Sequence[Found], truth: Truth, placed: Sequence[Placed]) -> tuple[Diagnostic, ...]:
    """Lint's diagnostics after the compiler has spoken: what it refutes or settles is a note that says so."""
    devices = {each.index: each.device for each in placed}
    return tuple(_settle(each, truth.verdict, devices) for each in found if each.listed)


def _settle(found: Found, truth: Verdict, devices: Mapping[int, Device]) -> Diagnostic:
    finding, diagnostic = found.finding, found.diagnostic
    at_main = finding.node is not None and finding.graph == "main"
    real = devices.get(finding.node.index) if at_main and finding.node is not None else None
    if real is Device.UNKNOWN:
        real = None
    if finding.verdict is not None:
        holds = truth in (finding.verdict, Verdict.UNKNOWN)
        if finding.verdict is Verdict.UNKNOWN:
            holds = truth is Verdict.UNKNOWN or (truth is Verdict.BUILD_FAILS and real is None)
        elif finding.verdict is Verdict.NO_BOARD_KERNEL and truth is finding.verdict:
            holds = real in (None, Device.NO_KERNEL)
        elif truth is Verdict.BUILD_FAILS:
            holds = True  # what else is wrong with a model that does not build remains to be seen
    else:
        holds = finding.device is None or real in (None, finding.device)
    if holds:
        return diagnostic
    says = f"it is {_WHERE[real]}" if real is not None else f"the model is {truth.value}"
    word = "settled" if finding.verdict is Verdict.UNKNOWN else "refuted"
    return replace(diagnostic, severity=Severity.NOTE, message=f"{diagnostic.message} ({word}: {says})")


def _of_node(each: Mismatch, own: str) -> Diagnostic:
    node, layer = each.node, each.layer
    by = "" if layer is None else f", layer {layer.id} ({layer.op})"
    return Diagnostic(
        code=DEVICE_CODE,
        severity=_severity_of_device(each.predicted, each.real),
        at=Location(node.path, node.label, node.op),
        message=f"{node.op}: predicted {_WHERE[each.predicted]}, the compiler has it {_WHERE[each.real]}{by}",
        fingerprint=own,
        observed={"predicted": each.predicted.value, "real": each.real.value},
        evidence=("log:build",),
        confidence=Confidence.PROBED,
    )


def _severity_of_verdict(predicted: Verdict, real: Verdict) -> Severity:
    if real in _BAD:
        return Severity.ERROR
    return Severity.WARNING if predicted in _BAD else Severity.NOTE


def _severity_of_device(predicted: Device, real: Device) -> Severity:
    if real is Device.NO_KERNEL:
        return Severity.ERROR
    return Severity.WARNING if real is Device.CPU and predicted is not Device.NO_KERNEL else Severity.NOTE
