"""Readers of the options that `rkgraph fix` has: frozen inputs, assumptions, inputs of proofs, calibration samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.engine.plan_file import ABSENT
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.model import Model
    from rkgraph.graph.rewrite import Between
    from rkgraph.rulebook.rule import Options

__all__ = ["check_assumed", "parse_assume", "parse_freeze", "read_cases", "read_samples"]

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})")


def parse_freeze(options: Iterable[str] | None) -> dict[str, npt.NDArray[Any] | None]:
    """Parse `--freeze NAME=VALUE`: a number (whole, or with a point), a .npy, or a .pb with a TensorProto.

    None stands for `none`: the input is a sequence or an optional value, and holds nothing.

    Raises:
        UsageError: not of that form, or the file cannot be read.
    """
    given = _pairs("--freeze", options, "use_cache=0")
    return {name: None if text == ABSENT else _value(option, text) for option, name, text in given}


def parse_assume(options: Iterable[str] | None) -> dict[str, Between]:
    """Parse `--assume NAME=LOW..HIGH`; whole bounds mean whole numbers. Raises UsageError for anything else."""
    from rkgraph.graph.rewrite import Between

    found: dict[str, Between] = {}
    for option, name, text in _pairs("--assume", options, "attention_mask=0..1"):
        match = _RANGE.fullmatch(text)
        if match is None or float(match["low"]) > float(match["high"]):
            raise UsageError(f"--assume {option}: not of the form NAME=LOW..HIGH", "e.g. --assume attention_mask=0..1")
        whole = match["low"].lstrip("-").isdecimal() and match["high"].lstrip("-").isdecimal()
        found[name] = Between(float(match["low"]), float(match["high"]), integer=whole)
    return found


def check_assumed(names: Iterable[str], model: Model) -> None:
    """Refuse an assumption about a value that the model does not have. Raises UsageError."""
    from difflib import get_close_matches

    wanted = list(names)
    if not wanted:
        return
    graphs = list(model.view().graphs())
    known = {name for graph in graphs for name in (*graph.inputs, *(o for node in graph.nodes for o in node.outputs))}
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "give the name of an input, or of a node's output"
            raise UsageError(f"--assume {name}: the model has no such value", hint)


def read_cases(path: Path | None, model: Model, options: Options) -> tuple[Mapping[str, npt.NDArray[Any]], ...]:
    """The inputs in the .npz at `path`: one case, arrays by input name; none where `path` is None.

    Raises:
        UsageError: the file cannot be read, is no .npz, or does not fit the model after --shape, --dim and --freeze.
    """
    if path is None:
        return ()
    from rkgraph.compile.tensors import check_feeds, read_npz, tensors_of
    from rkgraph.graph.rewrite import PinShapes

    arrays = read_npz(path)
    pinned = model.copy()
    pinned.apply(PinShapes(dict(options.shapes), dict(options.dims)))
    inputs = tensors_of(pinned.view().main)[0]
    if all(tensor.dtype is not None for tensor in inputs):  # what is no tensor has no array to be compared with
        settled = {*options.frozen, *options.absent}
        needed = [tensor for tensor in inputs if tensor.name not in settled]
        check_feeds({name: array for name, array in arrays.items() if name not in settled}, needed, str(path))
    return (arrays,)


def read_samples(path: Path | None, model: Model, options: Options) -> tuple[Mapping[str, npt.NDArray[Any]], ...]:
    """The calibration samples at `path` for a model after --shape, --dim and --freeze: feeds by input name, one each.

    Raises:
        UsageError: they cannot be read, do not fit, or are images, which the toolkit alone decodes.
    """
    if path is None:
        return ()
    from rkgraph.compile.calibration import read_calibration
    from rkgraph.compile.tensors import tensors_of
    from rkgraph.engine.fix_opening import opened_copy
    from rkgraph.graph.rewrite import PinShapes

    pinned = opened_copy(model, options)
    pinned.apply(PinShapes(dict(options.shapes), dict(options.dims)))
    inputs = [tensor for tensor in tensors_of(pinned.view().main)[0] if tensor.name not in options.frozen]
    samples: list[Mapping[str, npt.NDArray[Any]]] = []
    for row in read_calibration(path, inputs).rows:
        arrays = {t.name: item for t, item in zip(inputs, row, strict=True) if not isinstance(item, Path)}
        if len(arrays) < len(inputs):
            mend = "leave it out here, and give it to rkgraph compile; or give what the model is fed as arrays (.npz)"
            raise UsageError(f"--calibration {path}: has images, which only the toolkit reads", mend)
        samples.append(arrays)
    return tuple(samples)


def _pairs(word: str, options: Iterable[str] | None, example: str) -> Iterable[tuple[str, str, str]]:
    seen: set[str] = set()
    for option in options or ():
        name, _, text = option.partition("=")
        if not name or not text:
            raise UsageError(f"{word} {option}: not of the form NAME=VALUE", f"write e.g. {word} {example}")
        if name in seen:
            raise UsageError(f"{word} {name}: given twice", "give it once")
        seen.add(name)
        yield option, name, text


def _value(option: str, text: str) -> npt.NDArray[Any]:
    import numpy as np

    if re.fullmatch(r"-?\d+", text):
        return np.asarray(int(text))
    if re.fullmatch(_NUMBER, text):
        return np.asarray(float(text))
    if text in ("true", "false"):
        return np.asarray(text == "true")
    return _file(option, Path(text))


def _file(option: str, path: Path) -> npt.NDArray[Any]:
    import numpy as np

    if path.suffix not in (".npy", ".pb"):
        what = f"--freeze {option}: {path} is neither a number, nor {ABSENT}, nor a .npy or .pb file"
        raise UsageError(what, "write e.g. --freeze use_cache=0, or --freeze mask=mask.npy")
    try:
        if path.suffix == ".npy":
            array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            return array
        return _tensor(path.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        hint = "write it with numpy.save, or as a serialized TensorProto (.pb)"
        raise UsageError(f"--freeze {option}: {path} cannot be read ({why})", hint) from error


def _tensor(data: bytes) -> npt.NDArray[Any]:
    """The array of a serialized TensorProto. Raises ValueError where it is none."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(onnx.TensorProto.FromString(data))
    except (DecodeError, TypeError, KeyError) as error:
        raise ValueError(f"is no tensor: {error}") from error
