"""Rules of the toolkit's own optimiser that fail on a model: built again without them.

rknn-toolkit2 names the rule itself ("You can add disable_rules=['…'] in rknn.config() to temporarily disable the error
rule!"), and does no more about it. Such a rule only fuses; without it the model computes the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from rkgraph.diagnostics import Confidence, Diagnostic, Location, Severity, fingerprint
from rkgraph.toolkit.jobs import Job, JobResult

__all__ = ["diagnostics_of_rules", "run_without_faulty_rules"]

MOST = 8  # a model that trips over more rules than this has another fault
_PROPOSAL = re.compile(r"You can add disable_rules=\['(\w+)'\] in rknn\.config\(\)")


def run_without_faulty_rules(
    run: Callable[[Job], JobResult], job: Job, tell: Callable[[str], None]
) -> tuple[JobResult, tuple[str, ...]]:
    """Run `job`, again and again without the rules that the toolkit names as failed; the last result and these rules.

    Where the build fails without a rule to switch off, or one that is off already fails, that result is returned.
    """
    off: tuple[str, ...] = ()
    wanted = tuple(job.config.get("disable_rules", ()))
    while True:
        done = run(replace(job, config={**job.config, "disable_rules": [*wanted, *off]}) if off else job)
        rule = None if done.ok else _faulty(done)
        if rule is None or rule in wanted or rule in off or len(off) == MOST:
            return done, off
        tell(f"the toolkit's rule {rule} fails: build without it")
        off = (*off, rule)


def diagnostics_of_rules(off: Iterable[str]) -> tuple[Diagnostic, ...]:
    """One warning for each rule that was switched off."""
    return tuple(
        Diagnostic(
            code="RK919",
            severity=Severity.WARNING,
            at=Location(),
            message=f"the toolkit's rule {rule} fails on this model, which was built with disable_rules=['{rule}']",
            fingerprint=fingerprint("RK919", "disable_rules", rule),
            observed={"rule": rule},
            confidence=Confidence.PROBED,
        )
        for rule in off
    )


def _faulty(done: JobResult) -> str | None:
    """The rule that the toolkit names, where the build failed."""
    found = _PROPOSAL.findall(done.log) if done.outcome == "build-failed" else []
    return found[-1] if found else None
