"""RK179: counts of n-grams equal ONNX Runtime's, for all modes, lengths, distances and ranks; strings are refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.graph.rewrite import Refusal
from rkgraph.rules import rk179_counted_ngrams as rk179
from tests.rules.harness import context_of
from tests.rules.rewriting import fixed, operators, run

CODE = "RK179"


def model(
    pool: list[int], counts: list[int], shape: tuple[int, ...] = (2, 6), dtype: int = TensorProto.INT64, **how: object
) -> onnx.ModelProto:
    """A TfIdfVectorizer; the number of n-grams follows from the pool."""
    grams = sum(
        (end - start) // n for n, (start, end) in enumerate(zip(counts, [*counts[1:], len(pool)], strict=True), 1)
    )
    attributes = {"mode": "TF", "min_gram_length": 1, "max_gram_length": len(counts), "max_skip_count": 0, **how}
    attributes.setdefault("ngram_indexes", list(range(grams)))
    node = helper.make_node(
        "TfIdfVectorizer",
        ["x"],
        ["y"],
        name="t",
        pool_int64s=pool,
        ngram_counts=counts,
        **attributes,  # type: ignore[arg-type]
    )
    width = max(attributes["ngram_indexes"]) + 1  # type: ignore[call-overload]
    graph = helper.make_graph(
        [node],
        "counts",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*shape[:-1], width])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4, unique=True),
    st.integers(0, 7),
    st.booleans(),
    st.tuples(st.sampled_from(["TF", "IDF", "TFIDF"]), st.booleans(), st.integers(1, 2)),
)
def test_counts(
    ones: list[int],
    pairs: list[tuple[int, int]],
    skip: int,
    flat: bool,
    how: tuple[str, bool, int],
) -> None:
    mode, weighted, least = how
    pool = [*ones, *(number for pair in pairs for number in pair)]
    count = len(ones) + len(pairs)
    weights = {"weights": [0.5 + i for i in range(count)]} if weighted else {}
    shape = (9,) if flat else (3, 9)
    before = model(pool, [0, len(ones)], shape, mode=mode, max_skip_count=skip, min_gram_length=least, **weights)  # type: ignore[arg-type]
    after, _ = fixed(before, CODE)
    assert "TfIdfVectorizer" not in operators(after)
    feeds = {"x": np.random.default_rng(skip).integers(0, 5, shape)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(before, feeds)[0])


@pytest.mark.parametrize("numbers", [[5, 6, 7, 8, 6, 7], [100_000, 100_001, 7, 8, 2**40, 7]])
@pytest.mark.parametrize("dtype", [TensorProto.INT32, TensorProto.INT64])
def test_pairs_in_another_order_and_large_numbers(numbers: list[int], dtype: int) -> None:
    if dtype == TensorProto.INT32 and max(numbers) > 2**31:
        numbers = [*numbers[:4], 2**30, 7]
    before = model(numbers, [0, 0], (2, 6), dtype, ngram_indexes=[2, 0, 1], min_gram_length=2)
    after, _ = fixed(before, CODE)
    x = np.array([numbers, numbers[::-1]]).astype(helper.tensor_dtype_to_np_dtype(dtype))
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(before, {"x": x})[0])


def test_what_is_refused() -> None:
    for bad in (
        model([1, 2], [0], (1, 40_000), max_gram_length=1, weights=[1.0, 2.0], ngram_indexes=[1, 0]),
        model(list(range(2000)), [0], (1, 40_000)),
        model([1, 2, 3, 4], [0, 0], (1, 1), min_gram_length=2),
    ):
        lint = context_of(bad)
        (finding,) = rk179.check(lint)
        assert isinstance(rk179.fix(lint, finding), Refusal)


def test_strings_are_for_the_host() -> None:
    node = helper.make_node(
        "TfIdfVectorizer", ["x"], ["y"], pool_strings=["a", "b"], ngram_counts=[0], ngram_indexes=[0, 1],
        mode="TF", min_gram_length=1, max_gram_length=1, max_skip_count=0,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "strings",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    strings = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert not list(rk179.check(context_of(strings)))
