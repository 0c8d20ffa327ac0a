"""Layers mapped back to original nodes, on recorded layer tables."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.utils
import pytest

from rkgraph.compile.mapping import map_layers
from rkgraph.compile.provenance import read_provenance, stands_for
from rkgraph.compile.record import cost_of, stage_record
from rkgraph.diagnostics import Device
from rkgraph.graph.load import read_view
from rkgraph.graph.view import ModelView
from rkgraph.results import PlacedNode
from rkgraph.toolkit.logs import read_log
from tests.builders import attention_block, saved, text_model
from tests.compile.conftest import recorded_model
from tests.toolkit.conftest import SESSIONS

RECORDED = Path(__file__).with_name("recorded")


@pytest.fixture
def attention(tmp_path: Path) -> ModelView:
    """The model of recorded/attention_*.log: attention with a mask, its output projection and the residual."""
    whole = onnx.shape_inference.infer_shapes(attention_block())
    part = onnx.utils.Extractor(whole).extract_model(["x", "mask"], ["attention_sum"])
    return read_view(saved(part, tmp_path))


def attention_log(view: ModelView) -> str:
    return (RECORDED / "attention_rk3588_2.3.2.log").read_text()


def test_a_fused_attention_gives_its_layer_to_all_its_nodes(attention: ModelView) -> None:
    log = attention_log(attention)
    placed = map_layers(attention.main, read_log(log), log, set())
    layers = {attention.main.nodes[p.index].label: (p.device, p.how, p.layer) for p in placed}
    sdpa = {layers[f"/{name}"] for name in ("scores/MatMul", "scores_scaled/Div", "weights/Softmax")}
    assert sdpa == {(Device.NPU, "named", 14)}
    assert layers["/q_product/MatMul"] == layers["/q_flat/Add"] == (Device.NPU, "named", 8)
    assert layers["/mask_4d/Unsqueeze"] == (Device.CPU, "named", 2)
    assert layers["/mask_float/Cast"] == (Device.CPU, "named", 3)
    assert layers["/q_heads/Transpose"] == (Device.FOLDED, "dropped", None)  # bypass_two_transpose
    assert all(p.device is not Device.UNKNOWN for p in placed)


def test_without_the_optimisers_log_names_alone_still_lead_far(attention: ModelView) -> None:
    log = attention_log(attention)
    facts = read_log(log)
    full = map_layers(attention.main, facts, log, set())
    names_only = map_layers(attention.main, facts, "", set())
    assert sum(p.how == "named" for p in names_only) >= len(facts.layers) // 2
    for known, guessed in zip(full, names_only, strict=True):
        if known.how != "dropped":  # that is told by the optimiser's log alone
            assert guessed.device in (known.device, Device.UNKNOWN)


def test_a_node_without_kernel_and_a_fused_activation(tmp_path: Path) -> None:
    for session, devices, hows in (
        ("no_lowering_2.3.2", [Device.NO_KERNEL], ["named"]),
        ("conv_rk3588_2.3.2", [Device.NPU, Device.NPU], ["named", "fused"]),
        ("conv_rk3576_2.3.2", [Device.NPU, Device.NPU], ["named", "fused"]),
    ):
        graph = read_view(recorded_model(session, tmp_path)).main
        log = (SESSIONS / session / "log").read_text()
        placed = map_layers(graph, read_log(log), log, set())
        assert [p.device for p in placed] == devices, session
        assert [p.how for p in placed] == hows, session


CANCELLED = """D     bypass_two_transpose: remove node = ['there', 'back']
D     fuse_bn_into_conv: remove node = ['bn']
D     convert_cast: remove node = ['cast'], add node = ['cast_2x']
D     remove_invalid_x: remove node = ['cast_2x']
D     split_in_two: remove node = ['gather'], add node = ['gather_2sl', 'gather_2rs']
D     fuse_two_reshape: remove node = ['gather_2rs']
"""


def test_what_the_optimiser_drops_is_gone_and_what_it_fuses_is_not() -> None:
    found = read_provenance(CANCELLED, ["there", "back", "bn", "cast", "gather", "conv"])
    assert found.dropped == {"there", "back", "cast"}
    assert found.origins["gather_2sl"] == {"gather"}


def test_dropped_nodes_are_looked_through(tmp_path: Path) -> None:
    """Conv → Transpose (dropped) → Relu, which the convolution's layer computes."""
    model = text_model(
        "g (float[1,2,4,4] x) => (float[1,4,4,2] z) <float[2,2,1,1] w = {1,2,3,4}> "
        "{ [conv] a = Conv(x, w)  [move] b = Transpose<perm = [0,2,3,1]>(a)  [act] z = Relu(b) }"
    )
    graph = read_view(saved(model, tmp_path)).main
    row = "D RKNN: [00:00:00.000] 1 ConvRelu FLOAT16 NPU (1,2,4,4) (1,2,4,4) 0/0/0 1 Conv:conv"
    title = "D RKNN: [00:00:00.000] Network Layer Information Table"
    log = f"D     bypass_two_transpose: remove node = ['move']\n{title}\n{row}\n"
    placed = map_layers(graph, read_log(log), log, set())
    assert [(p.device, p.how) for p in placed] == [
        (Device.NPU, "named"),
        (Device.FOLDED, "dropped"),
        (Device.NPU, "fused"),
    ]


