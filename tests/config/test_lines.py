from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.config.lines import line_of

TEXT = """\
# a comment
target = "rk3588"   # line 2
shape.images = [1, 3]

[tool.rkgraph.severity]
RK4 = "error"
"rank-four-cache" = "note"

[[tool.rkgraph.suppress]]
code = "RK605"
reason = '''
code = "not a key"
'''
[[tool.rkgraph.suppress]]
code = "RK101"
[tool.rkgraph.model."a/*.onnx"]
dim = { batch = 1 }
[[tool.rkgraph.model."a/*.onnx".suppress]]
code = "RK102"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("target",), 2),
        (("shape", "images"), 3),
        (("shape",), 3),
        (("tool", "rkgraph", "severity"), 5),
        (("tool", "rkgraph", "severity", "rank-four-cache"), 7),
        (("tool", "rkgraph", "suppress"), 9),
        (("tool", "rkgraph", "suppress", 0, "code"), 10),
        (("tool", "rkgraph", "suppress", 1), 14),
        (("tool", "rkgraph", "suppress", 1, "code"), 15),
        (("tool", "rkgraph", "suppress", 1, "reason"), 14),
        (("tool", "rkgraph", "model", "a/*.onnx", "dim", "batch"), 17),
        (("tool", "rkgraph", "model", "a/*.onnx", "suppress", 0, "code"), 19),
        (("nothing",), 1),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True), st.data())
def test_whatever_toml_reads_is_found_where_it_stands(names: list[str], data: st.DataObject) -> None:
    lines: list[str] = []
    where: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for name in names:
        if data.draw(st.booleans()):
            lines.append("# nothing = here")
        if data.draw(st.booleans()):
            table = (f"t-{name}",)
            lines.append(f"[ {table[0]} ]")
        quoted = data.draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
        lines.append(f"  {quoted} = {data.draw(st.integers(0, 9))}")
        where[(*table, name)] = len(lines)
    text = "\n".join(lines)
    assert all(line_of(text, path) == line for path, line in where.items())
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    read = tomllib.loads(text)
    assert sum(len(v) if isinstance(v, dict) else 1 for v in read.values()) == len(where)
