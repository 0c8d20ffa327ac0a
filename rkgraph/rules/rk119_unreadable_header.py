"""RK119: a model whose header the toolkit does not accept."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, SetOpset
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import model_facts

STANDARD = ("", "ai.onnx")
MEANT = 17  # no node says which: one that every supported toolkit and ONNX Runtime read


def check(lint: LintContext) -> Iterator[Finding]:
    """Findings for an IR version that does not load, and for a standard domain that is not imported, or not first."""
    versions = model_facts(lint.target.toolkit).ir_versions
    found = lint.model.ir_version
    if versions is not None and not versions[0] <= found <= versions[1]:
        yield Finding(
            f"the IR version {found} is not one of {versions[0]} to {versions[1]}, which rknn-toolkit2 "
            f"{lint.target.toolkit} loads",
            observed={"ir_version": found},
            limit={"ir_version": list(versions)},
            verdict=Verdict.BUILD_FAILS,
            key="ir_version",
        )
    imports = lint.model.main.opsets
    domains = list(imports)
    if not any(domain in STANDARD for domain in domains):
        yield Finding(
            "the model does not import the standard domain, so the toolkit cannot convert it to the opset that it uses",
            observed={"domains": domains},
            limit={"domains": "the standard one among them"},
            verdict=Verdict.BUILD_FAILS,
            key="domains",
        )
    elif domains[0] not in STANDARD and imports[domains[0]] != lint.model.main.opset:
        yield Finding(
            f"the model imports {domains[0]} first, and the toolkit takes what comes first for the standard domain",
            observed={"domains": domains, "opset": lint.model.main.opset},
            limit={"domains": "the standard one first"},
            verdict=Verdict.BUILD_FAILS,
            key="domains",
        )


def fix(_lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Import the standard domain, before the others. Where it is missing no node is of it, and any opset will do."""
    if "domains" in finding.observed:
        return SetOpset(finding.observed.get("opset", MEANT))
    return Refusal("the IR version is what the exporter wrote; export anew, or use toolkit 2.3.0 or later")
