"""What the user asks for by name: shapes that must fit the model, and inputs that become constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.analysis.settings import Setting, settings_of
from rkgraph.diagnostics import Location, Safety
from rkgraph.engine.fix_opening import proved_request
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import FreezeInputs, PinShapes
from rkgraph.proof.structure import Declared
from rkgraph.records import Record
from rkgraph.results import AppliedFix, Proof
from rkgraph.rulebook.rule import Options

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView

__all__ = ["Frozen", "check_shapes", "dtypes_of", "filled", "freeze", "scalars_of"]

CODE = "RK301"  # its card explains pinning and freezing


class Frozen(Record):
    """The fixes that made inputs constants, and their proof."""

    applied: tuple[AppliedFix, ...] = ()
    proofs: tuple[Proof, ...] = ()


def dtypes_of(graph: GraphView) -> dict[str, str]:
    """The dtypes of inputs and outputs, where they are known."""
    names = (*graph.inputs, *graph.outputs)
    return {name: dtype for name in names if (dtype := graph.value(name).dtype) is not None}


def check_shapes(model: Model, options: Options) -> None:
    """See that every --shape and --dim names something and fits, whether or not a rule will ask for it.

    Raises:
        UsageError: an input or dimension that does not exist, or a size that contradicts the model.
    """
    if options.shapes or options.dims:
        model.copy().apply(PinShapes(dict(options.shapes), dict(options.dims)))


def scalars_of(main: GraphView) -> frozenset[str]:
    """The inputs of rank 0."""
    return frozenset(name for name in main.inputs if main.value(name).shape == ())


def filled(model: Model, options: Options) -> Options:
    """The options with the values of --freeze as the inputs hold them: dtype, and numbers repeated to the whole shape.

    The shape is the one after --shape and --dim. What does not fit stays as it is, and `freeze` says so.

    Raises:
        UsageError: as `check_shapes`.
    """
    import numpy as np

    if not options.frozen:
        return options
    pinned = model.copy()
    pinned.apply(PinShapes(dict(options.shapes), dict(options.dims)))
    graph, frozen = pinned.view().main, dict(options.frozen)
    for name in frozen.keys() & set(graph.inputs):
        value, given = graph.value(name), frozen[name]
        sizes = tuple(size for size in value.shape or () if isinstance(size, int))
        if given.ndim == 0 and value.is_static:
            given = np.full(sizes, given)
        converted = given.astype(value.dtype or given.dtype)
        frozen[name] = converted if np.array_equal(converted, given) else given
    return replace(options, frozen=frozen)


def freeze(model: Model, options: Options, new_id: Callable[[], str]) -> Frozen:
    """Make the inputs that --freeze names constants.

    Raises:
        UsageError: no such input, or a value that does not fit.
        ProofRefuted: the model is no longer one (a bug of ours).
    """
    if not options.frozen:
        return Frozen()
    before = model.view()
    uses = settings_of(before.main)
    model.apply(FreezeInputs(options.frozen))
    # A value settles the symbolic dimensions of its input, and with them those of other inputs.
    after = model.view()
    pinned = {
        name: shape
        for name in after.main.inputs
        if (shape := after.main.value(name).shape) != before.main.value(name).shape and shape is not None
    }
    settled = {name: tuple(s for s in shape if isinstance(s, int)) for name, shape in pinned.items()}
    declared = Declared(frozen=frozenset(options.frozen), pinned=settled)
    proof = proved_request(model, before, declared, f"frozen: {', '.join(options.frozen)}", new_id())
    return Frozen(tuple(_record(name, proof, uses.get(name)) for name in options.frozen), (proof,))


def _record(name: str, proof: Proof, use: Setting | None) -> AppliedFix:
    """A length that is a number of a mask as well is told where everybody reads it: in the title."""
    baked = ""
    if use is not None and use.goes_into is not None:
        baked = f", right for this value only: it is a number in {use.goes_into.label} as well"
    return AppliedFix(
        code=CODE,
        title=f"Make the input a constant{baked}",
        safety=Safety.INTERFACE,
        at=Location(value=name),
        allowed_by=f"--freeze {name}",
        proofs=(proof.id,),
        detail=f"{name} is a constant now, and no longer an input{baked}",
    )
