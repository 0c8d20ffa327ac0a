"""Manifests: what is written reads back the same; what is malformed, outside or does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rkgraph.compile.manifest import MANIFEST, MAX_BYTES, Bundle, BundleStage, Crop, Padding, is_bundle
from rkgraph.compile.manifest_reader import Fields
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from rkgraph.results import TensorInfo
from rkgraph.targets import Target

IDS = TensorInfo("ids", "int64", (1, 8))
HIDDEN = TensorInfo("hidden", "float32", (1, 8, "width"))
POOLED = TensorInfo("pooled", "float32", (1, None))


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = tmp_path / "x.rk"
    folder.mkdir()
    for name in ("encoder.onnx", "pool.onnx", "encoder.rknn"):
        (folder / name).write_text(name)
    encoder = BundleStage("encoder", "rknn", "encoder.onnx", "encoder.rknn", (IDS,), (HIDDEN,))
    pool = BundleStage("pool", "onnx", "pool.onnx", None, (HIDDEN,), (POOLED,))
    return Bundle.create(
        folder,
        [encoder, pool],
        target=Target(),
        padding=[Padding("ids", 1, 0)],
        crops=[Crop("pooled", 1, "ids", 1)],
    )


def edited(bundle: Bundle, change: Callable[[Any], None]) -> Path:
    path = bundle.folder / MANIFEST
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return bundle.folder


def test_reading_gives_what_was_written(bundle: Bundle) -> None:
    assert Bundle.read(bundle.folder) == bundle
    assert is_bundle(bundle.folder)
    compiled = bundle.with_models({0: "encoder.rknn"}, Target("rk3576", "2.3.2", "w8a8"), {"optimization_level": 2})
    compiled.write()
    assert Bundle.read(bundle.folder) == compiled


def test_a_stage_of_a_model(relu: Path) -> None:
    stage = BundleStage.of(read_view(relu), relu.name)
    bundle = Bundle.create(relu.parent, [stage])
    assert (bundle.inputs[0].name, bundle.inputs[0].shape, bundle.outputs[0].dtype) == ("x", (1, 4), "float32")
    assert stage.record.file == "relu.onnx"


MALFORMED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda d: d.update(schema="rkgraph.bundle/9"), "schema"),
    (lambda d: d.update(extra=1), "extra"),
    (lambda d: d.update(stages=[]), "no stages"),
    (lambda d: d.update(stages={}), "no list"),
    (lambda d: d["stages"][0].update(kind="exe"), "rknn or onnx"),
    (lambda d: d["stages"][0].update(name=""), "no text"),
    (lambda d: d["stages"][0].update(surprise=1), "surprise"),
    (lambda d: d["stages"][0].update(source=None, model=None), "neither"),
    (lambda d: d["stages"][1].update(source=None, model="encoder.rknn"), "no source"),
    (lambda d: d["stages"][0].update(source="../../etc/passwd"), "outside"),
    (lambda d: d["stages"][0].update(source="/etc/passwd"), "outside"),
    (lambda d: d["stages"][0].update(source="absent.onnx"), "no such file"),
    (lambda d: d.update(calibration="../samples.npz"), "outside"),
    (lambda d: d["inputs"][0].update(shape=[1, -8]), "no shape"),
    (lambda d: d["inputs"][0].update(shape=[1, True]), "no shape"),
    (lambda d: d["inputs"].append(d["inputs"][0]), "twice"),
    (lambda d: d["inputs"][0].update(name="other"), "no stage before it makes"),
    (lambda d: d["stages"][1]["inputs"][0].update(dtype="int64"), "reads hidden as int64"),
    (lambda d: d["outputs"][0].update(name="other"), "no stage makes the output"),
    (lambda d: d["padding"][0].update(input="mask"), "names mask"),
    (lambda d: d["padding"][0].update(axis=2), "axis 2"),
    (lambda d: d["padding"][0].update(axis="1"), "as its axis"),
    (lambda d: d["padding"][0].update(axis=True), "as its axis"),
    (lambda d: d["crops"][0].update(output="hidden"), "names hidden"),
    (lambda d: d["target"].update(platform=3), "platform"),
    (lambda d: d["target"].update(precision="fp8"), "fp8"),
    (lambda d: d["stages"].append(d["stages"][0]), "follow each other"),
]


@pytest.mark.parametrize(("change", "said"), MALFORMED)
def test_what_is_wrong_is_refused(bundle: Bundle, change: Callable[[Any], None], said: str) -> None:
    folder = edited(bundle, change)
    with pytest.raises(UsageError, match=said) as refused:
        Bundle.read(folder)
    assert MANIFEST in refused.value.message


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '"x"', "[" * 5000, "\x00"])
def test_what_is_no_manifest_is_refused(bundle: Bundle, content: str) -> None:
    (bundle.folder / MANIFEST).write_text(content)
    with pytest.raises(UsageError, match=MANIFEST):
        Bundle.read(bundle.folder)


def test_a_folder_without_manifest_and_a_huge_one(tmp_path: Path, bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="is no bundle"):
        Bundle.read(tmp_path)
    (bundle.folder / MANIFEST).write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="larger"):
        Bundle.read(bundle.folder)


def test_a_link_that_leaves_the_folder_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (bundle.folder / "encoder.onnx").unlink()
    (bundle.folder / "encoder.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="outside"):
        Bundle.read(bundle.folder)


def test_buckets_are_stages_of_one_name_that_differ_in_shape_only(bundle: Bundle) -> None:
    long = replace(bundle.stages[0], inputs=(replace(IDS, shape=(1, 16)),))
    both = replace(bundle, stages=(bundle.stages[0], long, bundle.stages[1]))
    both.write()
    assert [len(group) for group in Bundle.read(bundle.folder).groups()] == [2, 1]
    other = replace(long, inputs=(replace(IDS, dtype="int32"),))
    with pytest.raises(UsageError, match="differ in more"):
        replace(bundle, stages=(bundle.stages[0], other, bundle.stages[1])).write()


def test_the_reader_gives_the_fields_in_order() -> None:
    assert Fields._fields == tuple(Bundle.__dataclass_fields__)[1:]
