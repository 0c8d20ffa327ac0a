"""Exporting: what is refused before anything starts, and (with torch) what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rkgraph.cli.common import home_folder
from rkgraph.errors import RkgraphError, UsageError
from rkgraph.export import process
from rkgraph.export import sentence_transformer as subject
from rkgraph.export.folder import read_embedder
from rkgraph.export.process import ExportFailed
from rkgraph.export.sentence_transformer import TOLERANCE, export
from rkgraph.toolkit.managed_torch import managed_torch
from tests.export.embedders import put, write_settings, write_tiny_bert


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks complete, with weights that are none."""
    write_settings(tmp_path / "source")
    (tmp_path / "source/model.safetensors").write_bytes(b"\0")
    return tmp_path / "source"


def export_here(source: Path, output: Path, **options: Any) -> subject.Exported:
    """Export as the command does: with this interpreter, and the toolkits' torch where it has none."""
    return export(source, output, torch_folder=managed_torch(home_folder()), **options)


def worker_that_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a stand-in for the worker file: a script that gets the request as `request` and may call `tell`."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, sys, os\nrequest = json.load(open(sys.argv[1]))\n"
        "def tell(**message): print(json.dumps(message), flush=True)\n" + body
    )
    monkeypatch.setattr(process, "WORKER", script)


@pytest.mark.parametrize(
    ("length", "message"), [(65, "positions for 64 tokens only"), (1, "at least 2 tokens"), (-3, "at least 2 tokens")]
)
def test_impossible_lengths(folder: Path, tmp_path: Path, length: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        export(folder, tmp_path / "out/m.onnx", max_seq_length=length)
    assert not (tmp_path / "out").exists()


def test_pickled_weights_are_not_loaded(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match="no weights in safetensors"):
        export(folder, tmp_path / "out/m.onnx")


def test_a_relative_output_and_words_on_stderr(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_that_says(tmp_path, monkeypatch, "sys.exit('the worker said this')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportFailed, match="the worker said this"):
        export(folder, Path("out/m.onnx"))


@pytest.mark.parametrize(("name", "message"), [("m.rknn", r"ends in \.onnx"), ("folder.onnx", "is a folder")])
def test_outputs_that_cannot_be(folder: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(UsageError, match=message):
        export(folder, tmp_path / name)


def test_files_of_another_model_are_never_overwritten(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "out/config.json", {"somebody": "else's"})
    before = (tmp_path / "out/config.json").read_bytes()
    with pytest.raises(UsageError, match=r"config\.json: is in the way"):
        export(folder, tmp_path / "out/m.onnx")
    assert (tmp_path / "out/config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("tell(error={'kind': 'missing', 'message': 'torch'})", UsageError, "torch is not installed"),
        ("tell(error={'kind': 'model', 'message': 'KeyError'})", UsageError, "transformers cannot load it: KeyError"),
        ("tell(error={'kind': 'export', 'message': 'Boom'})", ExportFailed, "Boom"),
        ("tell(step='a'); os.abort()", ExportFailed, "ended with code -6"),
        ("sys.exit('no such thing')", ExportFailed, "ended with code 1: no such thing"),
        ("tell(done={}); sys.exit(3)", ExportFailed, "ended with code 3"),
    ],
)
def test_what_the_exporting_process_says_becomes_one_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, kind: type[RkgraphError], message: str
) -> None:
    tmp_path = folder.parent
    worker_that_says(tmp_path, monkeypatch, body)
    with pytest.raises(kind, match=message):
        export(folder, tmp_path / "out/m.onnx")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_model_that_differs_from_torch_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        "import onnx, numpy as np\nfrom onnx import helper as h\n"
        "info = [h.make_tensor_value_info(n, 1, ['b', 's']) for n in ('input_ids', 'last_hidden_state')]\n"
        "graph = h.make_graph([h.make_node('Neg', ['input_ids'], ['last_hidden_state'])], 'g', info[:1], info[1:])\n"
        "onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid('', 17)], ir_version=8), request['output'])\n"
        "x = np.ones((2, 3), np.float32)\n"
        "np.savez(request['references'], **{'0/input_ids': x, '0/last_hidden_state': -x + ERROR})\n"
        "tell(done={'inputs': ['input_ids'], 'torch': '0', 'transformers': '0'})\n"
    )
    worker_that_says(tmp_path, monkeypatch, body.replace("ERROR", str(TOLERANCE * 1.01)))
    with pytest.raises(ExportFailed, match=r"differs from torch by 0\.001.* 2 x 3 tokens"):
        export(folder, tmp_path / "out/m.onnx")
    assert list((tmp_path / "out").iterdir()) == []
    worker_that_says(tmp_path, monkeypatch, body.replace("ERROR", str(TOLERANCE * 0.9)))
    monkeypatch.chdir(tmp_path)  # paths as users type them
    assert export(Path("source"), Path("out/m.onnx")).largest_error == pytest.approx(TOLERANCE * 0.9, rel=1e-3)
    worker_that_says(tmp_path, monkeypatch, body.replace("ERROR", "np.nan"))
    with pytest.raises(ExportFailed, match="differs from torch by nan"):
        export(folder, tmp_path / "out/m.onnx")


def test_an_interpreter_that_is_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be run"):
        export(folder, tmp_path / "out/m.onnx", python=tmp_path / "no/python")


@pytest.mark.parametrize("length", [2, 3, 24])
def test_the_compared_batches_fit_the_length(length: int) -> None:
    for dynamic in (True, False):
        cases = subject._cases(length, dynamic)
        assert all(1 <= tokens <= length for case in cases for tokens in case)
        assert max(max(case) for case in cases) == length


@pytest.mark.torch
@pytest.mark.parametrize("exporter", ["legacy", "dynamo"])
@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_tiny_bert_by_both_exporters(tmp_path: Path, exporter: str, dynamic: bool, attention: str) -> None:
    import onnx

    source = write_tiny_bert(tmp_path / "source")
    output = tmp_path / "out/model.onnx"
    options: dict[str, Any] = {"exporter": exporter, "dynamic": dynamic, "attention": attention}
    steps: list[str] = []
    done = export_here(source, output, on_progress=steps.append, **options)
    assert done.largest_error < TOLERANCE
    assert done.inputs == ("input_ids", "attention_mask", "token_type_ids")
    model = onnx.load(output)
    onnx.checker.check_model(model)
    assert done.opset == model.opset_import[0].version
    assert exporter == "dynamo" or done.opset == 17
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == (["batch", "sequence"] if dynamic else [1, 24])
    assert read_embedder(output.parent).max_seq_length == 24
    assert (output.parent / "tokenizer.json").is_file()
    assert "comparing with torch" in steps
    assert not list(tmp_path.rglob(".rkgraph-export-*"))


@pytest.mark.torch
def test_the_longest_sequence_is_written_beside_the_model(tmp_path: Path) -> None:
    source = write_tiny_bert(tmp_path / "source")
    export_here(source, tmp_path / "out/model.onnx", max_seq_length=64, opset=14)
    assert read_embedder(tmp_path / "out").max_seq_length == 64


@pytest.mark.torch
def test_weights_that_are_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="transformers cannot load it"):
        export_here(folder, tmp_path / "out/model.onnx")
