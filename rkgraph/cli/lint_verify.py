"""`rkgraph lint --verify`: the options, and the one toolkit that all models of a command share."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import home_folder
from rkgraph.errors import UsageError
from rkgraph.records import Record

if TYPE_CHECKING:
    from contextlib import ExitStack

    from rkgraph.cli.lint_run import Job
    from rkgraph.cli.output import Output
    from rkgraph.oracle.verify import Verified
    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.tables.user_table import UserTable
    from rkgraph.targets import Target

__all__ = [
    "EvidenceOption",
    "MemoryOption",
    "TimeoutOption",
    "ToolkitPythonOption",
    "Verifier",
    "Verifiers",
    "VerifyOption",
    "VerifyOptions",
]

VerifyOption = Annotated[
    bool,
    typer.Option("--verify", help="Build the model with the real toolkit, and say where prediction and it differ."),
]
EvidenceOption = Annotated[
    Path | None,
    typer.Option("--evidence-output", help="Write what --verify found wrong as evidence.", metavar="FILE.jsonl"),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", help="Seconds a build of --verify may take.", min=1.0, metavar="SECONDS", show_default="3600"
    ),
]
MemoryOption = Annotated[
    int | None,
    typer.Option("--memory", help="MB a build of --verify may use.", min=1, metavar="MB", show_default="no limit"),
]
ToolkitPythonOption = Annotated[
    Path | None,
    typer.Option("--toolkit-python", help="For --verify: an interpreter that has rknn-toolkit2.", metavar="PATH"),
]


class VerifyOptions(Record):
    """What the options of --verify say, checked: without it none of the others means anything."""

    wanted: bool
    evidence: Path | None = None
    timeout: float | None = None
    memory: int | None = None
    toolkit_python: Path | None = None

    def __post_init__(self) -> None:
        others = {
            "--evidence-output": self.evidence,
            "--timeout": self.timeout,
            "--memory": self.memory,
            "--toolkit-python": self.toolkit_python,
        }
        given = [name for name, value in others.items() if value is not None]
        if given and not self.wanted:
            raise UsageError(f"{given[0]} is given without --verify", "add --verify")


class Verifier:
    """A context manager around the toolkit of a target; it is started by the first model that needs it."""

    def __init__(self, target: Target, ruleset: RuleSet, options: VerifyOptions, printer: Output) -> None:
        from rkgraph.compile.cache import CompileCache
        from rkgraph.compile.toolchain import Toolchain
        from rkgraph.probe.store import ProbeStore
        from rkgraph.toolkit.jobs import Limits
        from rkgraph.toolkit.locate import find_toolkit

        limits = (
            Limits(memory_mb=options.memory) if options.timeout is None else Limits(options.timeout, options.memory)
        )
        find = partial(find_toolkit, target.toolkit, options.toolkit_python, home_folder())
        self._chain = Toolchain(find, limits)
        self._cache = CompileCache(home_folder() / "truths")
        self._store = ProbeStore(home_folder() / "probes")
        self._target = target
        self._ruleset = ruleset
        self._evidence = options.evidence
        self._printer = printer
        self.lines: list[str] = []

    def __enter__(self) -> Verifier:
        self._chain.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chain.__exit__(kind, error, trace)

    def verify(self, model: Path, options: Options, user: UserTable, ruleset: RuleSet | None = None) -> Verified:
        """Lint and build one model; `user` is what the user has measured. Raises as `rkgraph.oracle.verify.verify`.

        `ruleset` is what the model's own settings make of the one of the target.
        """
        from rkgraph.oracle.verify import verify

        with self._printer.progress(f"verify {model}") as tell:
            done = verify(
                model,
                self._target,
                ruleset or self._ruleset,
                self._chain,
                options=options,
                user=user,
                cache=self._cache,
                tell=tell,
            )
            if self._evidence is not None and done.cut_short is None:
                from rkgraph.oracle.evidence import evidence_lines

                self.lines += evidence_lines(done, self._chain, self._store, tell)
        return done


class Verifiers:
    """A verifier for each target and rule set, started when the first model needs it, and ended with `stack`."""

    def __init__(self, stack: ExitStack, options: VerifyOptions, printer: Output) -> None:
        self._stack, self._options, self._printer = stack, options, printer
        self._started: dict[tuple[Target, str], Verifier] = {}

    def __call__(self, job: Job) -> Verifier:
        """The one for a job."""
        key = (job.target, job.ruleset.name)
        if key not in self._started:
            made = Verifier(job.target, job.ruleset, self._options, self._printer)
            self._started[key] = self._stack.enter_context(made)
        return self._started[key]

    def write_evidence(self) -> None:
        """Write the lines of all models, each once, where --evidence-output says; nothing where it was not given."""
        path = self._options.evidence
        if path is None:
            return
        from rkgraph.files import write_text

        lines = sorted({line for verifier in self._started.values() for line in verifier.lines})
        write_text(path, "".join(f"{line}\n" for line in lines))
        self._printer.note(f"wrote {len(lines)} lines of evidence to {path}", "good")
