"""Reading the vendor's lists, on small texts of the same form."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from vendor_documents.attributes import attribute_limits
from vendor_documents.bounds import bounds, intervals
from vendor_documents.cpu import cpu_platforms
from vendor_documents.markdown import read_rows, row_claim
from vendor_documents.merge import Said, merge, to_toml
from vendor_documents.names import fused, named
from vendor_documents.npu import limits, types
from vendor_documents.permutations import permutations
from vendor_documents.sections import Body, Part, Section, read_body, read_sections

from rkgraph.derived import read_toml
from rkgraph.tables.statement_reading import SCHEMA, read_document

TEXT = """\
   3.1 X . . . . . 6
3.1 AB12/CD34
3.1.1 Twist

输入列表
  • x : T1
      – shape : [batch, channel, height, width]
         * width ∈ (0, 100]
\f Chapter 3. Something                        3.1. AB12
  7
  • w : T2
      – shape : [a, b, side_h, side_w]
         * side_h ∈ [1,
           5]
输出列表
  • y : T1
属性列表
  • strides: int(h, w)
      – h ∈ [1, 7]
      – w ∈ [1, 7]
数据类型约束
  • T1: int8(Tensor), float(Tensor)
3.9.9 of a formula
3.1.2 Turn
3.2 EF56
4 Other
4.1 Last
5.1 Beyond
6.1 End
"""


def test_sections_follow_their_numbers():
    sections = read_sections(TEXT)
    assert [(s.number, s.title) for s in sections] == [
        ("3.1", "AB12/CD34"),
        ("3.1.1", "Twist"),
        ("3.1.2", "Turn"),
        ("3.2", "EF56"),
        ("4.1", "Last"),
        ("5.1", "Beyond"),
    ]
    assert "* side_h ∈ [1, 5]" in sections[1].lines
    assert not [line for line in sections[1].lines if "Chapter" in line or line == "7"]


def test_a_section_taken_apart():
    body = read_body(read_sections(TEXT)[1])
    assert [(p.name, p.head, p.axes) for p in body.inputs] == [
        ("x", "T1", ["batch", "channel", "height", "width"]),
        ("w", "T2", ["a", "b", "side_h", "side_w"]),
    ]
    assert types(body) == ["float32", "int8"]
    rank = {"kind": "rank", "index": 0, "allowed": [4]}
    assert limits("Twist", body) == [
        {"kind": "dimension", "index": 0, "axis": 3, "high": 100, "when": [rank]},
        {"kind": "dimension", "index": 1, "axis": 2, "high": 5},
        {"kind": "attribute-range", "attribute": "strides", "high": 7},
    ]


def test_inputs_under_the_heading_of_outputs():
    section = Section("3.1.1", "Twist", ["输出列表", "• x : T1", "输出列表", "• y : T1"])
    body = read_body(section)
    assert [p.name for p in body.inputs] == ["x"]
    assert [p.name for p in body.outputs] == ["y"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("* height ∈ (0, 8192]", [("height", "1", "8192")]),
        ("* kernel_h ∈ [1, 31]", [("kernelh", "1", "31")]),
        ("a ∈ (1, 7], b ∈ [0, 8)", [("a", "2", "7"), ("b", "0", "7")]),
        ("height ∗ width ∈ [1, 16384)", []),
        ("epsilon ∈ (0, ∞]", []),
    ],
)
def test_intervals(text, found):
    assert list(intervals(text)) == found


@pytest.mark.parametrize(
    ("line", "axes", "high", "conditions"),
    [
        ("* axis=1, height ∗ width < 16384;", [2, 3], 16383, 2),
        ("* axis=1,height ∗ width ∈ (0, 16383]", [2, 3], 16383, 2),
        ("* axis=1 时, height ∗ width ∈ [1, 16384);", [2, 3], 16383, 2),
        ("* channel ∗ height ∗ width <= 8192", [1, 2, 3], 8192, 1),
    ],
)
def test_products_of_sizes(line, axes, high, conditions):
    lines = ["– shape : [batch, channel, height, width]", line]
    (found,) = limits("Twist", Body([Part("x", "T1", lines)], [], [], {}, []))
    assert (found["kind"], found["axes"], found["high"], len(found["when"])) == ("product", axes, high, conditions)


def test_bounds_leave_out_what_nothing_is_below():
    assert bounds("1", "7") == {"high": 7}
    assert bounds("2", "7") == {"low": 2, "high": 7}
    assert bounds("0", "7", least=0) == {"low": 0, "high": 7}


def test_permutations_share_a_limit():
    body = read_body(Section("3.1.1", "Transpose", ["数据类型约束", "• T1: int8(Tensor)", "• T2: float16(Tensor)"]))
    lines = [
        "– perm=[0,1,3,2]",
        "* T1: h1*w1<16*p, h1*w1<2*q",
        "* T2: h1*w1<p",
        "– perm=[0,2,1,3]",
        "* T1, T2: c1<p, 2*w1<q",
    ]
    refusing = [*lines, "– perm=[1,0,2,3]", "* 不支持"]
    found = list(permutations(body, Part("perm", "(p=10, q=8)", refusing)))
    swap, other = ({"kind": "attribute-in", "attribute": "perm", "allowed": [p]} for p in ("0,1,3,2", "0,2,1,3"))
    assert found == [
        {"kind": "product", "index": 0, "axes": [2, 3], "high": 15, "when": [swap], "types": ["int8"]},
        {"kind": "product", "index": 0, "axes": [2, 3], "high": 9, "when": [swap], "types": ["float16"]},
        {"kind": "dimension", "index": 0, "axis": 1, "high": 9, "when": [other]},
        {"kind": "dimension", "index": 0, "axis": 3, "high": 3, "when": [other]},
        {"kind": "attribute-in", "attribute": "perm", "refused": ["1,0,2,3"]},
    ]


@pytest.mark.parametrize(
    ("op", "part", "found"),
    [
        ("Concat", Part("axis", "", ["– axis ∈ {0, 1, 2, 3}"]), {"kind": "attribute-range", "low": -4, "high": 3}),
        (
            "Resize",
            Part("antialias", "int（默认值为 0）", ["– 目前不支持设置"]),
            {"kind": "attribute-in", "allowed": [0]},
        ),
        ("Resize", Part("axes", "int[]", ["– 目前不支持设置"]), {"kind": "attribute-presence", "present": False}),
        ("MaxPool", Part("pad", "", ["– a ∈ [0, 7]", "– b ∈ [0, 7]"]), {"attribute": "pads", "low": 0, "high": 7}),
        ("MaxPool", Part("ceil_mode", "", ["– x"]), {"allowed": [0], "default": 0}),
    ],
)
def test_attributes(op, part, found):
    (limit,) = attribute_limits(op, part)
    assert found.items() <= limit.items()


def test_attributes_that_onnx_does_not_have_there_are_left_out():
    assert list(attribute_limits("MaxPool", Part("count_include_pad", "", ["– : 1"]))) == []
    assert list(attribute_limits("AveragePool", Part("storage_order", "", ["– : 0"]))) == []


def test_names():
    assert [n.op for n in named("exNorm")] == ["LayerNormalization", "MeanVarianceNormalization"]
    assert named("exSwish")[0].internal
    assert named("Convolution")[0].op == "Conv"
    assert fused("ConvolutionAddRelu") == (named("Convolution")[0], ["Add+Relu"])
    assert fused("ConvTranposePRelu/LeakyRelu")[1] == ["PRelu", "LeakyRelu"]
    assert fused("Convolution") is None


def test_who_has_a_cpu_operator():
    note = Section("4.1", "note", ["• AB1 不支持所有 CPU 算子", "• CD2/EF3 仅支持部分 CPU 算子如下 – Exp, Gather"])
    assert cpu_platforms(note, "Exp", ["ab1", "cd2", "gh4"]) == ["cd2", "gh4"]
    assert cpu_platforms(note, "Add", ["ab1", "cd2", "gh4"]) == ["gh4"]


def test_rows_of_the_markdown_list():
    head = "# t\n## ONNX\n| **Operators** | x |\n| --- | --- |\n"
    text = f"{head}| Abs | Not Supported |\n| Add |  |\n## Other\n| Mul |  |\n"
    assert list(read_rows(text)) == [("Abs", "Not Supported"), ("Add", "")]
    assert row_claim("Abs", "Not Supported") == {"claim": "unsupported"}
    assert row_claim("Add", "") == {"claim": "supported"}
    both = row_claim("Tile", "batchsize: 1<br />not support broadcast")
    assert (both["claim"], both["note"]) == ("restricted", "without broadcasting")
    with pytest.raises(ValueError, match="nothing here reads the remark 'only on Mondays'"):
        row_claim("Add", "only on Mondays")


def test_the_same_of_several_platforms_and_versions_is_one_statement(tmp_path):
    content = {"op": "Relu", "claim": "npu", "limits": [{"kind": "batch", "index": 0}], "note": ""}
    said = [
        Said(content, "2.3.0", ("rk1", "rk2"), "doc:a/1"),
        Said(content, "2.3.2", ("rk1", "rk2", "rk3"), "doc:b/1"),
        Said({**content, "claim": "cpu"}, "2.3.2", ("rk3",), "doc:b/2"),
    ]
    merged = merge(said)
    assert [(s["claim"], s["platforms"], s["toolkits"], s["sources"]) for s in merged] == [
        ("cpu", ["rk3"], ["2.3.2"], ["doc:b/2"]),
        ("npu", ["rk1", "rk2"], ["2.3.0", "2.3.2"], ["doc:a/1", "doc:b/1"]),
        ("npu", ["rk3"], ["2.3.2"], ["doc:b/1"]),
    ]
    path = tmp_path / "t.toml"
    path.write_text(to_toml(f'schema = "{SCHEMA}"', [{"name": "n", "url": "u"}], merged))
    assert [s.op for s in read_document(read_toml(path), path.name)[1]] == ["Relu"] * 3
