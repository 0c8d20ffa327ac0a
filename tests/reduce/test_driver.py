"""From a model to a bug report, with a stand-in for the toolkit: each symptom, what is held on to, and the zip."""

from __future__ import annotations

import getpass
import io
import json
import socket
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.cli.reduce import told
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import CompileCache
from rkgraph.diagnostics import Device
from rkgraph.errors import UsageError
from rkgraph.reduce import Budget, NotShown
from rkgraph.reduce.detect import Wanted
from rkgraph.reduce.driver import Reduced, Request, reduce_to_report
from rkgraph.reduce.sanitise import without_machine
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import JobResult
from tests.builders import attention_block, dynamic_model, saved, text_model
from tests.reduce.stand_in import StandIn, crashes_on, loses, on_cpu, raises_on, spoils, works


def run(chain: StandIn, tmp_path: Path, wanted: Wanted | None = None, **more: object) -> Reduced:
    model = more.pop("model", None) or saved(attention_block(), tmp_path)
    options = {
        "model": model,
        "output": tmp_path / "repro.zip",
        "target": Target(),
        "config": BuildConfig(),
        "wanted": wanted or Wanted(),
        "shapes": {},
        "dims": {},
        "budget": Budget(),
    }
    cache = more.pop("cache", None)
    return reduce_to_report(Request(**{**options, **more}), chain, cache=cache)  # type: ignore[arg-type]


def files(tmp_path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(tmp_path / "repro.zip") as archive:
        assert all("/" not in name for name in archive.namelist())
        return {name: archive.read(name) for name in archive.namelist()}


def ops(tmp_path: Path) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(files(tmp_path)["model.onnx"]).graph.node]


def test_a_crash(tmp_path: Path) -> None:
    found = run(StandIn(crashes_on("Erf")), tmp_path)
    assert found.symptom.kind == "build"
    assert "SIGSEGV in OpEmit" in found.symptom.what
    assert ops(tmp_path) == ["Erf"]
    settings = json.loads(files(tmp_path)["reproduce.json"])
    assert (settings["kind"], settings["signal"], settings["inputs"]) == ("build", "SIGSEGV", ["x0"])


def test_an_error_is_held_to_its_words(tmp_path: Path) -> None:
    """Another operator fails in another way: no candidate may slip to it, and the log says nothing of the machine."""
    model = attention_block()
    model.graph.node[-1].op_type = "Exp"  # the last node; fails, but is not what fails first
    del model.graph.node[-1].input[1:], model.graph.node[-1].attribute[:]
    found = run(StandIn(raises_on("Erf", tmp_path)), tmp_path, model=saved(model, tmp_path))
    assert "need to be constant" in found.symptom.what
    assert ops(tmp_path) == ["Erf"]
    log = files(tmp_path)["log.txt"].decode()
    assert 'File "…/a.py", line 7' in log
    assert str(tmp_path) not in log


def test_a_lost_kernel(tmp_path: Path) -> None:
    found = run(StandIn(loses("Softmax")), tmp_path)
    assert (found.symptom.kind, found.symptom.what) == ("no-kernel", "a Softmax without a kernel")
    assert ops(tmp_path) == ["Softmax"]


def test_an_operator_on_a_device(tmp_path: Path) -> None:
    wanted = Wanted("device", "/scores_masked/Add", Device.CPU)
    found = run(StandIn(on_cpu("Add", "Mul")), tmp_path, wanted)
    assert found.symptom.what == "Add on the CPU"
    assert ops(tmp_path) == ["Add"]
    assert json.loads(files(tmp_path)["reproduce.json"])["layers"] == [["Add", "Add_0"]]


def test_wrong_numbers(tmp_path: Path) -> None:
    model = text_model("g (float[1,4] x) => (float[1,4] z) { y = Relu(x)  s = Softmax(y)  z = Mul(s, x) }")
    found = run(StandIn(works, spoils("Softmax")), tmp_path, model=saved(model, tmp_path))
    assert found.symptom.kind == "numbers"
    assert ops(tmp_path) == ["Softmax"]
    content = files(tmp_path)
    with (
        np.load(io.BytesIO(content["feeds-0.npz"])) as feeds,
        np.load(io.BytesIO(content["expected-0.npz"])) as expected,
    ):
        value = feeds["x0"]
        assert np.allclose(expected["y0"], np.exp(value) / np.exp(value).sum(-1, keepdims=True), atol=1e-6)


