"""The text of the PDF operator list as numbered sections, and a section as tensors, attributes and types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Body", "Part", "Section", "read_body", "read_sections"]

_HEADING = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))? +(\S.*?)\s*$")
_BULLETS = "•–*·"
_BLOCKS = {
    "输入列表": "inputs",
    "输出列表": "outputs",
    "属性列表": "attributes",
    "数据类型约束": "types",
    "广播约束": "broadcast",
    "其他支持": "other",
    "支持说明": "other",
}


@dataclass(frozen=True)
class Section:
    """A numbered section: "3.2.62", "Transpose", and its lines, those that were wrapped joined again."""

    number: str
    title: str
    lines: list[str]


@dataclass(frozen=True)
class Part:
    """A tensor or an attribute of a section: its name, the rest of its line, and the lines below it."""

    name: str
    head: str
    lines: list[str] = field(default_factory=list)

    @property
    def axes(self) -> list[str]:
        """The names of the dimensions, where the shape is given."""
        for line in self.lines:
            shape = re.match(r"[–*] *shape *: *\[(.*?)\]", line)
            if shape:
                return [a.strip() for a in shape[1].split(",")]
        return []


@dataclass(frozen=True)
class Body:
    """A section taken apart. `types` are element types by symbol: {"T1": ["int8", "float16"]}."""

    inputs: list[Part]
    outputs: list[Part]
    attributes: list[Part]
    types: dict[str, list[str]]
    rest: list[str]


def read_sections(text: str) -> list[Section]:
    """Sections of chapters 3 to 5 in the order of the document; `text` is what `pdftotext -layout` gives."""
    found: list[Section] = []
    for line in text.replace("\f", "\n").splitlines():
        heading = _HEADING.match(line)
        if heading and " . ." not in line and heading[1] in "3456" and _follows(found, heading):
            number = ".".join(n for n in heading.groups()[:3] if n)
            found.append(Section(number, heading[4], []))
        elif found:
            _add(found[-1].lines, line.strip())
    return [s for s in found if s.number[0] in "345"]


def _follows(found: list[Section], heading: re.Match[str]) -> bool:
    """Whether a line that looks like a heading has the number that comes next: text of formulas does not."""
    number = [int(n) for n in heading.groups()[:3] if n]
    if not found:
        return number == [3, 1]
    last = [int(n) for n in found[-1].number.split(".")]
    nexts = [[*last[:depth], last[depth] + 1] for depth in range(1, len(last))] + [[*last, 1], [last[0] + 1, 1]]
    return number in nexts


def _add(lines: list[str], line: str) -> None:
    if not line or line.isdigit() or line.startswith("Chapter "):
        return
    new = line[0] in _BULLETS or line.removesuffix("*").strip() in _BLOCKS or not lines
    wrapped = not new and lines[-1][0] in _BULLETS
    if wrapped:
        lines[-1] += " " + line
    else:
        lines.append(line)


def read_body(section: Section) -> Body:
    """Take a section apart into what stands under its headings."""
    blocks: dict[str, list[Part]] = {"inputs": [], "outputs": [], "attributes": [], "types": []}
    rest: list[str] = []
    block = ""
    for line in section.lines:
        word = line.removesuffix("*").strip()
        if word in _BLOCKS:
            if _BLOCKS[word] == block == "outputs":  # Hardmax has its inputs under the heading of the outputs
                blocks["inputs"], blocks["outputs"] = blocks["outputs"], []
            block = _BLOCKS[word]
        elif block not in blocks:
            rest.append(line)
        elif line[0] == "•":
            name, _, head = re.sub(r"^• *", "", line).replace(" ", " ", 1).partition(":")
            blocks[block].append(Part(name.split("(")[0].split("（")[0].strip(), head.strip() or line))
        elif blocks[block]:
            blocks[block][-1].lines.append(line)
    types = {p.name: list(_types(p.head)) for p in blocks["types"]}
    return Body(blocks["inputs"], blocks["outputs"], blocks["attributes"], types, rest)


def _types(text: str) -> Iterator[str]:
    for name, _ in re.findall(r"(\w+)\((Tensor|Scalar)\)", text):
        yield "float32" if name == "float" else name
