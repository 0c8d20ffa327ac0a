"""What ends the build of a model whatever its operators are: the laws that no op table has to say again.

Whoever learns tables from builds leaves out the models that these explain: their failing says nothing of an operator.
"""

from __future__ import annotations

from rkgraph.diagnostics import Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.graph.view import ModelView
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target

__all__ = ["MODEL_RULES", "broken_laws"]

MODEL_RULES = (
    "RK109",
    "RK110",
    "RK115",
    "RK116",
    "RK117",
    "RK118",
    "RK119",
    "RK205",
    "RK301",
    "RK304",
    "RK305",
    "RK306",
    "RK307",
    "RK321",
)
"""The rules that speak of models as a whole, or of how the toolkit reads any node. Measured: `probe:model-laws/*`."""


def broken_laws(view: ModelView, target: Target, table: OpTable) -> tuple[str, ...]:
    """The codes of the laws that end the build of a model, each once; none where its operators decide.

    `table` is asked for one thing only, which nodes the optimiser leaves alone (RK305); an empty one will do.
    """
    result = lint_view(view, target, RuleSet("laws", target.toolkit, MODEL_RULES), table=table)
    if result.verdict is not Verdict.BUILD_FAILS:
        return ()
    return tuple(dict.fromkeys(d.code for d in result.diagnostics))