def test_inputs_that_the_failure_does_not_need_are_made_up(tmp_path: Path) -> None:
    """Real inputs are the user's: they go into the zip only where random ones do not show it, and it says so."""
    model = saved(text_model("g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"), tmp_path)
    real = {"x": np.full((1, 4), 3.25, np.float32)}
    always = StandIn(works, lambda _model: 3.0)
    found = run(always, tmp_path, Wanted(cases=[real]), model=model)
    assert found.reduction.outcome.record.made_up
    with np.load(io.BytesIO(files(tmp_path)["feeds-0.npz"])) as feeds:
        assert not (feeds["x0"] == 3.25).any()
    assert "feeds-N.npz, are what" not in files(tmp_path)["README.md"].decode()
    kept = run(always, tmp_path, Wanted(cases=[real]), model=model, keep_names=True)
    assert not kept.reduction.outcome.record.made_up
    assert any(line.startswith("Its inputs") for line, _ in told(kept))
    assert "feeds-N.npz, are what" in files(tmp_path)["README.md"].decode()


def test_a_crash_that_comes_and_goes(tmp_path: Path) -> None:
    """It dies in every second process only: that is found out, asked of candidates likewise, and told."""
    chain = StandIn(works)

    def judge(model: onnx.ModelProto) -> JobResult:
        return works(model) if chain.renewed % 2 else crashes_on("Erf")(model)

    chain.judge = judge
    found = run(chain, tmp_path)
    assert ops(tmp_path) == ["Erf"]
    assert (found.share.takes, found.share.steady) == (3, False)
    assert f"It is shown in {found.share}" in files(tmp_path)["README.md"].decode()
    assert json.loads(files(tmp_path)["reproduce.json"])["takes"] > 10


def test_a_reduction_that_slips_into_a_crash_that_comes_and_goes_is_made_again(tmp_path: Path) -> None:
    """An Erf after a Div dies always; one that reads anything else dies in the first processes only."""
    chain = StandIn(works)

    def judge(model: onnx.ModelProto) -> JobResult:
        makers = {name: node.op_type for node in model.graph.node for name in node.output}
        read = [makers.get(node.input[0]) for node in model.graph.node if node.op_type == "Erf"]
        dies = "Div" in read or (bool(read) and chain.renewed < 2)
        return (crashes_on("Erf") if dies else works)(model)

    chain.judge = judge
    found = run(chain, tmp_path)
    assert found.share.steady
    assert ops(tmp_path) == ["Div", "Erf"]


def test_a_sound_model_is_refused_with_what_is_right(tmp_path: Path) -> None:
    chain = StandIn(on_cpu("Softmax"), lambda _model: 0.0)
    with pytest.raises(NotShown, match=r"shows nothing to reduce; it builds.*y with cosine 1\.0") as caught:
        run(chain, tmp_path)
    assert "--for device --node /weights/Softmax --device cpu" in caught.value.hint
    with pytest.raises(NotShown, match="a build that fails; it builds and every node has a kernel"):
        run(chain, tmp_path, Wanted("build"))
    with pytest.raises(NotShown, match="without a kernel; it builds and every node has a kernel"):
        run(chain, tmp_path, Wanted("no-kernel"))
    with pytest.raises(NotShown, match="on the CPU; it builds, and the node is on the NPU"):
        run(chain, tmp_path, Wanted("device", "/inner/MatMul", Device.CPU))
    with pytest.raises(NotShown, match=r"does not show an output whose cosine .* below 0\.99"):
        run(chain, tmp_path, Wanted("numbers"))
    with pytest.raises(NotShown, match="does not build"):
        run(StandIn(crashes_on("Erf")), tmp_path, Wanted("numbers"))
    with pytest.raises(UsageError, match="no such node"):
        run(chain, tmp_path, Wanted("device", "/scores/Matmul", Device.CPU))
    assert not (tmp_path / "repro.zip").exists()


