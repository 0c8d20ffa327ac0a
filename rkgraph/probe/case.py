"""Building blocks: a probed operator with its inputs, alone or between neighbours, as ONNX text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

__all__ = ["COMPANION", "Arg", "Case", "case", "computed", "const", "node", "positions", "weight", "written"]

CODES = {
    "float": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "string": 8,
    "bool": 9,
    "float16": 10,
    "double": 11,
    "uint32": 12,
    "uint64": 13,
    "complex64": 14,
    "complex128": 15,
    "bfloat16": 16,
    "float8e4m3fn": 17,
    "float8e4m3fnuz": 18,
    "float8e5m2": 19,
    "float8e5m2fnuz": 20,
}
"""Element types by their names in ONNX text (TensorProto.DataType)."""

COMPANION = ("float[1,4,6,10] k0", "float[4,4,1,1] w_k", "[kin] k1 = Conv(k0, w_k)", "k1")
"""An independent branch that every model has: input, weight, node, output. It keeps a model from being a bare operator
and gives the compiler something to run where the probed node is folded away."""


@dataclass(frozen=True)
class Case:
    """A model and the operator it asks about. `text` names the probed node `probe`."""

    id: str
    op: str
    text: str

    @property
    def is_pattern(self) -> bool:
        """The probed node stands among others of a pattern of real models."""
        return "/in-" in self.id


@dataclass(frozen=True)
class Arg:
    """An input of the probed node.

    `how`: "x" computed, "w" seeded constant, "c" these `values`, "n" the same made by a Constant node, "s" the first
    input once more, "" left out.
    """

    how: str
    dtype: str = "float"
    shape: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def type(self) -> str:
        """The type in ONNX text."""
        return f"{self.dtype}[{','.join(map(str, self.shape))}]" if self.shape else self.dtype


def computed(*shape: int, dtype: str = "float") -> Arg:
    """An input that is known at run time only."""
    return Arg("x", dtype, shape)


def weight(*shape: int, dtype: str = "float") -> Arg:
    """A constant with seeded random values."""
    return Arg("w", dtype, shape)


def const(*values: float, dtype: str = "int64", shape: tuple[int, ...] | None = None) -> Arg:
    """A constant with these values, one-dimensional unless `shape` says otherwise."""
    return Arg("c", dtype, (len(values),) if shape is None else shape, values)


def node(*values: float, dtype: str = "int64", shape: tuple[int, ...] | None = None) -> Arg:
    """The same constant, but made by a Constant node instead of stored as an initializer."""
    return Arg("n", dtype, (len(values),) if shape is None else shape, values)


ABSENT = Arg("")
AGAIN = Arg("s")
"""The first input once more, as in `Mul(x, x)`."""

UNTYPED = ("GroupNormalization", "MeanVarianceNormalization")
"""Operators whose output ONNX does not infer; it is like the first input."""


def case(
    op: str,
    slug: str,
    args: Sequence[Arg],
    attributes: str = "",
    *,
    outputs: int = 1,
    position: str = "alone",
    opset: int = 17,
    result: Arg | None = None,
) -> Case:
    """One operator on graph inputs and outputs ("alone"), or between nodes that the NPU likes ("between").

    `result` declares the type of the first output where ONNX infers none, as exporters do.

    Where it works on integers or booleans, these come from a Cast or a comparison of floats and go to a Cast; "inside"
    puts another integer or boolean operator on either side.

    Raises:
        ValueError: "between" is asked for and the outputs' types cannot be inferred.
    """
    parts = _Parts(opset)
    names: list[str] = []
    for arg in args:
        names.append(names[0] if arg is AGAIN else parts.add(arg, position))
    made = [f"probe_y{i}" if outputs > 1 else "probe_y" for i in range(outputs)]
    domain, _, name = op.rpartition("::")
    operator = f"{domain}.{name}" if domain else name
    attrs = f"<{attributes}>" if attributes else ""
    parts.nodes.append(f"[probe] {', '.join(made)} = {operator}{attrs}({', '.join(names)})")
    declared = result or (args[0] if op in UNTYPED else None)
    parts.outputs = [f"{declared.type} {made[0]}", *made[1:]] if declared else list(made)
    if position != "alone":
        if declared:
            raise ValueError(f"{op}: no type is inferred")
        parts.follow(position)
    return Case(f"{op}/{slug},{position}", op, parts.text())


def positions(op: str, slug: str, args: Sequence[Arg], attributes: str = "", **options: int) -> Iterator[Case]:
    """The case alone, and between neighbours where that can be made."""
    yield case(op, slug, args, attributes, position="alone", **options)  # type: ignore[arg-type]
    dtypes = {a.dtype for a in args if a.how == "x"}
    if "uint8" in dtypes:  # the Cast that would make it fails by itself
        return
    integers = dtypes & {"int64", "int32", "bool"}
    for position in ("between", "inside") if integers else ("between",):
        try:
            yield case(op, slug, args, attributes, position=position, **options)  # type: ignore[arg-type]
        except ValueError:
            return


def written(
    op: str,
    slug: str,
    *,
    inputs: str,
    nodes: str,
    outputs: str,
    constants: str = "",
    opset: int = 17,
    position: str = "alone",
) -> Case:
    """A model in ONNX text around one node that is labelled `probe`: for what `case` cannot say (subgraphs, sequences).

    Inputs, constants and outputs are lists of declarations; the companion branch is added.
    """
    parts = _Parts(opset)
    parts.inputs.append(inputs)
    parts.constants += [constants] if constants else []
    parts.nodes.append(nodes)
    parts.outputs = [outputs]
    return Case(f"{op}/{slug},{position}", op, parts.text())


SAME = {"bool": "Not({})", "int64": "Abs({})", "int32": "Abs({})"}
"""An operator that keeps an integer or boolean what it is, for the position "inside"."""


class _Parts:
    """A model under construction."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.inputs: list[str] = [COMPANION[0], COMPANION[1]]
        self.constants: list[str] = []
        self.nodes: list[str] = [COMPANION[2]]
        self.outputs: list[str] = []

    def add(self, arg: Arg, position: str) -> str:
        """Declare an input of the probed node; its name there."""
        number = len(self.inputs) + len(self.constants) + sum(" = Constant<" in node for node in self.nodes)
        if arg.how == "":
            return ""
        if arg.how == "c":
            self.constants.append(f"{arg.type} c{number} = {{{_literals(arg)}}}")
            return f"c{number}"
        if arg.how == "n":
            self.nodes.append(f"n{number} = Constant<value = {arg.type} {{{_literals(arg)}}}>()")
            return f"n{number}"
        if arg.how == "w":
            self.inputs.append(f"{arg.type} w{number}")
            return f"w{number}"
        return self._computed(arg, number, position)

    def _computed(self, arg: Arg, number: int, position: str) -> str:
        if not arg.shape:
            return self._scalar(arg, number)
        if position == "alone":
            self.inputs.append(f"{arg.type} x{number}")
            return f"x{number}"
        made, source = f"before{number}", f"x{number}"
        if position == "inside" and arg.dtype in SAME:
            made = f"before{number}_"
        plain = Arg("x", "float", arg.shape)
        self.inputs.append(f"{plain.type} {source}")
        if arg.dtype == "bool":
            self.constants.append(f"float t{number} = {{0.1}}")
            self.nodes.append(f"{made} = Greater({source}, t{number})")
        elif arg.dtype != "float":
            to = CODES[arg.dtype]
            self.nodes.append(f"{made} = Cast<to = {to}>({source})")
        else:
            self.nodes.append(f"{made} = {self._producer(source, arg.shape, number)}")
        if made.endswith("_"):
            self.nodes.append(f"before{number} = {SAME[arg.dtype].format(made)}")
        return f"before{number}"

    def _scalar(self, arg: Arg, number: int) -> str:
        """A value of rank 0. The toolkit takes none as an input of a model, so it is the largest of a few."""
        self.inputs.append(f"float[3,5] x{number}")
        self.nodes.append(f"before{number} = ReduceMax<keepdims = 0>(x{number})")
        if arg.dtype == "float":
            return f"before{number}"
        if arg.dtype == "bool":
            self.constants.append(f"float t{number} = {{0.1}}")
            self.nodes.append(f"before{number}_ = Greater(before{number}, t{number})")
        else:
            self.nodes.append(f"before{number}_ = Cast<to = {CODES[arg.dtype]}>(before{number})")
        return f"before{number}_"

    def _producer(self, source: str, shape: tuple[int, ...], number: int) -> str:
        """A float operator that the NPU likes, which keeps the shape."""
        if len(shape) == 4:
            self.inputs.append(f"float[{shape[1]},{shape[1]},1,1] w_b{number}")
            return f"Conv({source}, w_b{number})"
        if len(shape) in (2, 3):
            self.inputs.append(f"float[{shape[-1]},{shape[-1]}] w_b{number}")
            return f"MatMul({source}, w_b{number})"
        return f"Sigmoid({source})"

    def follow(self, position: str) -> None:
        """Put a consumer behind every output of the probed node."""
        inferred = onnx.shape_inference.infer_shapes(onnx.parser.parse_model(self.text()))
        types = {v.name: v.type.tensor_type for v in (*inferred.graph.output, *inferred.graph.value_info)}
        for number, declared in enumerate(self.outputs):
            name = declared.split()[-1]
            tensor = types[name]
            if not tensor.elem_type or not tensor.HasField("shape"):
                raise ValueError(f"{name}: no type is inferred")
            shape = [d.dim_value for d in tensor.shape.dim]
            if not all(shape):
                raise ValueError(f"{name}: no shape is inferred")
            made = f"after{number}"
            same = {9: "bool", 7: "int64", 6: "int32"}.get(tensor.elem_type)
            if position == "inside" and same:
                self.nodes.append(f"after{number}_ = {SAME[same].format(name)}")
                self.nodes.append(f"{made} = Cast<to = 1>(after{number}_)")
            elif tensor.elem_type != onnx.TensorProto.FLOAT:
                self.nodes.append(f"{made} = Cast<to = 1>({name})")
            elif len(shape) == 4:
                self.inputs.append(f"float[8,{shape[1]},1,1] w_a{number}")
                self.nodes.append(f"{made} = Conv({name}, w_a{number})")
            elif len(shape) in (2, 3):
                self.inputs.append(f"float[{shape[-1]},8] w_a{number}")
                self.nodes.append(f"{made} = MatMul({name}, w_a{number})")
            else:
                self.nodes.append(f"{made} = Sigmoid({name})")
            self.outputs[number] = made

    def text(self) -> str:
        """The model in ONNX text; weights are inputs whose name starts with w."""
        constants = f" <{', '.join(self.constants)}>" if self.constants else ""
        outputs = ", ".join((*self.outputs, COMPANION[3]))
        version = 9 if self.opset >= 19 else 8  # the first that has float8, as opset 19 does
        return (
            f'<ir_version: {version}, opset_import: ["" : {self.opset}]> rk ({", ".join(self.inputs)}) => ({outputs})'
            f"{constants} {{ {' '.join(self.nodes)} }}"
        )


def _literals(arg: Arg) -> str:
    """The values of a constant in ONNX text, which takes half precision as bits."""
    if arg.dtype not in ("float16", "bfloat16"):
        return ", ".join(repr(v) for v in arg.values)
    wide = np.asarray(arg.values, np.float32)
    bits = wide.astype(np.float16).view(np.uint16) if arg.dtype == "float16" else wide.view(np.uint32) >> 16
    return ", ".join(str(int(b)) for b in bits)


def parse(text: str) -> onnx.ModelProto:
    """The model of a case: inputs whose name starts with w become constants seeded by the text, outputs get types."""
    model = onnx.parser.parse_model(text)
    generator = np.random.default_rng(zlib.crc32(text.encode()))
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for value in inputs:
        if not value.name.startswith("w"):
            model.graph.input.append(value)
            continue
        tensor = value.type.tensor_type
        shape = [d.dim_value for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        array = generator.normal(0, 0.2, shape) if dtype.kind == "f" else generator.integers(0, 2, shape)
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(array, dtype), value.name))
    return onnx.shape_inference.infer_shapes(model)
