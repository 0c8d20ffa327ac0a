"""What a fix asks for, as data: new nodes and which values they replace, or an edit of the whole model.

A fix never touches a graph. It reads a view, records nodes on a `Tape` and returns a `Rewrite`; the `Model`
applies it, and nodes whose outputs are no longer read disappear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from rkgraph.graph.copies import CopiedTensor, Source
from rkgraph.records import Record

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "EXACT",
    "AddInput",
    "Between",
    "DropNodes",
    "Edit",
    "FreezeInputs",
    "NewNode",
    "OpenInterface",
    "PinShapes",
    "Refusal",
    "RenameConstants",
    "RenameOutputs",
    "ReshapeOutputs",
    "RetypeInterface",
    "Rewrite",
    "SetOpset",
    "Tape",
    "Tolerance",
    "WidenScalars",
]


class NewNode(Record):
    """A node to add; names of values are those of the graph, or new ones made by the tape.

    Outputs that are not wanted are "". With a `source`, the attributes are those of the node there, and `attributes`
    are none.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    domain: str = ""
    source: Source | None = None

    @property
    def label(self) -> str:
        """The name that it gets: that of its first output."""
        return next(filter(None, self.outputs), self.op)

    @property
    def reads(self) -> frozenset[str]:
        """The values that it reads, those that copied subgraphs take from outside included."""
        captured = self.source.renames.values() if self.source else ()
        return frozenset(name for name in (*self.inputs, *captured) if name)


class Tape:
    """Records new nodes and constants. Every new name starts with `prefix`, so that a reader sees who made it.

    The prefix must be unique in the graph, e.g. "rk202/" + the name of the value that is replaced.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[NewNode] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self.copies: dict[str, CopiedTensor] = {}

    def constant(self, array: npt.ArrayLike, dtype: str, hint: str = "const") -> str:
        """Record a constant of numpy dtype `dtype`; its new name is returned."""
        name = f"{self.prefix}/{hint}_{len(self.constants)}"
        import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

        self.constants[name] = np.asarray(array, dtype=dtype)
        return name

    def op(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Record a node with one output; the new name of the output is returned."""
        return self.ops(op, *inputs, count=1, domain=domain, **attributes)[0]

    def ops(self, op: str, *inputs: str, count: int, domain: str = "", **attributes: Any) -> tuple[str, ...]:
        """Record a node with `count` outputs; their new names are returned."""
        stem = f"{self.prefix}/{op}_{len(self.nodes)}"
        outputs = (stem,) if count == 1 else tuple(f"{stem}.{i}" for i in range(count))
        self.nodes.append(NewNode(op, inputs, outputs, attributes, domain))
        return outputs

    def copy(
        self, op: str, inputs: tuple[str, ...], outputs: tuple[str, ...], source: Source, domain: str = ""
    ) -> tuple[str, ...]:
        """Record a copy of the node at `source` with new inputs; the new names of its `outputs`, "" for absent ones."""
        stem = f"{self.prefix}/{op}_{len(self.nodes)}"
        names = tuple(f"{stem}.{i}" if name else "" for i, name in enumerate(outputs))
        self.nodes.append(NewNode(op, inputs, names, {}, domain, source))
        return names

    def copied_constant(self, source: CopiedTensor) -> str:
        """Record a copy of an initializer; its new name is returned."""
        name = f"{self.prefix}/copy_{len(self.copies)}"
        self.copies[name] = source
        return name


class Tolerance(Record):
    """How far results may lie apart: |a − b| ≤ absolute + relative·|b|.

    Both zero means bit for bit (NaN equals NaN). `beyond`, where given, saturates: numbers of one sign and at least
    that magnitude count as equal. It is for masks, whose fill only has to be so low that a softmax makes zero of it.
    `norm` is for what rounds coarsely in one place only, as 8-bit quantisation: results count as equal, too, where all
    of them together are as near as ‖a − b‖ ≤ norm·‖b‖ (whole numbers: where no larger share of them differs).
    """

    absolute: float
    relative: float
    beyond: float | None = None
    norm: float = 0.0