def test_dynamic_shapes_are_pinned_first(tmp_path: Path) -> None:
    model = saved(dynamic_model(), tmp_path)
    run(StandIn(crashes_on("Relu")), tmp_path, model=model, dims={"batch": 3})
    assert b"batch" not in files(tmp_path)["model.onnx"]
    with pytest.raises(UsageError, match="sise"):
        run(StandIn(crashes_on("Relu")), tmp_path, model=model, dims={"sise": 3})


def test_an_interrupted_run_goes_on_from_the_cache(tmp_path: Path) -> None:
    cache = CompileCache(tmp_path / "cache")
    first, second = StandIn(crashes_on("Erf")), StandIn(crashes_on("Erf"))
    stopped = run(first, tmp_path, cache=cache, budget=Budget(tries=8))
    assert stopped.reduction.stopped == "tries"
    done = run(second, tmp_path, cache=cache)
    assert not done.reduction.stopped
    assert done.builds == len(second.jobs)
    third = StandIn(crashes_on("Erf"))
    again = run(third, tmp_path, cache=cache)
    assert not third.jobs
    assert (again.reduction.after, again.builds) == (done.reduction.after, 0)
    assert len(second.jobs) < again.reduction.tries


def test_quantized_builds_are_calibrated(tmp_path: Path) -> None:
    chain = StandIn(crashes_on("Erf"))
    run(chain, tmp_path, target=Target(precision="w8a8"))
    assert all(job.build["do_quantization"] and job.config["quantized_dtype"] == "w8a8" for job in chain.jobs)
    assert all("dataset" in job.build for job in chain.jobs)
    assert "feeds-0.npz" in files(tmp_path)


def test_options_for_each_input_are_left_out(tmp_path: Path) -> None:
    chain = StandIn(crashes_on("Erf"))
    config = BuildConfig(mean_values=((0.0,), (0.0,)), optimization_level=2)
    run(chain, tmp_path, config=config)
    assert all(dict(job.config) == {"optimization_level": 2} for job in chain.jobs)


def test_the_zip(tmp_path: Path) -> None:
    found = run(StandIn(loses("Softmax")), tmp_path)
    content = files(tmp_path)
    assert content.keys() == {
        "model.onnx", "model.txt", "log.txt", "versions.json", "command.txt", "reproduce.py", "reproduce.json",
        "README.md",
    }  # fmt: skip
    onnx.checker.check_model(onnx.load_from_string(content["model.onnx"]), full_check=True)
    assert onnx.parser.parse_model(content["model.txt"].decode()).graph.node[0].op_type == "Softmax"
    assert json.loads(content["versions.json"])["rknn-toolkit2"] == "2.3.2"
    text = content["README.md"].decode()
    assert "shows a Softmax without a kernel" in text
    assert f"| nodes | {found.reduction.before.nodes} | 1 |" in text
    whole = b"".join(content.values()).decode(errors="replace")
    assert str(tmp_path) not in whole
    assert str(Path.home()) + "/" not in whole
    assert "scores_masked" not in whole
    before = (tmp_path / "repro.zip").read_bytes()
    run(StandIn(loses("Softmax")), tmp_path)
    assert (tmp_path / "repro.zip").read_bytes() == before


def test_a_log_tells_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "mallory")
    monkeypatch.setattr(socket, "gethostname", lambda: "board-farm-7")
    log = (
        f'\x1b[31mE\x1b[0m File "/opt/secret/place/graph.py", line 3, in f\n'
        f"wrote {tmp_path}/job-3/cwd/check.onnx and {tmp_path}\n"
        f"{Path.home()}/models/best.onnx by mallory on board-farm-7, not mallory2\n"
        "/encoder/layer.0/MatMul is a node"
    )
    clean = without_machine(log, [tmp_path])
    assert clean == (
        'E File "…/graph.py", line 3, in f\n'
        "wrote …/check.onnx and …\n"
        "…/best.onnx by … on …, not mallory2\n"
        "/encoder/layer.0/MatMul is a node"
    )
