"""Outputs that are constants, made to depend on an input, so that the compiler keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.constants import NotFoldable, fold
from rkgraph.graph.rewrite import Refusal, Rewrite, Tolerance
from rkgraph.rulebook.rule import LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import Value

__all__ = ["is_folded", "tied_to_an_input"]

# Nothing is added to a number but 0; results are compared on finite inputs.
TOLERANCE = Tolerance(0.0, 1e-7)


def is_folded(lint: LintContext, name: str) -> bool:
    """Whether the toolkit makes a constant of the output before it compiles."""
    producer = lint.model.main.producer(name)
    if producer is None:
        return lint.model.main.is_constant(name)
    return (producer.path, producer.index) in lint.folding.constant


def tied_to_an_input(
    lint: LintContext, names: Iterable[str], prefix: str, source: Value | None = None
) -> Rewrite | Refusal:
    """The constant outputs `names`, each plus a zero that is made of one element of an input.

    `source` is that input; one of the model's by default.
    """
    main = lint.model.main
    source = source or next((value for value in map(main.value, main.inputs) if _has_elements(value)), None)
    if source is None:
        return Refusal("the model has no input of which a zero could be made")
    writer, replaces = Writer(main, prefix), {}
    for name in names:
        if main.producer(name) is None:
            return Refusal(f"the output {name} is an initializer, which no node makes")
        try:
            replaces[name] = _constant_plus(writer, fold(main, name), source)
        except NotFoldable as error:
            return Refusal(str(error))
        if not replaces[name]:
            return Refusal(f"{name} is no tensor with elements, or holds whole numbers that fp16 does not")
    return writer.rewrite(replaces, TOLERANCE, f"constants, plus a zero made of {source.name}")


def _has_elements(value: Value) -> bool:
    return value.is_static and 0 not in (value.shape or ()) and value.dtype in ("float32", "float16", "int64", "int32")


def _number(writer: Writer, source: Value, number: float) -> str:
    """`number` as float32 [1, 1, 1, 1]: one element of `source`, cut off there on both sides; 0 · x would be folded."""
    rank = len(source.shape or ())
    one = source.name
    if any(size != 1 for size in source.shape or ()):
        one = writer.slice(one, list(range(rank)), [0] * rank, [1] * rank)
    if source.dtype != "float32":
        one = writer.cast(one, "float32")
    return writer.clip(writer.reshape(one, [1, 1, 1, 1]), "float32", number, number)


def _constant_plus(writer: Writer, array: npt.NDArray[Any], source: Value) -> str:
    """The constant plus 0 in floats, zeros as 1 − 1, for the compiler leaves a zero out of a sum.

    "" where fp16 would change whole numbers.
    """
    import numpy as np

    if array.dtype.kind not in "biuf":
        return ""
    floats = array.astype("float32")
    is_float = np.issubdtype(array.dtype, np.floating)
    with np.errstate(over="ignore"):
        if array.size == 0 or not (is_float or np.array_equal(floats.astype("float16").astype("float64"), array)):
            return ""
    columns = array.shape[-1] if array.ndim else 1
    low = 0.0 if floats.any() else -1.0
    floats -= low
    constant = writer.constant(floats.reshape(1, 1, array.size // columns, columns), "float32")
    total = writer.reshape(writer.op("Add", constant, _number(writer, source, low)), array.shape)
    return total if array.dtype == np.float32 else writer.cast(total, array.dtype.name)
