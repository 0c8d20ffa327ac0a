"""The front page, and the guides of docs/ that are for users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rkgraph.report.formats.catalog import FORMATS
from rkgraph.report.formats.rule_texts import PROJECT
from rkgraph.report.site.text import page, table

__all__ = ["GUIDES", "pages"]

GUIDES = {
    "python.md": "In a program",
    "ci.md": "In continuous integration",
    "board-evidence.md": "What only a board can settle",
}
"""Files of docs/ and what they are about; a wheel has none of them, and its site is without."""

_DAY = """\
```sh
pip install rkgraph
rkgraph lint model.onnx
rkgraph fix model.onnx --shape input_ids=1x256 -o model.rk
rkgraph compile model.rk --verify
rkgraph run model.rk --inputs x.npz -o y.npz
```
"""

_DOCS = Path(__file__).resolve().parents[3] / "docs"


def pages() -> dict[str, str]:
    """index.md, guides/formats.md, and guides/NAME.md of each guide."""
    found = [name for name in GUIDES if (_DOCS / name).is_file()]
    made = {"index.md": page("rkgraph", _front(found)), "guides/formats.md": page("Formats", _formats())}
    return made | {f"guides/{name}": _outward((_DOCS / name).read_text(encoding="utf-8")) for name in found}


def _front(guides: list[str]) -> Iterator[str]:
    yield "Takes an exported ONNX model to a Rockchip NPU without surprises.\n"
    yield _DAY
    yield "- [Rules](rules/index.md): what is found, why it matters, what mends it"
    yield "- [Operators](operators/index.md): what the compilers make of each, measured"
    yield "- [Platforms](platforms/index.md): chips, toolkits, precisions"
    yield "- [Commands](commands/index.md): every option"
    yield "- [Formats](guides/formats.md): SARIF, JUnit, GitHub, GitLab, Markdown, HTML"
    yield from (f"- [{GUIDES[name]}](guides/{name})" for name in guides)


def _formats() -> Iterator[str]:
    yield (
        "The report is JSON; every other format is a pure function of it: the same report gives the same bytes. "
        "`lint` writes several at once, `report` makes them of what `lint`, `fix` and `compile` wrote.\n"
    )
    yield "```sh\nrkgraph lint model.onnx --sarif-output a.sarif --html-output a.html"
    yield "rkgraph report compile.json -o a.sarif\n```"
    rows = []
    for item in FORMATS.values():
        endings = ", ".join(f"`{suffix}`" for suffix in item.suffixes)
        rows.append((f"`{item.name}`", item.summary, f"`--{item.name}-output`", endings))
    yield from table(("--format", "what it is", "beside others", "endings that `report -o` knows"), rows)


def _outward(markdown: str) -> str:
    """A guide whose links to files of the repository lead to where it is published."""

    def link(found: re.Match[str]) -> str:
        up, name = found[1], found[2]
        return f"]({name})" if name in GUIDES else f"]({PROJECT}/blob/main/{'' if up else 'docs/'}{name})"

    return re.sub(r"\]\((?!https?:|#)((?:\.\./)*)([^)]+)\)", link, markdown)
