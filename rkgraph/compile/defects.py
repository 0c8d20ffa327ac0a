"""Rules of the toolkit's optimiser that are known to be wrong for a model, switched off before it is built.

`faulty_rules` is for those that fail and say so; these give wrong numbers, or never end. Which they are, and in which
versions, is data: `op_tables/defects.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import Defect, defects
from rkgraph.analysis.triggers import TRIGGERS
from rkgraph.compile.build_config import BuildConfig, option_specs
from rkgraph.diagnostics import Confidence, Diagnostic, Location, Severity, fingerprint

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.targets import Target

__all__ = ["avoiding", "defects_of", "diagnostics_of_defects"]


def defects_of(graph: GraphView, target: Target) -> tuple[Defect, ...]:
    """The defects that `graph` sets off, and that the target's toolkit can be told to leave."""
    return tuple(
        each
        for each in defects().values()
        if each.disable
        and target.toolkit in each.fails
        and target.toolkit in (option_specs()["disable_rules"].toolkits or (target.toolkit,))
        and any(TRIGGERS[each.trigger](graph))
    )


def avoiding(config: BuildConfig, found: Iterable[Defect]) -> BuildConfig:
    """The options with the rules of the defects switched off, besides those that were given."""
    given = config.disable_rules or ()
    rules = tuple(dict.fromkeys((*given, *(rule for each in found for rule in each.disable))))
    return replace(config, disable_rules=rules) if rules else config


def diagnostics_of_defects(found: Iterable[Defect]) -> tuple[Diagnostic, ...]:
    """One note for each rule that was switched off."""
    return tuple(
        Diagnostic(
            code="RK919",
            severity=Severity.NOTE,
            at=Location(),
            message=f"the toolkit's rule {rule} is wrong on this model, which was built with disable_rules=['{rule}'] "
            f"({each.what})",
            fingerprint=fingerprint("RK919", "defect", rule),
            observed={"rule": rule, "defect": each.name},
            confidence=Confidence.PROBED,
        )
        for each in found
        for rule in each.disable
    )
