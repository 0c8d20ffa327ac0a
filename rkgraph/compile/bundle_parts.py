"""What a bundle is made of: its stages, and the rules that fit arrays of other sizes to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rkgraph.compile.tensors import tensors_of
from rkgraph.results import Stage, TensorInfo

if TYPE_CHECKING:
    from rkgraph.graph.view import ModelView

__all__ = ["BundleStage", "Crop", "Kind", "Padding", "RawWeight"]

Kind = Literal["rknn", "onnx"]


@dataclass(frozen=True)
class BundleStage:
    """One model of a bundle.

    Stages of one name that follow each other are *buckets*: the same model at several fixed sizes, of which the
    smallest that the arrays fit into is run.

    Attributes:
        name: unique, but for buckets.
        kind: "rknn" runs on the NPU, "onnx" on the host's CPU.
        source: the ONNX file; of an rknn stage it is what simulator and CPU run, None where it was not kept.
        model: the .rknn file of an rknn stage; None until it is compiled.
        inputs, outputs: in model order.
    """

    name: str
    kind: Kind
    source: str | None
    model: str | None
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @classmethod
    def of(cls, view: ModelView, source: str, *, name: str = "model", kind: Kind = "rknn") -> BundleStage:
        """The stage of an ONNX model that lies in the bundle as `source`, not compiled yet."""
        inputs, outputs = tensors_of(view.main)
        return cls(name, kind, source, None, inputs, outputs)

    @property
    def record(self) -> Stage:
        """The stage as a report shows it."""
        return Stage(self.name, self.kind, self.model or self.source or "", self.inputs, self.outputs)


@dataclass(frozen=True)
class Padding:
    """An input that may be shorter than the model's along `axis` is filled up behind with `value`."""

    input: str
    axis: int
    value: float


@dataclass(frozen=True)
class Crop:
    """An output is cut along `axis` to the size that `input` had along `input_axis` before it was padded."""

    output: str
    axis: int
    input: str
    input_axis: int


@dataclass(frozen=True)
class RawWeight:
    """A constant that is there without ONNX, too: its numbers in `file`, little-endian, row by row.

    Whoever computes an output projection or looks up an embedding himself maps the file into memory.
    """

    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
