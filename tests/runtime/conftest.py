from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.compile.manifest import Bundle, BundleStage, Crop, Padding
from rkgraph.graph.load import read_view
from rkgraph.targets import Target
from tests.builders import saved, text_model


def stage_of(text: str, folder: Path, name: str, kind: str = "rknn", file: str | None = None) -> BundleStage:
    """A stage of a model of ONNX text; rknn stages get a stand-in for their compiled file."""
    path = saved(text_model(text), folder, f"{file or name}.onnx")
    compiled = None
    if kind == "rknn":
        compiled = f"{file or name}.rknn"
        (folder / compiled).write_bytes(b"stand-in")
    view = read_view(path)
    made = BundleStage.of(view, path.name, name=name)
    return BundleStage(name, kind, path.name, compiled, made.inputs, made.outputs)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle: ids[1, 4 or 8] → h = 2·ids on the NPU → y = h + 1 on the host; shorter ids are padded with 9."""
    folder = tmp_path / "x.rk"
    folder.mkdir()
    double = "g (float[1,{n}] ids) => (float[1,{n}] h) <float two = {{2}}> {{ h = Mul(ids, two) }}"
    stages = [stage_of(double.format(n=n), folder, "double", file=f"double{n}") for n in (8, 4)]
    stages.append(
        stage_of("g (float[1,N] h) => (float[1,N] y) <float one = {1}> { y = Add(h, one) }", folder, "add", "onnx")
    )
    Bundle.create(folder, stages, target=Target(), padding=[Padding("ids", 1, 9)], crops=[Crop("y", 1, "ids", 1)])
    return folder
