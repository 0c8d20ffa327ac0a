"""RK320: an input that says how to compute, which the compiler needs as a constant."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.settings import Setting, settings_of
from rkgraph.diagnostics import Severity
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that decides axes, sizes, counts or branches of a node that something needs."""
    main = lint.model.main
    for name, setting in settings_of(main).items():
        alive = [(node, p) for node, p in setting.decides if (node.path, node.index) not in lint.folding.dead]
        if not alive:
            continue
        places = ", ".join(dict.fromkeys(f"input {p} of {node.label}" for node, p in alive[:4]))
        yield Finding(
            f"the input '{name}' decides how to compute ({places}), and the compiler needs it as a constant; "
            + _advice(main, name, setting),
            value=name,
            observed={"decides": [node.label for node, _ in alive], "numbers": _label(setting)},
            limit={"settings": "constants"},
            severity=Severity.ERROR,
            explains=frozenset((node.path, node.index) for node, _ in alive),
        )


def _advice(main: GraphView, name: str, setting: Setting) -> str:
    """What to do; a length that is a number of a mask, too, is not to be frozen lightly."""
    if setting.goes_into is None:
        return f"freeze it: --freeze {name}={_written(main, name)}"
    return (
        f"it is a number in {setting.goes_into.label} as well, so that frozen the model is right for that one value "
        "only: export it with a fixed size, and the length as data"
    )


def _label(setting: Setting) -> str | None:
    return None if setting.goes_into is None else setting.goes_into.label


def _written(main: GraphView, name: str) -> str:
    """What --freeze takes: a number for one element, a file for more."""
    shape = main.value(name).shape
    return "NUMBER" if shape is not None and all(size == 1 for size in shape) else "FILE.npy"
