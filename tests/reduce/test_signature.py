"""The same failure is the same whatever nodes are called and however large they are, and no other failure is."""

from __future__ import annotations

import pytest

from rkgraph.reduce.signature import Failure, innermost_frames, names_in, running_pass, same_words, words_of
from tests.builders import text_model

NAMES = {"data", "output", "/encoder/Conv_12", "axes"}
NEW = {"x0", "y0", "Conv_0", "w0"}

SAME = [
    ("The input 1 of ReduceSum('data') need to be constant!", "The input 1 of ReduceSum('x0') need to be constant!"),
    ("The input 1 of Pad('/encoder/Conv_12') is bad", "The input 2 of Pad('Conv_0') is bad"),
    ("KeyError: 'data_rs_pow_rs_mm'", "KeyError: 'y0_rs'"),
    ("The input shape [1, 3, 'batch'] of 'data' is not support!", "The input shape [0] of 'x0' is not support!"),
    ("All outputs ['output'] of model are constants", "All outputs ['y0', 'y1'] of model are constants"),
    ("unsupported elemtype: 8, uniquename: output-rs", "unsupported elemtype: 8, uniquename: y0-rs"),
    ("unsupported elemtype: 8, uniquename: output", "unsupported elemtype: 8, uniquename: y0"),
    ("set shape = [1] fail, ori_shape = [1, 2, 2]", "set shape = [1] fail, ori_shape = [1, 1]"),
]
OTHER = [
    ("The input 1 of ReduceSum('data') need to be constant!", "The input 1 of Pad('x0') need to be constant!"),
    ("KeyError: 'epsilon'", "KeyError: 'axis'"),
    ("KeyError: 'epsilon'", "KeyError: 'x0'"),
    (
        "AttributeError: 'NoneType' object has no attribute 'shape'",
        "AttributeError: 'int' object has no attribute 'shape'",
    ),
    ("it failed", "it failed here"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_names_numbers_and_lists_do_not_matter(first: str, second: str) -> None:
    assert same_words(words_of(first, NAMES), words_of(second, NEW))


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_all_other_words_do(first: str, second: str) -> None:
    assert not same_words(words_of(first, NAMES), words_of(second, NEW))


def test_a_word_of_the_message_that_is_also_a_name() -> None:
    """ "output" is a name in the first model and none in the second, and stands in the message of both."""
    first, second = words_of("bad output of data", NAMES), words_of("bad output of x0", NEW)
    assert same_words(first, second)


def test_names_are_those_of_subgraphs_too() -> None:
    model = text_model("""
        g (bool c, float[2] x) => (float[2] y) {
            y = If (c) <
                then_branch = a () => (float[2] t) { t = Relu(x) }, else_branch = b () => (float[2] e) { e = Neg(x) }
            >
        }""")
    assert names_in(model) == {"c", "x", "y", "t", "e"}


LOG = """D RKNN: [06:40:56.613] >>>>>> start: rknn::RKNNTileGroupConv
D RKNN: [06:40:56.613] <<<<<<<< end: rknn::RKNNTileGroupConv
D RKNN: [06:40:56.613] >>>>>> start: OpEmit
D RKNN: [06:40:56.613] finish init
"""


def test_the_pass_that_ran_when_it_died() -> None:
    assert running_pass(LOG) == "OpEmit"
    assert not running_pass(LOG + "D RKNN: [06:40:56.614] <<<<<<<< end: OpEmit\n")


TRACE = """Traceback (most recent call last):
  File "rknn/api/rknn_log.py", line 344, in f
E build: Traceback (most recent call last):
  File "rknn/api/graph_optimizer.py", line 2181, in rknn.api.graph_optimizer.fuse_ops
  File "/home/x/norm.py", line 2333, in rknn.api.rules.norm
  File "rknn/api/ir_graph.py", line 925, in rknn.api.ir_graph.IRGraph.get_attr
  File "rknn/api/ir_graph.py", line 9, in rknn.api.ir_graph.IRGraph.get_attr
KeyError: 'LayerNormalization'
"""


def test_the_innermost_frames_of_the_last_trace() -> None:
    assert innermost_frames(TRACE) == ("norm.py:2333", "ir_graph.py:925", "ir_graph.py:9")
    assert innermost_frames("no trace") == ()


def test_a_failure_is_its_stage_signal_place_and_words() -> None:
    words = words_of("KeyError: 'a'", ())
    failure = Failure("build-failed", "build", None, "", ("norm.py:1",), words)
    assert failure.matches(failure)
    others = [
        Failure("load-failed", "load", None, "", ("norm.py:1",), words),
        Failure("died", "build", "SIGSEGV", "", ("norm.py:1",), words),
        Failure("build-failed", "build", None, "", ("norm.py:2",), words),
        Failure("build-failed", "build", None, "OpEmit", ("norm.py:1",), words),
        Failure("build-failed", "build", None, "", ("norm.py:1",), words_of("KeyError: 'b'", ())),
    ]
    assert not any(failure.matches(other) for other in others)
