"""Rules by what users call them: a code, the beginning of one, a name, or ALL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rkgraph.config.notices import NOTICES
from rkgraph.errors import UsageError
from rkgraph.rulebook.registry import MODULES

__all__ = ["Choice", "Selector", "code_of", "selected", "selector"]

_WHOLE = len("RK301")
EVERYTHING = "ALL"


@dataclass(frozen=True)
class Selector:
    """What a word stands for: some rules. The more it says, the more it counts: a code before a beginning of one."""

    word: str
    codes: frozenset[str]
    weight: int


@dataclass(frozen=True)
class Choice:
    """What one source says: `select` None leaves what was selected so far, else it is begun anew."""

    select: Sequence[Selector] | None = None
    extend: Sequence[Selector] = ()
    ignore: Sequence[Selector] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return self.select is None and not self.extend and not self.ignore


@cache
def rule_names() -> Mapping[str, str]:
    """Name → code of every rule and notice; no card is read for it."""
    parts = (stem.partition("_") for stem in MODULES)
    return {name.replace("_", "-"): code.upper() for code, _, name in parts} | {n.name: n.code for n in NOTICES}


def selector(word: str) -> Selector:
    """What a word stands for, in any case of letters. Raises UsageError, whose hint names the like, for nothing."""
    names = rule_names()
    upper, codes = word.upper(), frozenset(names.values())
    if upper == EVERYTHING:
        return Selector(word, codes, 0)
    if word.lower() in names:
        return Selector(word, frozenset({names[word.lower()]}), _WHOLE)
    found = frozenset(code for code in codes if code.startswith(upper)) if upper.startswith("RK") else frozenset()
    if not found:
        raise UsageError(f"there is no rule {word!r}, nor any whose code begins so", _near(word, names))
    return Selector(word, found, len(upper))


def code_of(word: str) -> str:
    """The code of one rule. Raises UsageError where the word stands for none, or for several."""
    found = selector(word)
    if len(found.codes) != 1:
        raise UsageError(f"{word!r} stands for {len(found.codes)} rules", "name one: a whole code, or a name")
    return next(iter(found.codes))


def selected(choices: Iterable[Choice]) -> frozenset[str] | None:
    """The codes that are left when all has been said, from the weakest source to the strongest; None: all, unchanged.

    Within a source the more exact word counts, whatever it says; of two that are as exact, the one that leaves out.
    """
    said = [choice for choice in choices if not choice.is_empty]
    if not said:
        return None
    chosen = frozenset(rule_names().values())
    for choice in said:
        if choice.select is not None:
            chosen = frozenset()
        added = (*(choice.select or ()), *choice.extend)
        for weight in range(_WHOLE + 1):
            chosen |= _union(one for one in added if one.weight == weight)
            chosen -= _union(one for one in choice.ignore if one.weight == weight)
    return chosen


def _union(selectors: Iterable[Selector]) -> frozenset[str]:
    return frozenset[str]().union(*(one.codes for one in selectors))


def _near(word: str, names: Mapping[str, str]) -> str:
    from difflib import get_close_matches

    words = {code.lower(): f"{code} {name}" for name, code in names.items()}
    words |= {name: f"{code} {name}" for name, code in names.items()}
    near = dict.fromkeys(words[match] for match in get_close_matches(word.lower(), words, n=3))
    return f"did you mean {' or '.join(near)}?" if near else "`rkgraph rules` lists all rules"