LOG = """D     fuse: remove node = ['a', 'b'], add node = ['b_2gelu', 'x_tp']
D fold_constant remove nodes = ['c']
D     swap: remove node = ['x_tp', 'b_2gelu'], add node = ['b_2gelu', 'x_tp']
D     merge: remove node = ['d', 'b_2gelu'], add node = ['b_2gelu']
D     broken: remove node = ['e', add node = [
"""


def test_the_optimisers_log_is_followed_in_order() -> None:
    found = read_provenance(LOG, "abcde")
    assert found.folded == {"c"}
    assert found.origins["b_2gelu"] == {"a", "b", "d"}
    assert found.origins["x_tp"] == frozenset()
    assert found.origins["e"] == {"e"}
    assert "a" not in found.origins


@pytest.mark.parametrize(
    ("name", "computes"),
    [("n", True), ("n#2", True), ("n_2gelu", True), ("n#2_ConvAdd", True), ("gap", False), ("n_2conv0", True)]
    + [(f"n{suffix}", False) for suffix in ("_rs", "-rs", "_tp", "_mm_tp", "_sw", "#1_rs", "_output_0_tp", "x")],
)
def test_suffixes_tell_computation_from_moving_data(name: str, computes: bool) -> None:
    assert stands_for(name, "n") is computes


def test_a_cut_name_leads_to_its_node_when_there_is_only_one(tmp_path: Path) -> None:
    long = "/m/encoder/layer.0/attention/output/LayerNorm/LayerNormalization"
    model = text_model("g (float[1,4] x) => (float[1,4] z) { y = Relu(x)  z = Sigmoid(y) }")
    model.graph.node[0].name, model.graph.node[1].name = long, "/m/other"
    graph = read_view(saved(model, tmp_path)).main
    row = f"0    Relu   FLOAT16  NPU   (1,4)   (1,4)   0/0/0   1   {('Relu:' + long)[:63]}"
    log = f"D RKNN: [00:00:00.000] Network Layer Information Table\nD RKNN: [00:00:00.000] {row}\n"
    first, second = map_layers(graph, read_log(log), log, set())
    assert (first.device, first.how, first.layer) == (Device.NPU, "named", 0)
    assert second.how == "between"


def test_nodes_between_different_devices_stay_unmapped(tmp_path: Path) -> None:
    model = text_model("g (float[1,4] x) => (float[1,4] z) { a = Relu(x)  b = Neg(a)  z = Sigmoid(b) }")
    for node, name in zip(model.graph.node, ("first", "middle", "last"), strict=True):
        node.name = name
    view = read_view(saved(model, tmp_path))
    rows = "0 Relu FLOAT16 NPU (1,4) (1,4) 0/0/0 1 Relu:first\n1 Sigmoid FLOAT16 CPU (1,4) (1,4) 0/0/0 2 Sigmoid:last"
    log = "\n".join(f"D RKNN: [00:00:00.000] {row}" for row in ["Network Layer Information Table", *rows.splitlines()])
    facts = read_log(log)
    placed = map_layers(view.main, facts, log, set())
    assert [p.device for p in placed] == [Device.NPU, Device.UNKNOWN, Device.CPU]
    cost = cost_of(facts.layers, {"internal_kb": 2.0})
    counts = {"layers": 2, "npu": 1, "cpu": 1, "crossings": 1, "ddr_cycles": 0, "npu_cycles": 0}
    assert cost == {**counts, "rw_kb": 3.0, "internal_kb": 2.0}
    guesses = [PlacedNode(i, n, "", (), Device.NPU) for i, n in enumerate(("first", "middle", "last"))]
    (tmp_path / "m.rknn").write_bytes(b"12345")
    record = stage_record(view, facts, guesses, placed, tmp_path / "m.rknn")
    assert record["agreement"] == {"agree": 1, "differ": 1, "folded": 0, "unpredicted": 0, "unmapped": 1}
    assert record["unmapped"] == ["middle"]
    assert record["size_bytes"] == 5
    assert [layer["nodes"] for layer in record["layers"]] == [["first"], ["last"]]