EXACT = Tolerance(0.0, 0.0)


class Between(Record):
    """What a rewrite assumes of an existing value: low ≤ value ≤ high, whole numbers only if `integer`.

    The engine must be able to prove it (from dtypes, constants and intervals) or else have it from the user; the
    equivalence proof draws its inputs from it.
    """

    low: float
    high: float
    integer: bool = False


class Rewrite(Record):
    """Replace values by others: old value → new value (of `tape`, or one that exists already).

    `tolerance` is what the local proof holds the rewrite to; `assumes` limits the inputs it must hold for. `within`
    limits them, too, but is not asked of anybody to prove: it is the range for which the rewrite's safety class claims
    equality (never allowed in a rewrite that is `safe`).
    """

    replaces: Mapping[str, str]
    tape: Tape
    tolerance: Tolerance
    detail: str = ""
    assumes: Mapping[str, Between] = field(default_factory=dict)
    within: Mapping[str, Between] = field(default_factory=dict)


class PinShapes(Record):
    """Give dynamic inputs fixed shapes: input name → the whole shape, or symbolic dimension → size.

    Restricts the model to these shapes.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dims: Mapping[str, int] = field(default_factory=dict)


class FreezeInputs(Record):
    """Make inputs constants: input name → value (shape and dtype must fit). The interface changes."""

    values: Mapping[str, npt.NDArray[Any]]


class RetypeInterface(Record):
    """Give inputs and outputs of the main graph another dtype (numpy spelling), which holds all numbers of the old one.

    Casts read such an input, and nothing else does; a Cast makes such an output, and becomes one to the new dtype.
    The interface changes: numbers stay the same.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


class AddInput(Record):
    """Give the main graph one more input, a tensor of numpy dtype `dtype`, which `rewrite` reads.

    The interface changes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    rewrite: Rewrite


class WidenScalars(Record):
    """Give inputs of the main graph that are scalars the shape [1]; a Reshape makes scalars of them for all readers.

    `scalars` maps each input to the new name of its scalar. The interface changes: numbers stay the same.
    """

    scalars: Mapping[str, str]


class OpenInterface(Record):
    """Give sequences and optional values at the interface as tensors.

    `inputs`: a sequence or an optional value → the shapes of the tensors that it holds, none of what holds nothing.
    `outputs`: a sequence → how many it holds. The interface changes: numbers stay the same. Names are those of
    `graph/opening.py`.
    """

    inputs: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)


class RenameOutputs(Record):
    """Give outputs of the main graph that its nodes make other names: old name → new name, which is free.

    The interface changes: their order and numbers stay the same.
    """

    names: Mapping[str, str]


class ReshapeOutputs(Record):
    """Give outputs of the main graph another shape of as many elements, by a Reshape behind what made them.

    `shapes` maps each output to its new shape, `inner` to the new name of the value that it was, of its old shape,
    which whoever read the output in the graph goes on to read. The interface changes: numbers stay the same.
    """

    shapes: Mapping[str, tuple[int, ...]]
    inner: Mapping[str, str]


class RenameConstants(Record):
    """Give constants of the main graph other names: old name → new name, which is free. Weights are not touched."""

    names: Mapping[str, str]


class DropNodes(Record):
    """Take nodes of the main graph out that nothing needs; by index."""

    nodes: frozenset[int]


class SetOpset(Record):
    """Declare another opset of the standard domain. Every node must mean the same in both (the proof checks)."""

    version: int


class Refusal(Record):
    """Why a fix is not possible here; `needs` names the option that would make it possible, if there is one."""

    reason: str
    needs: str | None = None


Edit = (
    Rewrite
    | PinShapes
    | FreezeInputs
    | AddInput
    | DropNodes
    | WidenScalars
    | OpenInterface
    | RenameConstants
    | RenameOutputs
    | ReshapeOutputs
    | RetypeInterface
    | SetOpset
)
