"""What a shell offers where the value of an option is to be typed; called only while it completes a line."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["operators", "platforms", "precisions", "rule_sets", "rules", "toolkits"]


def platforms(incomplete: str) -> list[str]:
    """Platforms that any toolkit knows."""
    from rkgraph import targets

    return _beginning({name for version in targets.toolkits() for name in targets.platforms(version)}, incomplete)


def toolkits(incomplete: str) -> list[str]:
    """Versions of rknn-toolkit2."""
    from rkgraph.targets import toolkits as known

    return _beginning(known(), incomplete)


def rule_sets(incomplete: str) -> list[str]:
    """Rule sets that are shipped: one a toolkit."""
    return _beginning((f"rknn-{version}" for version in toolkits("")), incomplete)


def precisions(incomplete: str) -> list[str]:
    """Precisions that any platform has."""
    from rkgraph import targets

    pairs = [(name, version) for version in targets.toolkits() for name in targets.platforms(version)]
    return _beginning({each for pair in pairs for each in targets.precisions(*pair)}, incomplete)


def rules(incomplete: str) -> list[str]:
    """Codes of rules; of a list "RK1,RK2" the last is completed."""
    from rkgraph.rulebook.registry import MODULES

    before, comma, last = incomplete.rpartition(",")
    codes = {stem.partition("_")[0].upper() for stem in MODULES}
    return [f"{before}{comma}{code}" for code in _beginning(codes, last)]


def operators(incomplete: str) -> list[str]:
    """Operators that the newest op table has."""
    from rkgraph.tables.table import load_table

    return _beginning({entry.op for entry in load_table(toolkits("")[-1]).entries()}, incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return sorted(word for word in words if word.startswith(incomplete))
