"""The nodes of a graph as a tree of boxes: by the scopes in their names, by repeated blocks, and never too many in one.

Exporters name a node by where it was in the model, "/encoder/layer.0/attention/MatMul". Boxes that follow each other
and hold the same operators in the same order are joined as "12 ×"; names that tell nothing still give blocks that way.
A box holds at most `MOST` things, so that laying one out stays quick whatever a model is called. Constants stand with
what reads them first, wherever the file has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["MOST", "Box", "box_tree"]

MOST = 80
"""Things in a box: a layered layout of so many takes tens of milliseconds."""

_DEEPEST = 12
_LONGEST_PERIOD = 160
_FEWEST_IN_BLOCK = 3
_NAMED = 3
_RULE = re.compile(r"rk\d{3}")


@dataclass(frozen=True)
class Box:
    """A group of nodes: `kind` is "scope" (of names), "repeat" (of equal blocks), "block" or "part" (of many).

    `children` are nodes (by index) and boxes, in the order of the file.
    """

    name: str
    kind: str
    children: tuple[int | Box, ...]

    @cached_property
    def first(self) -> int:
        """The lowest index in it."""
        return min(_first(child) for child in self.children)

    @cached_property
    def size(self) -> int:
        """How many nodes are in it."""
        return sum(_size(child) for child in self.children)


@dataclass
class _Folder:
    nodes: list[int] = field(default_factory=list)
    folders: dict[str, _Folder] = field(default_factory=dict)


def box_tree(labels: Sequence[str], operators: Sequence[str], homes: Mapping[int, int] | None = None) -> Box:
    """The tree for nodes with these labels and operators; its root is a scope without a name.

    `homes`: nodes that stand right before another one, in its box.
    """
    homes = homes or {}
    root = _Folder()
    for index in sorted(range(len(labels)), key=lambda index: (homes.get(index, index), index not in homes)):
        place = root
        for word in _scope(labels[homes.get(index, index)]):
            place = place.folders.setdefault(word, _Folder())
        place.nodes.append(index)
    order = {index: homes.get(index, index) for index in range(len(labels))}
    return Box("", "scope", _arranged(_children(root, order), operators))


def _scope(label: str) -> list[str]:
    """The scopes in a label; nameless nodes are called by operator and first output, "Add→/layer/Add_output_0"."""
    words = [word for word in label.rpartition("→")[2].split("/") if word]
    while words and _RULE.fullmatch(words[0]):  # what a rule wrote stands where the value is that it wrote
        words = words[1:]
    return words[:-1][:_DEEPEST]


def _children(folder: _Folder, order: Mapping[int, int]) -> list[int | Box]:
    """What is in a folder, by the first thing in it; folders of one thing give way to it."""
    found: list[tuple[int, int | Box]] = [(order[node], node) for node in folder.nodes]
    for name, inner in folder.folders.items():
        children = _children(inner, order)
        only = children[0]
        if len(children) > 1:
            found.append((_order(only, order), Box(name, "scope", tuple(children))))
        else:
            joined = Box(f"{name}/{only.name}", only.kind, only.children) if isinstance(only, Box) else only
            found.append((_order(only, order), joined))
    return [child for _, child in sorted(found, key=lambda pair: pair[0])]


def _order(child: int | Box, order: Mapping[int, int]) -> int:
    while isinstance(child, Box):
        child = child.children[0]
    return order[child]


def _arranged(children: Sequence[int | Box], operators: Sequence[str]) -> tuple[int | Box, ...]:
    """The same children with repeated runs joined, and too many divided, at every level."""
    inner = [
        child if isinstance(child, int) else Box(child.name, child.kind, _arranged(child.children, operators))
        for child in children
    ]
    return _divided(_with_repeats(inner, operators))


def _with_repeats(children: Sequence[int | Box], operators: Sequence[str]) -> list[int | Box]:
    shapes: dict[object, int] = {}
    kinds = [shapes.setdefault(_structure(child, operators), len(shapes)) for child in children]
    found: list[int | Box] = []
    start = 0
    while start < len(children):
        period, times = _longest_run(children, kinds, start)
        if times == 1:
            found.append(children[start])
            start += 1
            continue
        blocks = [children[start + n * period : start + (n + 1) * period] for n in range(times)]
        found.append(_repeat(blocks, operators))
        start += period * times
    return found


def _longest_run(children: Sequence[int | Box], kinds: Sequence[int], start: int) -> tuple[int, int]:
    """The period and number of the equal blocks that begin at `start` and cover most; (1, 1) where none repeats."""
    best = (1, 1)
    for period in range(1, min(_LONGEST_PERIOD, (len(kinds) - start) // 2) + 1):
        if kinds[start] != kinds[start + period]:
            continue
        if sum(_size(child) for child in children[start : start + period]) < _FEWEST_IN_BLOCK:
            continue
        times = 1
        while kinds[start : start + period] == kinds[start + times * period : start + (times + 1) * period]:
            times += 1
        if times > 1 and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _repeat(blocks: Sequence[Sequence[int | Box]], operators: Sequence[str]) -> Box:
    words = _words(blocks[0], operators)
    made = [
        block[0] if len(block) == 1 and isinstance(block[0], Box) else Box(f"{words}, {n}", "block", tuple(block))
        for n, block in enumerate(blocks, 1)
    ]
    boxes = [box for box in made if isinstance(box, Box)]
    first, last = boxes[0], boxes[-1]
    name = words if first.kind == "block" else first.name if first.name == last.name else f"{first.name} … {last.name}"
    return Box(f"{len(boxes)} × {name}", "repeat", tuple(_divided(boxes)))


def _words(block: Sequence[int | Box], operators: Sequence[str]) -> str:
    """What a block without a name is called: by its first things."""
    every = dict.fromkeys(operators[child] if isinstance(child, int) else child.name for child in block)
    named = [name for name in every if name != "Constant"] or list(every)
    shown = named[:_NAMED]
    return " ".join(shown) + (" …" if len(named) > _NAMED else "")


def _divided(children: Sequence[int | Box]) -> tuple[int | Box, ...]:
    """Children in parts of neighbours, as many levels as it takes."""
    while len(children) > MOST:
        parts = [children[start : start + MOST] for start in range(0, len(children), MOST)]
        children = [
            Box(f"nodes {min(map(_first, part))} to {max(map(_last, part))}", "part", tuple(part)) for part in parts
        ]
    return tuple(children)


def _structure(child: int | Box, operators: Sequence[str]) -> object:
    """What two equal blocks share: their operators, in order and nested alike."""
    if isinstance(child, int):
        return operators[child]
    return tuple(_structure(inner, operators) for inner in child.children)


def _first(child: int | Box) -> int:
    return child if isinstance(child, int) else child.first


def _last(child: int | Box) -> int:
    return child if isinstance(child, int) else max(map(_last, child.children))


def _size(child: int | Box) -> int:
    return 1 if isinstance(child, int) else child.size


def leaves(children: Iterable[int | Box]) -> Iterable[int]:
    """All nodes below."""
    for child in children:
        if isinstance(child, int):
            yield child
        else:
            yield from leaves(child.children)
