"""Rules of the toolkit's optimiser that are known to be wrong for a model, and are switched off unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rkgraph.analysis.defects import defects
from rkgraph.analysis.triggers import TRIGGERS
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.compiler import compile_model
from rkgraph.compile.defects import avoiding, defects_of, diagnostics_of_defects
from rkgraph.compile.plan import Plan, Verify
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Verdict
from rkgraph.targets import Target, toolkits
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import parse, view_of

HEADS = "fuse_multihead_attention_reshape_to_gather_split"
SINGLE_ROWS = "exmatmul_bcast_batch2width"
TRANSPOSE = "squeeze_1_in_nd_transpose"


def projection(*, parts: int = 3, bias: bool = False, after: str = "Reshape", weight: str = "w") -> onnx.ModelProto:
    """Attention of 16 tokens whose query, key and value are cut from one product; `parts` 4 has one more."""
    width = 32 * parts
    names = ["q", "k", "v", "more"][:parts]
    heads = " ".join(f"{n}4 = {f'Reshape({n}, heads)' if after == 'Reshape' else f'Relu({n})'}" for n in names)
    random = np.random.default_rng(0)
    product = f"f = Reshape(x, flat) p = Gemm(f, {weight}{', b' if bias else ''})"
    end = """qt = Transpose<perm = [0, 2, 1, 3]>(q4) kt = Transpose<perm = [0, 2, 3, 1]>(k4)
        vt = Transpose<perm = [0, 2, 1, 3]>(v4) s = MatMul(qt, kt) a = Softmax<axis = -1>(s) o = MatMul(a, vt)
        ot = Transpose<perm = [0, 2, 1, 3]>(o) y = Reshape(ot, joined)"""
    if after != "Reshape":
        end = "y = Add(q4, k4)"
    text = f"""g (float[1, 16, 32] x{"" if weight == "w" else ", float[32, 96] c"}) => (float[1, 16, 32] y) <
        int64[2] flat = {{16, 32}}, int64[3] wide = {{1, 16, {width}}}, int64[4] heads = {{1, 16, 2, 16}},
        int64[{parts}] sizes = {{{", ".join(["32"] * parts)}}}, int64[3] joined = {{1, 16, 32}}
    > {{ {product} j = Reshape(p, wide) {", ".join(names)} = Split<axis = 2>(j, sizes) {heads} {end} }}"""
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> ' + text)
    arrays = {"w": random.normal(size=(32, width)) / 6, "b": random.normal(size=width)}
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items() if name in used
    )
    return model


def lone(shape: str, perm: str, around: str = "Relu") -> str:
    sizes = [int(n) for n in shape.split(",")]
    order = [int(n) for n in perm.split(",")]
    out = ", ".join(str(sizes[axis]) for axis in order)
    return f"""g (float[{shape}] x) => (float[{out}] y) {{ a = {around}(x) y = Transpose<perm = [{perm}]>(a) }}"""


def sequence_first(layers: int = 2, batch: int = 1, parts: str = "qkv") -> onnx.ModelProto:
    """Attention over 16 tokens of XLNet's layout, [tokens, batch, width], each with a feed-forward part behind."""
    nodes, x = "", "x"
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(layers):
        made = {p: f"{p}{i}" if p in parts else f"{parts[0]}{i}" for p in "qkv"}
        for part in parts:
            nodes += f'{part}{i} = Einsum<equation = "ibh,hnd->ibnd">({x}, w{part}{i}) '
            shapes[f"w{part}{i}"] = (64, 4, 16)
        nodes += f"""b{i} = Add({made["q"]}, bias{i}) s{i} = Einsum<equation = "ibnd,jbnd->bnij">(b{i}, {made["k"]})
            p{i} = Softmax<axis = 3>(s{i}) o{i} = Einsum<equation = "bnij,jbnd->ibnd">(p{i}, {made["v"]})
            h{i} = Einsum<equation = "ibnd,hnd->ibh">(o{i}, wo{i}) a{i} = Add(h{i}, {x})
            f{i} = MatMul(a{i}, up{i}) g{i} = Add(f{i}, ub{i}) r{i} = Relu(g{i}) d{i} = MatMul(r{i}, down{i})
            e{i} = Add(d{i}, db{i}) y{i} = Add(e{i}, a{i}) """
        shapes |= {f"bias{i}": (4, 16), f"wo{i}": (64, 4, 16), f"up{i}": (64, 128), f"ub{i}": (128,)}
        shapes |= {f"down{i}": (128, 64), f"db{i}": (64,)}
        x = f"y{i}"
    text = f"g (float[16, {batch}, 64] x) => (float[16, {batch}, 64] y) {{ {nodes} y = Identity({x}) }}"
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> ' + text)
    random = np.random.default_rng(0)
    model.graph.initializer.extend(
        numpy_helper.from_array((random.normal(size=shape) / 10).astype(np.float32), name)
        for name, shape in shapes.items()
    )
    return model


def found(model: onnx.ModelProto | str, target: Target | None = None) -> list[str]:
    return [each.name for each in defects_of(view_of(model).main, target or Target())]


