"""Pipelines: buckets, padding that is told, refusals, the choice of a backend, and the board's API by a stand-in."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rkgraph.compile.cache import CompileCache
from rkgraph.compile.manifest import Bundle, BundleStage
from rkgraph.errors import ModelError, ToolkitFailed, ToolkitMissing, UsageError
from rkgraph.results import TensorInfo
from rkgraph.runtime import Pipeline
from rkgraph.runtime.fitting import Padded
from rkgraph.targets import Target
from rkgraph.toolkit.locate import Toolkit
from rkgraph.toolkit.replay import replay_toolkit
from tests.builders import saved, text_model
from tests.compile.conftest import recorded_model
from tests.runtime.conftest import stage_of
from tests.runtime.test_rknn_header import rknn
from tests.toolkit.conftest import SESSIONS


def no_toolkit(version: str) -> Toolkit:
    raise ToolkitMissing(f"rknn-toolkit2 {version} is not installed")


def ids(*values: float) -> dict[str, np.ndarray]:
    return {"ids": np.array([values], np.float32)}


@pytest.mark.parametrize(("length", "bucket"), [(1, 4), (3, 4), (4, 4), (5, 8), (8, 8)])
def test_the_smallest_bucket_that_fits_runs_and_padding_is_told(folder: Path, length: int, bucket: int) -> None:
    with Pipeline(folder, "cpu") as pipeline:
        run = pipeline.run(ids(*range(length)))
    assert run.outputs["y"].tolist() == [[2 * i + 1 for i in range(length)]]
    told = () if length == bucket else (Padded("ids", 1, length, bucket),)
    assert run.padded == told
    assert [each.share for each in told] == ([] if length == bucket else [1 - length / bucket])


def test_many_cases_of_different_buckets_keep_their_order(folder: Path) -> None:
    cases = [ids(*range(n)) for n in (8, 2, 5, 4)]
    with Pipeline(folder, "cpu") as pipeline:
        runs = pipeline.run_many(cases)
        assert pipeline.run_many([]) == []
    assert [run.outputs["y"].shape[1] for run in runs] == [8, 2, 5, 4]


def test_the_padding_value_is_that_of_the_rule(folder: Path) -> None:
    bundle = Bundle.read(folder)
    replace(bundle, crops=()).write()
    with Pipeline(folder, "cpu") as pipeline:
        assert pipeline(ids(1, 2, 3))["y"].tolist() == [[3, 5, 7, 19]]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "nothing is given for input ids"),
    ({"idz": np.zeros((1, 4), np.float32)}, "did you mean ids"),
    ({**ids(1), "more": np.zeros(1)}, "more is not an input"),
    ({"ids": np.zeros((1, 4), np.int64)}, "int64, the model takes float32"),
    (ids(*range(9)), "1x9, the model takes 1x8"),
    ({"ids": np.zeros((2, 4), np.float32)}, "2x4"),
    ({"ids": np.zeros((4,), np.float32)}, "is 4, the model takes"),
    ({"ids": np.zeros((1, 0), np.float32)}, "1x0"),
]


@pytest.mark.parametrize(("feeds", "said"), REFUSED)
def test_what_does_not_fit_is_refused(folder: Path, feeds: dict[str, Any], said: str) -> None:
    with Pipeline(folder, "cpu") as pipeline, pytest.raises(UsageError) as refused:
        pipeline.run(feeds)
    assert said in str(refused.value)


def test_nothing_is_padded_without_a_rule(folder: Path) -> None:
    replace(Bundle.read(folder), padding=(), crops=()).write()
    with Pipeline(folder, "cpu") as pipeline, pytest.raises(UsageError, match="1x3"):
        pipeline.run(ids(1, 2, 3))


def test_an_onnx_model_and_what_is_none(tmp_path: Path) -> None:
    model = saved(text_model("g (float[1,3] x) => (float[1,3] y) { y = Neg(x) }"), tmp_path)
    with Pipeline(model, find_toolkit=no_toolkit) as pipeline:
        assert (pipeline.backend, pipeline.why) == ("cpu", "it is not compiled")
        assert pipeline({"x": np.ones((1, 3), np.float32)})["y"].tolist() == [[-1, -1, -1]]
    (tmp_path / "model.txt").write_text("x")
    (tmp_path / "bad.onnx").write_bytes(b"\xff\xff\xff")
    for name, error in (("absent", UsageError), ("model.txt", ModelError), ("bad.onnx", ModelError), (".", UsageError)):
        with pytest.raises(error):
            Pipeline(tmp_path / name)


def test_normalisation_and_layout_of_the_build_are_kept(tmp_path: Path) -> None:
    stage = stage_of("g (float[1,2,1,3] x) => (float[1,2,1,3] y) { y = Identity(x) }", tmp_path, "m")
    options = {"mean_values": [[1, 2]], "std_values": [[2, 4]], "input_layout": "nhwc"}
    bundle = Bundle(tmp_path, (stage,), stage.inputs, stage.outputs, Target(), options=options)
    bundle.write()
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 3, 2)
    with Pipeline(tmp_path, "cpu") as pipeline:
        assert pipeline.inputs[0].shape == (1, 1, 3, 2)
        y = pipeline({"x": x})["y"]
        with pytest.raises(UsageError):
            pipeline({"x": x.transpose(0, 3, 1, 2)})
    assert np.array_equal(y[0, 0, 0], (x[0, 0, :, 0] - 1) / 2)
    assert np.array_equal(y[0, 1, 0], (x[0, 0, :, 1] - 2) / 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mean_values": [[1, 2]]}, "2 values for input ids, which has 4 channels"),
        ({"mean_values": [[1], [2]]}, "2 lists"),
        ({"mean_values": "x"}, "mean_values"),
        ({"evil": 1}, "evil"),
    ],
)
def test_options_of_a_manifest_are_not_trusted(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    stage = stage_of("g (float[1,4] ids) => (float[1,4] y) { y = Neg(ids) }", tmp_path, "m")
    Bundle(tmp_path, (stage,), stage.inputs, stage.outputs, Target(), options=options).write()
    with pytest.raises(UsageError, match=said):
        Pipeline(tmp_path, "cpu")


# ---------------------------------------------------------------- the choice of a backend


def test_auto_takes_the_best_that_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = Toolkit("2.3.2", Path(sys.executable))
    with Pipeline(folder, find_toolkit=no_toolkit) as pipeline:
        assert pipeline.backend == "cpu"
        assert "neither" in pipeline.why
    with Pipeline(folder, find_toolkit=lambda _version: installed) as pipeline:
        assert pipeline.backend == "simulator"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "rknnlite" or None)
    with Pipeline(folder, find_toolkit=no_toolkit) as pipeline:
        assert (pipeline.backend, pipeline.why) == ("board", "rknn-toolkit-lite2 is installed")
    bundle = Bundle.read(folder)
    stages = tuple(replace(stage, model=None) for stage in bundle.stages)
    replace(bundle, stages=stages).write()
    with Pipeline(folder, find_toolkit=no_toolkit) as pipeline:
        assert pipeline.backend == "cpu"


def test_a_bare_rknn_needs_the_board(tmp_path: Path) -> None:
    (tmp_path / "m.rknn").write_bytes(rknn())
    with pytest.raises(UsageError, match="only the board runs") as refused:
        Pipeline(tmp_path / "m.rknn")
    assert "-o FOLDER.rk" in refused.value.hint
    feeds = {"ids": np.zeros((1, 8), np.int64), "mask": np.zeros((1, 8), np.int64)}
    for backend in ("cpu", "simulator"):
        with Pipeline(tmp_path / "m.rknn", backend) as pipeline, pytest.raises(UsageError, match="ONNX model"):
            pipeline.run(feeds)


def test_unknown_backends_and_masks(folder: Path) -> None:
    with pytest.raises(UsageError, match="gpu"):
        Pipeline(folder, "gpu")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="core mask"):
        Pipeline(folder, "board", core_mask="3")


# ---------------------------------------------------------------- the simulator


def test_the_simulator_builds_the_source_and_keeps_what_it_gave(tmp_path: Path) -> None:
    model = recorded_model("conv_rk3588_2.3.2", tmp_path)
    stage = BundleStage(
        "m", "rknn", model.name, None, (TensorInfo("x", "float32", (1, 3, 8, 6)),), (TensorInfo("z", "float32", None),)
    )
    Bundle.create(tmp_path, [stage], target=Target())
    feeds = {"x": np.ones((1, 3, 8, 6), np.float32)}
    asked: list[str] = []

    def find(version: str) -> Toolkit:
        asked.append(version)
        return replay_toolkit(SESSIONS / "conv_rk3588_2.3.2")

    cache = CompileCache(tmp_path / "cache")
    with Pipeline(tmp_path, "simulator", find_toolkit=find, cache=cache) as pipeline:
        first = pipeline(feeds)["z"]
    assert asked == ["2.3.2"]
    with Pipeline(tmp_path, "simulator", find_toolkit=no_toolkit, cache=cache) as pipeline:
        assert np.array_equal(pipeline(feeds)["z"], first)
        with pytest.raises(ToolkitMissing):
            pipeline({"x": np.zeros((1, 3, 8, 6), np.float32)})


def test_the_simulator_says_why_it_cannot(tmp_path: Path) -> None:
    model = recorded_model("not_constant_2.3.2", tmp_path)
    view = Bundle.create(tmp_path, [BundleStage("m", "rknn", model.name, None, (), ())], target=Target())
    find = lambda _version: replay_toolkit(SESSIONS / "not_constant_2.3.2")  # noqa: E731
    stage = replace(view.stages[0], inputs=(TensorInfo("x", "float32", (1,)),), outputs=(TensorInfo("y", None, None),))
    Bundle.create(tmp_path, [stage], target=Target())
    feeds = {"x": np.ones(1, np.float32)}
    with Pipeline(tmp_path, "simulator", find_toolkit=find) as pipeline, pytest.raises(ToolkitFailed) as failed:
        pipeline(feeds)
    assert "need to be constant" in failed.value.message
    Bundle.create(tmp_path, [stage], target=Target(precision="w8a8"))
    with Pipeline(tmp_path, "simulator", find_toolkit=find) as pipeline, pytest.raises(UsageError, match="no samples"):
        pipeline(feeds)


# ---------------------------------------------------------------- the board, by a stand-in with the recorded API


class FakeLite:
    """`rknnlite.api.RKNNLite` of 2.3.2 as far as it is used; doubles its inputs."""

    NPU_CORE_AUTO, NPU_CORE_0, NPU_CORE_1, NPU_CORE_2 = 0, 1, 2, 4
    NPU_CORE_0_1, NPU_CORE_0_1_2, NPU_CORE_ALL = 3, 7, 0xFFFF
    codes: dict[str, int]
    calls: list[Any]

    def __init__(self, verbose: bool = False, verbose_file: str | None = None) -> None:
        self.calls.append("new")

    def load_rknn(self, path: str) -> int:
        self.calls.append(("load", Path(path).name))
        return self.codes.get("load", 0)

    def init_runtime(
        self, target: Any = None, device_id: Any = None, async_mode: bool = False, core_mask: int = 0
    ) -> int:
        self.calls.append(("init", core_mask))
        return self.codes.get("init", 0)

    def inference(
        self, inputs: Any, data_type: Any = None, data_format: Any = None, inputs_pass_through: Any = None
    ) -> list[np.ndarray] | None:
        self.calls.append(("inference", data_format))
        return None if "inference" in self.codes else [2 * each for each in inputs]

    def release(self) -> None:
        self.calls.append("release")


@pytest.fixture
def lite(monkeypatch: pytest.MonkeyPatch) -> type[FakeLite]:
    fresh: dict[str, Any] = {"codes": {}, "calls": []}
    made: type[FakeLite] = type("Lite", (FakeLite,), fresh)
    package, api = types.ModuleType("rknnlite"), types.ModuleType("rknnlite.api")
    api.RKNNLite = made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rknnlite", package)
    monkeypatch.setitem(sys.modules, "rknnlite.api", api)
    return made


def test_the_board_runs_rknn_stages_and_the_host_the_others(folder: Path, lite: type[FakeLite]) -> None:
    with Pipeline(folder, "board", core_mask="0_1_2") as pipeline:
        assert pipeline(ids(1, 2))["y"].tolist() == [[3, 5]]
        assert pipeline(ids(3, 4))["y"].tolist() == [[7, 9]]
    assert lite.calls == [
        "new",
        ("load", "double4.rknn"),
        ("init", 7),
        ("inference", None),
        ("inference", None),
        "release",
    ]


def test_4d_inputs_are_told_to_be_nchw(tmp_path: Path, lite: type[FakeLite]) -> None:
    stage = stage_of("g (float[1,2,1,3] x) => (float[1,2,1,3] y) { y = Add(x, x) }", tmp_path, "m")
    Bundle.create(tmp_path, [stage])
    with Pipeline(tmp_path, "board") as pipeline:
        pipeline({"x": np.ones((1, 2, 1, 3), np.float32)})
    assert ("inference", ["nchw"]) in lite.calls


@pytest.mark.parametrize(
    ("call", "said"), [("load", "load_rknn"), ("init", "init_runtime"), ("inference", "0 outputs")]
)
def test_error_codes_become_errors_and_the_npu_is_released(
    folder: Path, lite: type[FakeLite], call: str, said: str
) -> None:
    lite.codes[call] = -1
    with Pipeline(folder, "board") as pipeline, pytest.raises(ToolkitFailed, match=said):
        pipeline(ids(1, 2))
    assert lite.calls.count("new") == lite.calls.count("release") == 1


def test_a_bare_rknn_runs_on_the_board(tmp_path: Path, lite: type[FakeLite]) -> None:
    (tmp_path / "m.rknn").write_bytes(rknn())
    feeds = {"ids": np.ones((1, 8), np.int64), "mask": np.ones((1, 8), np.int64)}
    with Pipeline(tmp_path / "m.rknn", "board") as pipeline, pytest.raises(ToolkitFailed, match="2 outputs, not 1"):
        pipeline(feeds)  # the stand-in gives back one array for each of the two inputs


def test_without_lite_or_compiled_model_the_board_is_refused(folder: Path, lite: type[FakeLite]) -> None:
    bundle = Bundle.read(folder)
    replace(bundle, stages=tuple(replace(stage, model=None) for stage in bundle.stages)).write()
    with Pipeline(folder, "board") as pipeline, pytest.raises(UsageError, match="not compiled"):
        pipeline(ids(1))
    bundle.write()
    sys.modules["rknnlite.api"] = None  # type: ignore[assignment]
    with Pipeline(folder, "board") as pipeline, pytest.raises(ToolkitMissing, match="cannot be imported"):
        pipeline(ids(1))
