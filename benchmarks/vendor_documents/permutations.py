"""What the operator list says of Transpose: limits by permutation and element type."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from vendor_documents.bounds import Limit
from vendor_documents.sections import Body, Part

__all__ = ["permutations"]


def permutations(body: Body, part: Part) -> Iterator[Limit]:
    """Sizes and their products by permutation and element type, or permutations that are not done."""
    named = {name: int(value) for name, value in re.findall(r"([pq])=(\d+)", part.head)}
    every = {t for listed in body.types.values() for t in listed}
    refused: list[str] = []
    stated: dict[tuple[tuple[int, ...], int], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    perm = ""
    for line in part.lines:
        if found := re.search(r"perm=\[([\d,]+)\]", line):
            perm = found[1]
        elif "不支持" in line:
            refused.append(perm)
        elif found := re.match(r"\* *(T1|T1, T2|T2) *: *(.*)", line):
            for bound in _products(found[2], named):
                stated[bound][perm] |= {t for symbol in found[1].split(", ") for t in body.types[symbol]}
    for (axes, high), by_perm in stated.items():
        for elements in sorted({tuple(sorted(types)) for types in by_perm.values()}):
            perms = [p for p, types in by_perm.items() if tuple(sorted(types)) == elements]
            yield _limit(axes, high, perms, [] if set(elements) == every else list(elements))
    if refused:
        yield {"kind": "attribute-in", "attribute": "perm", "refused": refused}


def _limit(axes: tuple[int, ...], high: int, perms: list[str], types: list[str]) -> Limit:
    what = {"kind": "dimension", "index": 0, "axis": axes[0]} if len(axes) == 1 else None
    when = [{"kind": "attribute-in", "attribute": "perm", "allowed": perms}]
    limit = {**(what or {"kind": "product", "index": 0, "axes": list(axes)}), "high": high, "when": when}
    return {**limit, "types": types} if types else limit


def _products(text: str, named: dict[str, int]) -> Iterator[tuple[tuple[int, ...], int]]:
    """(axes, largest product) of "2*h1*w1<q, c1<p*16"; of several bounds on the same axes the tightest."""
    tightest: dict[tuple[int, ...], int] = {}
    for left, right in re.findall(r"([\w*]+)<([\w*]+)", text):
        factors = left.replace("n<", "n1<").split("*")
        axes = tuple("nchw".index(f[0]) for f in factors if not f.isdigit())
        scale = _times([f for f in factors if f.isdigit()], named)
        high = (_times(right.split("*"), named) - 1) // scale
        tightest[axes] = min(high, tightest.get(axes, high))
    for axes, high in tightest.items():
        yield tuple(sorted(axes)), high


def _times(factors: list[str], named: dict[str, int]) -> int:
    product = 1
    for factor in factors:
        product *= named.get(factor) or int(factor)
    return product
