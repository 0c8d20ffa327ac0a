"""Reading logs that the real toolkits printed (`sessions/`), and lines written by hand for both sides of a pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.diagnostics import Severity
from rkgraph.toolkit.jobs import JobResult
from rkgraph.toolkit.layers import Layer
from rkgraph.toolkit.log_table import LOG_TABLE
from rkgraph.toolkit.logs import LogFacts, NoLowering, last_error, outcome_message, read_log
from tests.toolkit.conftest import SESSIONS


def facts(session: str) -> LogFacts:
    return read_log((SESSIONS / session / "log").read_text(), session.rsplit("_", 1)[1])


def codes(found: LogFacts) -> set[str]:
    return {message.code for message in found.messages if message.severity is not Severity.NOTE}


@pytest.mark.parametrize("session", ["conv_rk3588_2.3.2", "conv_rk3588_2.5.0"])
def test_layer_table(session: str) -> None:
    assert facts(session).layers == (
        Layer(0, "InputOperator", "FLOAT16", "CPU", "", "(1,3,8,6)", 0, 0, 0.0, "x"),
        Layer(1, "ConvRelu", "FLOAT16", "NPU", "(1,3,8,6),(4,3,1,1)", "(1,4,8,6)", 80, 96, 0.0, "y"),
        Layer(2, "OutputOperator", "FLOAT16", "CPU", "(1,4,8,6)", "", 0, 0, 1.0, "z"),
    )


def test_layer_table_with_one_more_column() -> None:
    layers = facts("conv_rk3576_2.3.2").layers
    assert layers[1] == Layer(
        1, "ConvRelu", "FLOAT16", "NPU", "(1,3,8,6),(4,3,1,1)", "(1,4,8,6)", 253, 96, 0.0, "y", sparse_percent=0.0
    )
    assert [(layer.name, layer.rw_kb, layer.sparse_percent) for layer in layers if layer.is_boundary] == [
        ("x", 0.0, None),
        ("z", 1.0, None),
    ]


def test_memory_totals() -> None:
    assert facts("conv_rk3588_2.3.2").memory == {"internal_kb": 1.875, "weight_kb": 2.0625}


def test_the_last_layer_table_counts() -> None:
    first, second = ((SESSIONS / name / "log").read_text() for name in ("conv_rk3588_2.3.2", "no_lowering_2.3.2"))
    assert read_log(first + second).layers == read_log(second).layers != read_log(first).layers


ROW = "D RKNN: [00:00:00.000] {:<4} {:<10} FLOAT16  NPU    (1,2)   (1,2)   1/2/2      {}\n"
TABLE = "D RKNN: [00:00:00.000]    Network Layer Information Table\n{}D RKNN: [00:00:00.000] -----\n"


@pytest.mark.parametrize(
    ("tail", "name"), [("7   Conv:a b/c", "a b/c"), ("7   Add:ns::x", "ns::x"), ("7", ""), ("7      ", "")]
)
def test_names_with_spaces_and_colons_and_none(tail: str, name: str) -> None:
    (layer,) = read_log(TABLE.format(ROW.format(3, "Conv", tail))).layers
    assert (layer.id, layer.name, layer.rw_kb) == (3, name, 7.0)


def test_rows_after_the_table_are_not_layers() -> None:
    text = TABLE.format(ROW.format(0, "Conv", "7 Conv:a")) + ROW.format(1, "Conv", "7 Conv:b")
    assert [layer.name for layer in read_log(text).layers] == ["a"]


@pytest.mark.parametrize("session", ["no_lowering_2.3.2", "no_lowering_2.5.0"])
def test_nodes_without_a_kernel(session: str) -> None:
    found = facts(session)
    assert found.no_lowering == (NoLowering("z", "Trilu"),)
    assert codes(found) == {"RK920"}


def test_a_healthy_build_says_nothing_of_weight() -> None:
    found = facts("conv_rk3588_2.3.2")
    assert found.no_lowering == ()
    assert codes(found) == set()
    assert all(message.known for message in found.messages)


@pytest.mark.parametrize(
    ("session", "code", "text"),
    [
        ("opset_20_2.3.2", "RK911", "Unsupport onnx opset 20, need <= 19!"),
        ("dynamic_shape_2.3.2", "RK912", "The input shape ['N', 3] of 'x' is not support!"),
        (
            "not_constant_2.3.2",
            "RK910",
            "The input 1 of ReduceSum('z') need to be constant! It will cause the graph to be a dynamic graph!",
        ),
        ("all_constant_2.3.2", "RK914", "All outputs ['z'] of model are constants, The model is invalid!"),
        ("bad_platform_2.3.2", "RK928", "Invalid target_platform 'rk9999'!"),
        ("no_dtype_2.3.2", "RK923", "Not Support Dtype: 2. please check precision!"),
        ("register_limit_2.5.0", "RK922", "emitUnpackRegtasks: equiv_channels(9000) > limitations(8192)"),
    ],
)
def test_what_was_recorded_has_one_code(session: str, code: str, text: str) -> None:
    found = [message for message in facts(session).messages if message.severity is not Severity.NOTE]
    assert [(message.code, message.text, message.known) for message in found] == [(code, text, True)]
    assert found[0].meaning
    assert found[0].mend


def test_warnings_that_matter() -> None:
    assert codes(facts("cpu_fallback_2.3.2")) == {"RK921"}
    (corrected,) = [m for m in facts("mask_corrected_2.3.2").messages if m.code == "RK924"]
    assert corrected.severity is Severity.WARNING
    assert "['c']" in corrected.text


LINES = {
    "RK910": "E build: The input 1 of OP('Reshape_1') need to be constant! It will cause the graph to be a …",
    "RK911": "E load_onnx: Unsupport onnx opset 20, need <= 19!",
    "RK912": "E load_onnx: The input shape ['B', 80] of 'speech' is not support!",
    "RK913": "E build: Not support input data type 'float8e4m3fn'!",
    "RK914": "E build: All outputs ['z'] of model are constants, The model is invalid!",
    "RK915": "onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented: [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : x",
    "RK916": "TypeError: Unable to handle object of type <class 'list'>",
    "RK917": "E build: The OP('Loop_1') will cause the graph to be a dynamic graph! Remove it manually",
    "RK918": "RuntimeError: assertInVersionRange: Warning: invalid version",
    "RK919": "KeyError: 'LayerNormalization'",
    "RK920": "No lowering found for: a, node type = Trilu, use CustomOperatorLower instead.",
    "RK921": "W RKNN: [10:00:00.000] Transpose will fallback to CPU, because input shape has exceeded the max limit",
    "RK922": "E RKNN: [10:00:00.000] REGTASK: The bit width of field value exceeds the limit, limit: 0x1fff",
    "RK923": "E RKNN: [10:00:00.000] Not Support Dtype: 2. please check precision!",
    "RK924": "W build: For tensor ['c'], the value smaller than … has been corrected to -10000 or 10000.",
    "RK925": "W build: The range [0, inf] of 'ReduceMean_1' is out of the float16!",
    "RK926": "E load_onnx: The Op of 'SequenceConstruct' is not supported yet, please remove it and try again!",
    "RK927": "RuntimeError: No Adapter From Version $18 for Split",
    "RK928": "E config: Invalid target_platform 'rk9999'!",
    "RK990": "E RKNN: [10:00:00.000] Unkown op target: 0",
}


def test_every_code_of_the_table_has_a_line() -> None:
    assert set(LINES) == {entry.code for entry in LOG_TABLE}


@pytest.mark.parametrize(("code", "line"), LINES.items())
def test_a_line_of_each_code(code: str, line: str) -> None:
    (message,) = read_log(line).messages
    assert (message.code, message.known, message.count) == (code, True, 1)


def test_unknown_lines_keep_their_text() -> None:
    found = read_log(
        "E build: a new error\nW RKNN: [10:00:00.000] a new warning\nW RKNN: [10:00:01.000] a new warning\n"
    )
    assert [(m.code, m.severity, m.text, m.count, m.known) for m in found.messages] == [
        ("RK901", Severity.ERROR, "a new error", 1, False),
        ("RK902", Severity.WARNING, "a new warning", 2, False),
    ]


@pytest.mark.parametrize(
    "line", ["D RKNN: [10:00:00.000] fallback to cpu", "I fallback to cpu", "", "chatter", "Edward"]
)
def test_chatter_is_no_message(line: str) -> None:
    assert read_log(line).messages == ()


def test_colours_and_progress_bars_do_not_matter() -> None:
    line = "I Loading : 0%\rI Loading : 100%\n\x1b[1;31mE\x1b[0m \x1b[1;31mbuild: something new[x]\x1b[0m\n"
    (message,) = read_log(line).messages
    assert message.text == "something new[x]"


def test_last_error() -> None:
    assert last_error("E build: first\nE RKNN: [10:00:00.000] Unkown op target: 0\nW later\n") == "first"
    assert last_error("E build: first\nE build: second\n") == "second"
    assert last_error("D fine\n") is None


@pytest.mark.parametrize(
    ("outcome", "code"), [("died", "RK903"), ("timed-out", "RK904"), ("out-of-memory", "RK905"), ("ok", None)]
)
def test_outcomes_that_are_messages(outcome: str, code: str | None) -> None:
    message = outcome_message(JobResult(outcome, "build", "SIGSEGV", "killed"))  # type: ignore[arg-type]
    assert (message and message.code) == code
    assert message is None or ("build" in message.text and "killed" in message.text)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    found = read_log(text)
    assert found.layers == ()
    assert all(message.count >= 1 for message in found.messages)
