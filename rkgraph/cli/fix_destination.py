"""Where `rkgraph fix` writes: one model, a bundle, or the model itself; and the command that comes next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.engine.fix import FixOutcome
    from rkgraph.targets import Target

__all__ = ["Destination", "destination_of", "print_next"]


@dataclass(frozen=True)
class Destination:
    """Where the fixed model goes: a model for a path that ends in .onnx, a bundle for all others."""

    path: Path
    in_place: bool = False

    @property
    def is_model(self) -> bool:
        """Whether it is one ONNX model, and no bundle."""
        return self.in_place or self.path.suffix == ".onnx"

    def check(self) -> None:
        """Before the work: raise UsageError where a bundle cannot be written; a file is checked with the others."""
        if self.is_model:
            return
        from rkgraph.compile.manifest import is_bundle
        from rkgraph.files import check_writable

        if not self.path.is_dir():
            check_writable(self.path)
        if self.path.exists() and not is_bundle(self.path) and not _is_empty(self.path):
            raise UsageError(f"{self.path}: exists and is no bundle", "give another -o")

    def write(self, outcome: FixOutcome, target: Target) -> None:
        """Write the model, or the bundle. Raises UsageError where it cannot be written, or stages need a bundle."""
        if not self.is_model:
            from rkgraph.compile.fixed_bundle import write_fixed

            write_fixed(outcome, self.path, target)
            return
        if outcome.stages:
            stages = ", ".join(f"{stage.name} ({len(stage.nodes)} nodes)" for stage in outcome.stages)
            host = ", ".join(stage.name for stage in outcome.stages if stage.kind == "onnx")
            raise UsageError(
                f"{self.path}: one model for the NPU cannot hold the stages {stages}: {host} runs on the host",
                f"give -o {self.path.with_suffix('.rk').name} for a bundle, or leave out --allow split",
            )
        outcome.model.save(self.path, in_place=self.in_place)


def destination_of(model: Path, output: Path | None, *, in_place: bool, diff: bool) -> Destination | None:
    """Where the fixed model goes; None with --diff. Raises UsageError where that is not clear."""
    if diff:
        if output is not None or in_place:
            other = "-o" if output is not None else "--in-place"
            raise UsageError(f"--diff and {other} contradict each other: --diff writes no model", "give one of the two")
        return None
    if in_place:
        if output is not None:
            raise UsageError("--in-place and -o contradict each other", "give one of the two")
        return Destination(model, in_place=True)
    if output is None:
        raise UsageError("nothing says where the fixed model goes", "give -o fixed.onnx, --in-place or --diff")
    if str(output) == "-":
        raise UsageError("-: a model is written to a file, not to stdout", "give -o fixed.onnx")
    if output.exists() and model.exists() and output.samefile(model):
        raise UsageError(f"{output}: is the model itself", "give --in-place to overwrite it, or another -o")
    destination = Destination(output)
    destination.check()
    return destination


def print_next(printer: Output, fixed: Path, rules: str, target: Target, calibration: Path | None) -> None:
    """The command that builds what was written."""
    from rkgraph.report.next_step import as_argument, compiled_name

    words = ["rkgraph", "compile", as_argument(fixed), "--rules", rules, "--target", target.platform]
    if target.precision != "fp16":
        words += ["--precision", target.precision, "--calibration", as_argument(calibration or "samples.npz")]
    words += ["-o", as_argument(compiled_name(fixed))] if fixed.suffix == ".onnx" else []
    printer.note("next:", "title")
    printer.note(f"  {shlex.join(words)}", "command")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
