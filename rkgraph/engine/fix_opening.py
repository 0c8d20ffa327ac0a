"""Sequences and optional values at the edge of a model, opened because the user says which tensors they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Location, Safety
from rkgraph.errors import ProofRefuted, UsageError
from rkgraph.graph.model import Model
from rkgraph.graph.opening import element_names
from rkgraph.graph.rewrite import OpenInterface
from rkgraph.proof.structure import Declared, structure_problems
from rkgraph.records import Record
from rkgraph.results import AppliedFix, Proof
from rkgraph.rulebook.rule import Options

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, ModelView

__all__ = ["Opened", "open_inputs", "opened_copy", "opening", "proved_request", "requested_opening"]

OPENING = "RK321"  # its card explains what is opened, and how


class Opened(Record):
    """The edit that opened inputs, what is told of it, and its proof."""

    edit: OpenInterface = field(default_factory=OpenInterface)
    applied: tuple[AppliedFix, ...] = ()
    proofs: tuple[Proof, ...] = ()


def requested_opening(graph: GraphView, options: Options) -> OpenInterface:
    """The sequences and optional values at the input whose tensors --shape names: NAME[0] …, or NAME of an optional.

    Those of which --freeze says that they hold nothing have no shapes.

    Raises:
        UsageError: --freeze says so of what is no such input, or --shape something else.
    """
    inputs: dict[str, tuple[tuple[int, ...], ...]] = {}
    for name in sorted(options.absent):
        _check_absent(graph, name)
    for name in graph.inputs:
        held = graph.value(name).held
        if held is None:
            continue
        names = element_names(name, len(options.shapes)) if held.sequence else (name,)
        shapes = tuple(options.shapes[each] for each in takewhile(options.shapes.__contains__, names))
        if shapes and name in options.absent:
            raise UsageError(
                f"--freeze {name}=none: --shape {names[len(shapes) - 1]} says that it holds something",
                "give one of them",
            )
        if shapes or name in options.absent:
            inputs[name] = shapes
    return OpenInterface(inputs)


def _check_absent(graph: GraphView, name: str) -> None:
    option = f"--freeze {name}=none"
    if name not in graph.inputs:
        known = get_close_matches(name, graph.inputs, 1) or graph.inputs[:5]
        raise UsageError(f"{option}: there is no input {name!r}", f"the model has {', '.join(map(repr, known))}")
    if graph.value(name).held is None:
        raise UsageError(
            f"{option}: it is a tensor; only a sequence or an optional value holds nothing",
            f"give a number, a .npy or a .pb: --freeze {name}=VALUE",
        )


def opened_copy(model: Model, options: Options) -> Model:
    """A copy of `model` whose inputs are open as far as the user asks for it: what other options are checked against.

    Raises:
        UsageError: as `requested_opening`.
    """
    copy = model.copy()
    edit = requested_opening(copy.view().main, options)
    if edit.inputs:
        copy.apply(edit)
    return copy


def open_inputs(model: Model, options: Options, new_id: Callable[[], str]) -> Opened:
    """Open the inputs that --shape asks for, and take away those that hold nothing (--freeze NAME=none).

    Raises:
        UsageError: as `requested_opening`.
        ProofRefuted: the model is no longer one (a bug of ours).
    """
    before = model.view()
    edit = requested_opening(before.main, options)
    if not edit.inputs:
        return Opened()
    model.apply(edit)
    declared = opening(before.main, edit)
    proof = proved_request(model, before, declared, f"opened: {', '.join(edit.inputs)}", new_id())
    return Opened(edit, tuple(_record(name, declared.opened[name], proof) for name in edit.inputs), (proof,))


def _record(name: str, tensors: tuple[str, ...], proof: Proof) -> AppliedFix:
    """What is told of one input that is handed over as these tensors now, or not at all."""
    return AppliedFix(
        code=OPENING,
        title="Hand over the tensors that it holds" if tensors else "Let it hold nothing",
        safety=Safety.INTERFACE,
        at=Location(value=name),
        allowed_by=f"--shape {tensors[0]}=…" if tensors else f"--freeze {name}=none",
        proofs=(proof.id,),
        detail=f"{name} is handed over as {', '.join(tensors)}"
        if tensors
        else f"{name} holds nothing, and is no longer an input",
    )


def proved_request(model: Model, before: ModelView, declared: Declared, subject: str, proof_id: str) -> Proof:
    """The proof that `model` is sound after what the user asked for, and was changed in nothing else.

    Raises:
        ProofRefuted: it is not (a bug of ours).
    """
    after = model.view()
    problems = structure_problems(before, after, model.proto(weights=False), declared)
    if problems:
        raise ProofRefuted(f"{subject}: {problems[0]}", "this is a bug of rkgraph; please report it")
    return Proof(
        id=proof_id,
        kind="structure",
        outcome="proved",
        subject=subject,
        method="sorted, single assignment, nothing dangling, checker, interface, untouched nodes compared",
        cases=len(after.main.nodes),
    )


def opening(graph: GraphView, edit: OpenInterface) -> Declared:
    """What an opening of the interface of `graph` changes."""
    opened: dict[str, tuple[str, ...]] = {}
    added: set[str] = set()
    replaced: dict[str, str] = {}
    for name, shapes in edit.inputs.items():
        held = graph.value(name).held
        is_sequence = held is not None and held.sequence
        opened[name] = element_names(name, len(shapes)) if is_sequence or not shapes else (name,)
        if is_sequence or not shapes:
            added |= {name, f"{name}/held"}
        else:
            added.add(f"{name}/optional")
            replaced[name] = f"{name}/optional"
    for name, count in edit.outputs.items():
        opened[name] = element_names(name, count)
        added |= {*opened[name], f"{name}/held"}
    return Declared(added=frozenset(added), replaced=replaced, opened=opened)
