"""`rkgraph probe --model`: build the operators of the user's own model that the op table does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.cli.common import parse_dims, parse_shapes

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.probe.instances import Instance
    from rkgraph.probe.run import Executor
    from rkgraph.probe.store import ProbeStore
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.tables.entry import Outcome
    from rkgraph.targets import Target

__all__ = ["ModelRequest", "probe_model"]

_LONGEST_REASON = 60


@dataclass(frozen=True)
class ModelRequest:
    """What to probe of which model, and where the evidence goes.

    Attributes:
        model: an ONNX file.
        every: all operators, not only those that are unknown.
        shapes, dims: as given to --shape and --dim.
        evidence: a file for lines of evidence.
        add: put the evidence into the user table.
        table: the user table; None for the one at its default place.
    """

    model: Path
    every: bool = False
    shapes: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()
    evidence: Path | None = None
    add: bool = False
    table: Path | None = None

    def check(self) -> None:
        """Raise UsageError now where something cannot be written later."""
        from rkgraph.files import check_writable

        check_writable(self.evidence)
        if self.table is not None:
            check_writable(self.table)


def probe_model(
    request: ModelRequest, targets: Sequence[Target], store: ProbeStore, executor: Executor, output: Output
) -> None:
    """Build what is asked for, print a table a target, write the evidence.

    Raises:
        ModelError: the model cannot be read.
        UsageError: shapes do not fit it, or the evidence cannot be written.
        TargetError: there is no op table of a toolkit.
        ToolkitMissing, ToolkitFailed: a case has to be built, and the toolkit is missing or cannot be started.
    """
    request.check()
    found = [(target, _instances(request, target)) for target in targets]
    measured: list[_Measured] = []
    for target, instances in found:
        of_target = _measure(instances, target, store, executor, output)
        _show(request, target, of_target, output)
        measured += of_target
    if request.evidence is not None:
        _write_evidence(request.evidence, measured)
        output.note(f"evidence: {request.evidence}")
    if request.add:
        _add(request.table, measured, output)
    elif any(each.outcome for each in measured) and request.evidence is None:
        output.note("give --add, and lint will know")


@dataclass(frozen=True)
class _Measured:
    """An instance and the lines of evidence of its cases on a target."""

    instance: Instance
    target: Target
    lines: tuple[Mapping[str, Any], ...]

    @property
    def outcome(self) -> Outcome | None:
        """What became of it whatever stood around it; None where that matters, or nothing was built."""
        outcomes = {line["outcome"] for line in self.lines}
        return outcomes.pop() if len(outcomes) == 1 else None

    @property
    def words(self) -> tuple[str, str]:
        """What to say of it: the outcome, and more on that."""
        if not self.lines:
            return "not measured", self.instance.why_not
        if self.outcome is None:
            each = (f"{line['outcome']} {line['id'].rpartition(',')[2]}" for line in self.lines)
            return " / ".join(each), "depends on what stands around it"
        return self.outcome, _reason(self.lines[0])


def _instances(request: ModelRequest, target: Target) -> list[Instance]:
    from rkgraph.probe.instances import find_instances

    return find_instances(_context(request, target), known_too=request.every)


def _context(request: ModelRequest, target: Target) -> LintContext:
    """What lint knows of the model, without what the user has added before."""
    from rkgraph.engine.lint import make_context
    from rkgraph.graph.load import read_view
    from rkgraph.rulebook.rule import Options

    shapes, dims = parse_shapes(request.shapes), parse_dims(request.dims)
    view = read_view(request.model, shapes=shapes, dims=dims)
    return make_context(view, target, Options(shapes=shapes, dims=dims))


def _measure(
    instances: Sequence[Instance], target: Target, store: ProbeStore, executor: Executor, output: Output
) -> list[_Measured]:
    """Build the cases of the instances that the store does not have."""
    from rkgraph.cli.probe_text import Progress
    from rkgraph.probe.campaign import Campaign, measured_lines

    cases = {case.id: case for each in instances for case in each.cases}
    if cases:
        with Progress(output, target, 1, 1) as progress:
            Campaign(cases, store, executor, progress.step).measure(target, "rich")
    lines = measured_lines(cases.values(), target, store)
    return [_Measured(each, target, tuple(lines[case.id] for case in each.cases)) for each in instances]


def _show(request: ModelRequest, target: Target, measured: Sequence[_Measured], output: Output) -> None:
    which = "operators" if request.every else "unknown operators"
    output.print(f"{request.model} on {target}: {len(measured)} distinct {which}", "title")
    rows = []
    for each in measured:
        instance = each.instance
        others = f" (+{len(instance.nodes) - 1})" if len(instance.nodes) > 1 else ""
        rows.append((f"{instance.nodes[0]}{others}", instance.op, instance.predicted, *each.words))
    if rows:
        output.table(("node", "operator", "predicted", "measured", ""), rows, whole=(0,))


def _reason(line: Mapping[str, Any]) -> str:
    text = line["error"] if "error" in line else ", ".join(line["layers"] or line.get("around", ()))
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def _write_evidence(path: Path, measured: Sequence[_Measured]) -> None:
    """One JSON line a case, with target and model: what to send in to mend the op table."""
    import json

    from rkgraph.files import write_text

    text = ""
    for each in measured:
        target = each.target
        where = {"toolkit": target.toolkit, "platform": target.platform, "precision": target.precision}
        for case, line in zip(each.instance.cases, each.lines, strict=True):
            whole = {**where, **line, "model": case.text}
            text += json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
    write_text(path, text)


def _add(path: Path | None, measured: Sequence[_Measured], output: Output) -> None:
    from rkgraph.tables.user_table import UserEntry, default_user_table, load_user_table

    place = path or default_user_table()
    table = load_user_table(place)
    found = []
    for each in measured:
        if each.outcome is not None:
            details = {key: each.lines[0][key] for key in each.lines[0] if key not in ("id", "op", "outcome")}
            entry = UserEntry(each.outcome, "probed", details)
            instance = each.instance
            found.append((instance.op, instance.signature, instance.cases[0].text, each.target, entry))
    if not found:
        output.note("nothing was measured that could be added")
        return
    table.extended(found).write(place)
    output.note(f"{len(found)} outcomes added to {place}")
