"""`rkgraph inspect MODEL.rknn`: what a compiled model says of itself."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rkgraph.errors import ModelError

if TYPE_CHECKING:
    from rkgraph.compile.manifest import Bundle
    from rkgraph.runtime.rknn_file import RknnFile, RknnTensor

__all__ = ["command"]

CHANNELS_SHOWN = 3


class Form(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    models: Annotated[
        list[Path],
        typer.Argument(help="Compiled models, or bundles.", metavar="MODEL.rknn|BUNDLE.rk…", show_default=False),
    ],
    *,
    layers: Annotated[bool, typer.Option("--layers", help="List the layers, in the order of the schedule.")] = False,
    format: Annotated[Form, typer.Option("--format", help="text or json.", metavar="FORMAT")] = Form.TEXT,  # noqa: A002
) -> None:
    """Say what a compiled model is.

    Platform, compiler, inputs and outputs with quantization, and layers with the place of each. No toolkit and no board
    is needed, and no weight is read. `rkgraph doctor MODEL.rknn` says whether a board can run it.

    Examples:
        rkgraph inspect model.rknn

        rkgraph inspect model.rk --layers

        rkgraph inspect model.rknn --format json
    """
    from rkgraph.cli.output import Output

    printer = Output()
    found = [_read(path) for path in models]
    if format is Form.JSON:
        printer.document(json.dumps([_record(*each) for each in found], indent=1, ensure_ascii=False) + "\n")
        return
    for number, (path, bundle, files) in enumerate(found):
        if number:
            printer.print()
        if bundle is not None:
            printer.lines(_bundle_lines(path, bundle))
        for name, file in files:
            printer.lines(_lines(name, file, layers=layers))


def _read(path: Path) -> tuple[Path, Bundle | None, list[tuple[str, RknnFile]]]:
    """The compiled models at a path, by name."""
    from rkgraph.compile.manifest import Bundle, is_bundle
    from rkgraph.report.next_step import as_argument, compiled_name
    from rkgraph.runtime.rknn_file import read_rknn

    if path.suffix == ".onnx" and not path.is_dir() and path.exists():
        built = shlex.join(["rkgraph", "compile", as_argument(path), "-o", as_argument(compiled_name(path))])
        raise ModelError(f"{path}: is not compiled", built)
    if not path.exists():
        raise ModelError(f"{path}: no such file", "check the path")
    if not path.is_dir():
        return path, None, [(str(path), read_rknn(path))]
    if not is_bundle(path):
        raise ModelError(f"{path}: is a folder, and no bundle", "give a .rknn file, or a bundle: rkgraph compile X.rk")
    bundle = Bundle.read(path)
    models = [stage.model for stage in bundle.stages if stage.kind == "rknn" and stage.model is not None]
    return path, bundle, [(str(path / model), read_rknn(bundle.path(model))) for model in models]


def _bundle_lines(path: Path, bundle: Bundle) -> Iterator[tuple[str, str]]:
    from rkgraph.report.visible import one_line

    target = f" for {bundle.target}" if bundle.target is not None else ""
    count = len(bundle.stages)
    yield f"{path}: a bundle of {count} stage{'' if count == 1 else 's'}{target}", "title"
    for stage in bundle.stages:
        where = "on the NPU" if stage.kind == "rknn" else "on the host's CPU"
        built = stage.model or "not compiled: rkgraph compile"
        yield f"  {one_line(stage.name)}: {where}, {one_line(built)}", ""


def _lines(name: str, file: RknnFile, *, layers: bool) -> Iterator[tuple[str, str]]:
    from rkgraph.report.gains import bytes_text
    from rkgraph.report.visible import one_line

    header = file.header
    yield f"{name}: {one_line(header.platform)}, rknn-toolkit2 {one_line(header.toolkit)}", "title"
    yield f"  file       {bytes_text(file.size_bytes)}, format {header.format:#x}", ""
    if file.compiler:
        yield f"  compiler   {one_line(file.compiler)}, {one_line(file.npu)}, from {one_line(file.source)}", ""
    for word, tensors in (("input", file.inputs), ("output", file.outputs)):
        for tensor in tensors:
            yield f"  {word:9}  {_tensor(tensor)}", ""
    if file.note:
        yield f"  note       {one_line(file.note)}", "warning"
    if not file.layers:
        return
    places = Counter(layer.device for layer in file.layers if layer.op not in ("InputOperator", "OutputOperator"))
    split = " · ".join(f"{count} on the {one_line(device)}" for device, count in places.most_common())
    yield f"  layers     {len(file.layers)}: {split}", ""
    for number, layer in enumerate(file.layers if layers else ()):
        yield f"    {number:4}  {layer.device:3}  {one_line(layer.op):24}  {one_line(layer.name)}", ""


def _tensor(tensor: RknnTensor) -> str:
    """Name, dtype and shape; what the NPU holds where that is another dtype; quantization."""
    from rkgraph.report.visible import one_line

    sizes = ",".join(map(str, tensor.shape))
    words = [f"{one_line(tensor.name)} {one_line(tensor.given or tensor.dtype or '?')}[{sizes}]"]
    if tensor.dtype and tensor.dtype != tensor.given:
        words.append(f"as {one_line(tensor.dtype)}")
    words += [one_line(tensor.layout)] if tensor.layout else []
    if tensor.scale:
        many = "" if len(tensor.scale) <= CHANNELS_SHOWN else f" … ({len(tensor.scale)} channels)"
        scales = ", ".join(f"{scale:g}" for scale in tensor.scale[:CHANNELS_SHOWN])
        zeros = ", ".join(map(str, tensor.zero_point[:CHANNELS_SHOWN]))
        words.append(f"scale {scales}, zero point {zeros}{many}")
    return " · ".join(words)


def _record(path: Path, bundle: Bundle | None, files: list[tuple[str, RknnFile]]) -> dict[str, Any]:
    """Plain data; `models` has one entry for a .rknn."""
    return {
        "path": str(path),
        "bundle": bundle is not None,
        "models": [
            {
                "path": name,
                "platform": file.header.platform,
                "toolkit": file.header.toolkit,
                "format": file.header.format,
                "size_bytes": file.size_bytes,
                "compiler": file.compiler,
                "npu": file.npu,
                "source": file.source,
                "inputs": [vars(tensor) for tensor in file.inputs],
                "outputs": [vars(tensor) for tensor in file.outputs],
                "layers": [vars(layer) for layer in file.layers],
                "note": file.note,
            }
            for name, file in files
        ],
    }
