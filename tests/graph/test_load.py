"""What a view shows, which pins it takes, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rkgraph.errors import ModelError, UsageError
from rkgraph.graph.load import read_view
from rkgraph.graph.tensors import DTYPES, decode
from rkgraph.graph.view import GraphView
from tests.builders import external_model, saved, shape_chain_model, text_model, weighted_model


def test_external_and_inline_weights_look_alike(tmp_path: Path) -> None:
    inline, external = read_view(saved(weighted_model(), tmp_path)).main, read_view(external_model(tmp_path)).main
    assert external.value("weight") == inline.value("weight")
    assert external.constant("bias") == inline.constant("bias")
    assert external.constant("weight") is None
    assert external.is_constant("weight")


def test_external_weights_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = external_model(tmp_path)
    monkeypatch.chdir("/")
    assert read_view(path).main.constant("bias") is not None


@pytest.mark.parametrize("options", [{"shapes": {"ids": (1, 4)}}, {"dims": {"batch": 1, "sequence": 4}}], ids=str)
def test_pins_reach_all_that_share_a_symbol(options: dict[str, dict[str, int]], tmp_path: Path) -> None:
    view = read_view(saved(shape_chain_model(), tmp_path), **options)  # type: ignore[arg-type]
    assert view.main.value("mask").shape == (1, 4)
    assert view.main.value("y").shape == (1, 4, 8)


def test_pins_replace_stale_shapes(tmp_path: Path) -> None:
    model = shape_chain_model()
    model.graph.value_info.append(helper.make_tensor_value_info("product", TensorProto.INT64, [7, 7]))
    assert read_view(saved(model, tmp_path), shapes={"ids": (1, 4)}).main.value("product").shape == (1, 4)


WRONG = {
    "rank": ({"shapes": {"ids": (1, 4, 4)}}, "has rank 3"),
    "name": ({"shapes": {"idz": (1, 4)}}, "did you mean 'ids'"),
    "symbol": ({"dims": {"sequenc": 4}}, "did you mean 'sequence'"),
    "zero": ({"shapes": {"ids": (0, 4)}}, "1 or more"),
    "two sizes": ({"shapes": {"ids": (1, 4), "mask": (1, 5)}}, "is 4 elsewhere"),
    "dim against shape": ({"shapes": {"ids": (1, 4)}, "dims": {"sequence": 5}}, "is 5 elsewhere"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_wrong_pins(case: str, tmp_path: Path) -> None:
    options, words = WRONG[case]
    with pytest.raises(UsageError) as caught:
        read_view(saved(shape_chain_model(), tmp_path), **options)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_fixed_dimension_stays(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fixes it at 128"):
        read_view(saved(weighted_model(), tmp_path), shapes={"x": (1, 64)})


def outside(tmp_path: Path, location: str) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    path = external_model(folder)
    model = onnx.load(path, load_external_data=False)
    next(e for e in model.graph.initializer[0].external_data if e.key == "location").value = location
    return saved(model, folder)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "C:\\secret", "a/../../secret", "link"])
def test_external_paths_stay_inside(location: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(1 << 20))
    path = outside(tmp_path, location)
    (path.parent / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="outside the model's folder"):
        read_view(path)


def test_external_weights_must_be_there_and_whole(tmp_path: Path) -> None:
    path = external_model(tmp_path)
    weights = tmp_path / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="past the end"):
        read_view(path)
    weights.unlink()
    with pytest.raises(ModelError, match="missing"):
        read_view(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b'{"irVersion": "8"}', "text or JSON"),
        (b"ir_version: 8\ngraph {}", "text or JSON"),
        (b"\x08\x08", "holds no graph"),
    ],
)
def test_files_that_are_no_models(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        read_view(path)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder"):
        read_view(tmp_path)
    with pytest.raises(ModelError, match="no such file"):
        read_view(tmp_path / "gone.onnx")


def test_failing_inference_is_recorded(tmp_path: Path) -> None:
    model = weighted_model()
    del model.opset_import[:]
    view = read_view(saved(model, tmp_path))
    assert view.inference_error
    assert len(view.main.nodes) == 3


def test_unknown_domains_do_not_stop_inference(tmp_path: Path) -> None:
    model = weighted_model()
    model.graph.node[1].domain = "com.microsoft"
    model.opset_import.add(domain="com.microsoft", version=1)
    view = read_view(saved(model, tmp_path))
    assert view.inference_error == ""
    assert view.main.value("product").shape == (1, 128)


def test_subgraphs_see_the_graph_around_them(tmp_path: Path) -> None:
    text = """g (bool c, float[2] x) => (float[2] y) {
        z = Relu(x)
        y = If (c) <
            then_branch = t () => (float[2] a) { a = Neg(z) },
            else_branch = e () => (float[2] b) { b = Abs(z) }
        >
    }"""
    view = read_view(saved(text_model(text), tmp_path))
    inner = view.main.nodes[1].attributes["then_branch"]
    assert isinstance(inner, GraphView)
    assert inner.path == "main/If→y.then_branch"
    assert inner.parent is view.main
    assert (inner.value("z").kind, inner.value("z").shape) == ("outer", (2,))


@pytest.mark.parametrize("code", sorted(set(DTYPES) - {8, 14, 15, 17, 18, 19, 20, 24, 27, 28}))
@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
def test_elements_are_those_of_numpy(code: int, raw: bool) -> None:
    values = np.array([0, 1, 1], np.float32).astype(helper.tensor_dtype_to_np_dtype(code))
    tensor = numpy_helper.from_array(values, "t") if raw else helper.make_tensor("t", code, [3], values)
    assert tensor.data_type == code
    found = decode(tensor)
    assert found is not None
    assert found.values == (0, 1, 1)


def test_signed_and_string_elements() -> None:
    int4 = helper.make_tensor("t", TensorProto.INT4, [3], [-8, 7, -1])
    assert decode(int4).values == (-8, 7, -1)  # type: ignore[union-attr]
    assert decode(helper.make_tensor("t", TensorProto.STRING, [1], [b"ab"])).values == ("ab",)  # type: ignore[union-attr]


@pytest.mark.parametrize(("size", "visible"), [(1024, True), (1025, False)])
def test_only_small_constants_are_visible(size: int, visible: bool) -> None:
    assert (decode(numpy_helper.from_array(np.zeros(size, np.int8))) is not None) is visible


def test_bytes_that_do_not_fit_the_shape_are_not_shown() -> None:
    assert decode(TensorProto(data_type=TensorProto.FLOAT, dims=[2], raw_data=b"123")) is None


def test_names_are_text(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(weighted_model(8).SerializeToString().replace(b"matmul", b"mat\xff\xfel"))
    with pytest.raises(ModelError, match="UTF-8"):
        read_view(path)


def dynamic_without_names() -> onnx.ModelProto:
    """A model whose exporter writes -1, and "?" twice, for dynamic dimensions."""
    model = text_model("g (float[3, a, b] x) => (float[3, a, b] y) { t = Relu(x) y = Neg(t) }")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = -1
        for dim in value.type.tensor_type.shape.dim[1:]:
            dim.dim_param = "?"
    return model


def test_sizes_below_zero_and_question_marks_are_dynamic(tmp_path: Path) -> None:
    path = saved(dynamic_without_names(), tmp_path)
    assert read_view(path).main.value("x").shape == (None, None, None)
    assert not any(isinstance(size, int) for size in read_view(path).main.value("t").shape or (0,))
    assert read_view(path, shapes={"x": (1, 4, 5)}).main.value("t").shape == (1, 4, 5)


def test_a_question_mark_is_no_symbol(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no symbolic dimension"):
        read_view(saved(dynamic_without_names(), tmp_path), dims={"?": 4})
