"""Which cases there are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from rkgraph.probe import cases
from rkgraph.probe.case import Case

__all__ = ["all_cases"]


def all_cases() -> dict[str, Case]:
    """Every case by its id, in order of id: those of all modules in `rkgraph.probe.cases`.

    Raises:
        ValueError: two different models have one id.
    """
    found: dict[str, Case] = {}
    for case in _generated():
        known = found.setdefault(case.id, case)
        if known.text != case.text:
            raise ValueError(f"two cases are called {case.id}")
    return dict(sorted(found.items()))


def _generated() -> Iterator[Case]:
    for module in pkgutil.iter_modules(cases.__path__, f"{cases.__name__}."):
        yield from importlib.import_module(module.name).cases()
