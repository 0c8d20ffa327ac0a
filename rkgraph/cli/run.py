"""`rkgraph run`: arrays in, arrays out, on board, simulator or CPU."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import QuietOption, ToolkitPythonOption, home_folder
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.cli.output import Output
    from rkgraph.runtime.pipeline import Run
    from rkgraph.toolkit.locate import Toolkit

__all__ = ["command"]


class BackendChoice(str, Enum):
    """Where to run."""

    AUTO = "auto"
    BOARD = "board"
    SIMULATOR = "simulator"
    CPU = "cpu"


def command(
    model: Annotated[
        Path, typer.Argument(help="A bundle (a folder), a .rknn or a .onnx.", metavar="MODEL", show_default=False)
    ],
    *,
    inputs: Annotated[Path, typer.Option("--inputs", help="Arrays (.npz) by input name.", metavar="PATH")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write the outputs (.npz).", metavar="FILE.npz")
    ] = None,
    backend: Annotated[
        BackendChoice, typer.Option("--backend", help="Where to run; auto: the first of board, simulator, cpu.")
    ] = BackendChoice.AUTO,
    core_mask: Annotated[
        str,
        typer.Option("--core-mask", help="NPU cores of the board: auto, 0, 1, 2, 0_1, 0_1_2 or all.", metavar="CORES"),
    ] = "auto",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Simulate even what was simulated before.")] = False,
    toolkit_python: ToolkitPythonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run a bundle on the board, the simulator or the CPU.

    Arrays must fit in name, dtype and shape; only what the bundle's manifest allows is padded, and it is said.
    A bare .rknn runs on the board only: a bundle holds what the simulator and the CPU need. Stages that are for the
    host run there on every backend. A sequence of tensors is NAME/0, NAME/1 … in a .npz.

    Examples:
        rkgraph run model.rk --inputs x.npz -o y.npz

        rkgraph run model.rknn --backend board --inputs x.npz -o y.npz

        rkgraph run fixed.onnx --backend cpu --inputs x.npz
    """
    from rkgraph.cli.output import Output
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.tensors import read_npz, write_npz
    from rkgraph.files import writing
    from rkgraph.runtime.pipeline import Pipeline
    from rkgraph.runtime.values import gathered, spread

    check_outputs([output], [inputs, model])
    if output is not None and output.suffix != ".npz" and not output.is_char_device():
        raise UsageError(f"{output}: arrays are written as .npz", f"give -o {output.with_suffix('.npz')}")
    if core_mask != "auto" and backend in (BackendChoice.SIMULATOR, BackendChoice.CPU):
        raise UsageError(f"--core-mask is for the board, and --backend says {backend.value}", "leave one of them out")
    if toolkit_python is not None and backend is BackendChoice.AUTO:
        backend = BackendChoice.SIMULATOR  # it is named to be used, and a wrong one is to be told
    out = Output(quiet)
    feeds = read_npz(inputs)
    cache = None if no_cache else CompileCache(home_folder() / "builds")
    find = partial(_find, python=toolkit_python)
    with (
        out.progress(f"run {model}") as tell,
        Pipeline(model, backend.value, core_mask=core_mask, find_toolkit=find, cache=cache, tell=tell) as pipeline,
    ):
        out.note(f"backend: {pipeline.backend} ({pipeline.why})")
        done = pipeline.run(gathered(feeds, pipeline.bundle.inputs))
    outputs = spread(done.outputs)
    if output is not None:
        with writing(output) as file:
            write_npz(file, outputs)
        out.note(f"wrote {output}", "good")
    _print(done, outputs, out)


def _find(version: str, python: Path | None) -> Toolkit:
    from rkgraph.toolkit.locate import find_toolkit

    return find_toolkit(version, python, home_folder())


def _print(done: Run, outputs: Mapping[str, npt.NDArray[Any]], out: Output) -> None:
    for padded in done.padded:
        out.note(
            f"padded: {padded.input} from {padded.given} to {padded.filled} along axis {padded.axis} "
            f"({padded.share:.0%} padding)"
        )
    rows = []
    for name, array in outputs.items():
        floats = array.astype("float64") if array.dtype.kind in "biuf" and array.size else None
        spread = (
            ("", "", "") if floats is None else tuple(f"{n:.6g}" for n in (floats.min(), floats.mean(), floats.max()))
        )
        rows.append((name, array.dtype.name, "x".join(map(str, array.shape)) or "scalar", *spread))
    out.table(("output", "dtype", "shape", "min", "mean", "max"), rows, right=(3, 4, 5), whole=(1, 2, 3, 4, 5))