def test_every_trigger_exists_and_every_version_is_one() -> None:
    for each in defects().values():
        assert set(each.fails) | set(each.wastes) <= set(toolkits())
        assert bool(each.trigger) == bool(each.disable) != bool(each.mended_by)
        assert not each.trigger or each.trigger in TRIGGERS


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("parts", [3, 4])
def test_heads_of_one_product_are_found(parts: int, bias: bool) -> None:
    assert found(projection(parts=parts, bias=bias)) == ["joint-projection-heads"]


def test_near_misses_are_not() -> None:
    assert found(projection(parts=3, after="Relu")) == []
    assert found(projection(weight="c")) == []


@pytest.mark.parametrize(
    ("shape", "perm", "is_one"),
    [
        ("1, 4, 3, 3, 8, 8", "0, 1, 4, 2, 5, 3", True),
        ("1, 3, 4, 8, 4, 8", "0, 2, 4, 1, 3, 5", True),
        ("2, 4, 3, 3, 8, 8", "0, 1, 4, 2, 5, 3", False),
        ("1, 1, 3, 3, 8, 8", "0, 1, 4, 2, 5, 3", False),
        ("1, 4, 3, 3, 8, 8", "0, 1, 2, 4, 3, 5", False),
        ("1, 4, 3, 8, 8", "0, 3, 1, 4, 2", False),
    ],
)
def test_the_transpose_that_never_ends(shape: str, perm: str, is_one: bool) -> None:
    assert found(lone(shape, perm)) == ["transpose-of-five"] * is_one


def test_a_transpose_beside_a_reshape_ends() -> None:
    text = """g (float[1, 36, 8, 8] x) => (float[1, 4, 8, 3, 8, 3] y) <int64[6] s = {1, 4, 3, 3, 8, 8}>
        { a = Reshape(x, s) y = Transpose<perm = [0, 1, 4, 2, 5, 3]>(a) }"""
    assert found(text) == []


def test_a_version_without_the_option_is_left_as_it_is() -> None:
    assert found(projection(), Target("rk3588", "2.2.0", "fp16")) == []


def test_rules_are_added_to_those_that_were_given_and_told() -> None:
    both = defects_of(view_of(projection()).main, Target())
    assert avoiding(BuildConfig(disable_rules=("mine",)), both).disable_rules == ("mine", HEADS)
    assert avoiding(BuildConfig(disable_rules=(HEADS,)), both).disable_rules == (HEADS,)
    assert avoiding(BuildConfig(), ()) == BuildConfig()
    (told,) = diagnostics_of_defects(both)
    assert HEADS in told.message


def test_a_plan_avoids_them(tmp_path: Path) -> None:
    onnx.save(projection(), tmp_path / "m.onnx")
    prepared = Plan(tmp_path / "m.onnx", Target()).prepare(view_of(projection()))
    assert prepared.plan.config.disable_rules == (HEADS,)
    assert [each.name for each in prepared.defects] == ["joint-projection-heads"]


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (projection(), HEADS),
        (parse(lone("1, 4, 3, 3, 8, 8", "0, 1, 4, 2, 5, 3")), TRANSPOSE),
        (sequence_first(), SINGLE_ROWS),
    ],
    ids=["heads", "transpose", "single rows"],
)
def test_the_real_toolkit_is_right_without_them(model: onnx.ModelProto, rule: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as chain:
        built = compile_model(Plan(path, Target(), verify=Verify()), tmp_path / "m.rknn", chain)
    assert built.result.verdict is Verdict.DEPLOYABLE
    assert built.result.compile is not None
    assert built.result.compile["options"]["disable_rules"] == (rule,)
    assert built.verification is not None
    assert built.verification.passed


ROTATED = """g (float[1, 2, 8, 16] x) => (float[1, 2, 8, 4] y)
<int64[1] zero = {{0}}, int64[1] two = {{2}}, int64[1] four = {{4}}, int64[1] last = {{3}}> {{
    part = {part}
    low = Slice(part, zero, two, last) high = Slice(part, two, four, last) turned = {turned}(high)
    y = Concat<axis = 3>(turned, low) }}"""


@pytest.mark.parametrize(
    ("part", "turned", "versions"),
    [
        ("Slice(x, zero, four, last)", "Neg", {"2.3.2"}),
        ("Slice(x, zero, four, last)", "Abs", set()),
        ("Relu(x)", "Neg", set()),
    ],
)
def test_a_rotated_part_of_each_head(part: str, turned: str, versions: set[str]) -> None:
    text = ROTATED.format(part=part, turned=turned)
    if part.startswith("Relu"):
        text = text.replace("float[1, 2, 8, 16] x", "float[1, 2, 8, 4] x")
    for version in toolkits():
        assert ("rotated-part" in found(text, Target("rk3588", version))) == (version in versions)


def test_products_of_single_rows() -> None:
    name = "products-of-single-rows"
    assert found(sequence_first()) == [name]
    assert found(sequence_first(), Target("rk3588", "2.5.0")) == []
    assert found(sequence_first(batch=2)) == []
    assert found(sequence_first(parts="qk")) == []
