"""`rkgraph export KIND PATH -o model.onnx`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import QuietOption, home_folder
from rkgraph.cli.output import Output

app = typer.Typer(no_args_is_help=True)


class Exporter(str, Enum):
    """torch's two ways to ONNX."""

    LEGACY = "legacy"
    DYNAMO = "dynamo"


class Attention(str, Enum):
    """How transformers computes attention."""

    EAGER = "eager"
    SDPA = "sdpa"


@app.callback()
def _kinds() -> None:
    """Export models to ONNX as rkgraph likes them best."""


@app.command("sentence-transformer")
def sentence_transformer(
    path: Annotated[Path, typer.Argument(help="A local sentence-transformers folder.", metavar="PATH")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The model to write.", metavar="MODEL.onnx")],
    max_seq_length: Annotated[
        int | None,
        typer.Option(
            "--max-seq-length", help="Longest sequence in tokens.", metavar="TOKENS", show_default="the folder's"
        ),
    ] = None,
    dynamic: Annotated[
        bool, typer.Option("--dynamic/--static", help="Batch and sequence symbolic, or fixed to 1 x length.")
    ] = True,
    opset: Annotated[
        int | None,
        typer.Option("--opset", help="Opset to write.", metavar="OPSET", show_default="17; dynamo: what it likes best"),
    ] = None,
    exporter: Annotated[Exporter, typer.Option("--exporter", help="torch's exporter.")] = Exporter.LEGACY,
    attention: Annotated[
        Attention, typer.Option("--attention", help="eager leaves the smaller mask arithmetic.")
    ] = Attention.EAGER,
    python: Annotated[
        Path | None, typer.Option("--python", help="An interpreter that has torch and transformers.", metavar="PATH")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Export a sentence embedder, checked against torch.

    What is exported is the encoder; pooling is left to the host. Nothing is downloaded: PATH is a folder with
    modules.json and safetensors weights. Tokenizer and configuration are copied beside the model; give -o a folder
    of its own.

    Examples:
        rkgraph export sentence-transformer minilm -o embedder/model.onnx

        rkgraph export sentence-transformer minilm -o static/model.onnx --static
    """
    from rkgraph.export.sentence_transformer import export
    from rkgraph.toolkit.managed_torch import managed_torch

    check_outputs([output if output.parent.is_dir() else None])
    out = Output(quiet=quiet)
    with out.progress(f"export {path}") as step:
        done = export(
            path,
            output,
            max_seq_length=max_seq_length,
            dynamic=dynamic,
            opset=opset,
            exporter=exporter.value,
            attention=attention.value,
            python=python,
            torch_folder=None if python else managed_torch(home_folder()),
            on_progress=step,
        )
    if opset is not None and done.opset != opset:
        out.note(f"opset {opset} was asked for, the exporter wrote {done.opset}; `rkgraph fix` lowers it", "warning")
    out.print(
        f"{done.path}: opset {done.opset}, inputs {', '.join(done.inputs)}; largest difference from torch "
        f"{done.largest_error:.1e} in {done.cases} batches"
    )
