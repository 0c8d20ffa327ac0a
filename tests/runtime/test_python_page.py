"""The programs of docs/python.md run as they stand there, on bundles that the command line writes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.cli.harness import Sandbox
from tests.tasks.tokenizers_of import write_embedder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n'
ATTENTION = """
 m = Cast<to = 1>({mask}) m3 = Unsqueeze(m, one) away = Sub(unit, m3) bias = Mul(away, low)
 k = MatMul({keys}, w) kt = Transpose<perm = [0, 2, 1]>(k) s = MatMul(e, kt) sb = Add(s, bias)
 p = Softmax<axis = -1>(sb) v = MatMul({keys}, w) a = MatMul(p, v) """
ENCODER = f"""g (int32[batch,source] input_ids, int32[batch,source] attention_mask) =>
 (float[batch,source,8] last_hidden_state) {{
 e = Gather<axis = 0>(table, input_ids) {ATTENTION.format(mask="attention_mask", keys="e")}
 last_hidden_state = Add(a, e) }}"""
DECODER = f"""g (int32[batch,target] decoder_input_ids, float[batch,source,8] encoder_hidden_states,
 int32[batch,source] encoder_attention_mask) => (float[batch,target,40] logits) {{
 e = Gather<axis = 0>(table, decoder_input_ids)
 {ATTENTION.format(mask="encoder_attention_mask", keys="encoder_hidden_states")}
 h = Add(a, e) logits = MatMul(h, head) }}"""
EMBEDDER = """g (int64[1,16] input_ids, int64[1,16] attention_mask, int64[1,16] token_type_ids) =>
 (float[1,16,8] last_hidden_state) { e = Gather<axis = 0>(table, input_ids) last_hidden_state = Relu(e) }"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    source = np.random.default_rng(4)
    weights = {
        "table": source.normal(size=(64, 8)).astype(np.float32),
        "w": source.normal(size=(8, 8)).astype(np.float32),
        "head": source.normal(size=(8, 40)).astype(np.float32),
        "one": np.array([1]),
        "unit": np.array(1, np.float32),
        "low": np.array(-1e4, np.float32),
    }
    for name, text in (("encoder", ENCODER), ("decoder", DECODER), ("embedder", EMBEDDER)):
        model = onnx.parser.parse_model(HEAD + text)
        read = {word for node in model.graph.node for word in node.input}
        model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in weights.items() if k in read)
        onnx.save(model, made.folder / f"{name}.onnx")
    (made.folder / "embedder").mkdir()
    write_embedder(made.folder / "embedder")
    pins = [f"--dim={name}" for name in ("batch=1", "source=16", "target=16")]
    for name, dims in (("encoder", pins[:2]), ("decoder", pins), ("embedder", [])):
        done = made.run("fix", f"{name}.onnx", *dims, "--proof", "local", "-o", f"{name}.rk")
        assert done.code == 0, done.stderr
    return made


def test_the_programs_of_the_page_run(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sandbox.folder)
    monkeypatch.setenv("RKGRAPH_HOME", str(sandbox.home))
    for name, text in zip(("arrays.py", "translator.py", "sentences.py"), PROGRAMS, strict=True):
        Path(name).write_text(text)
    runpy.run_path("arrays.py")
    assert "cpu" in (told := capsys.readouterr().out)
    assert "(1, 16, 8)" in told
    words = runpy.run_path("translator.py")["translation"]
    assert words[-1] == 1 or len(words) == 15
    assert all(0 <= word < 40 for word in words)
    runpy.run_path("sentences.py")
    shape, likeness = capsys.readouterr().out.splitlines()[-1].rsplit(" ", 1)
    assert shape == "(8,)"
    assert 0 < float(likeness) < 1
