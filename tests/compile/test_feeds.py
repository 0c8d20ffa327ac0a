"""Generated inputs make sense: row numbers inside their table, masks of ones and zeros, everything repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.tensors import tensors_of
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from tests.builders import saved, text_model

MODEL = """g (int64[1,6] ids, int64[1,6] mask, float[1,6] soft, bool[6] flags, float[2,3] x) => (
 float[1,6,2] e, float[1,6] m, float[1,6] s, bool[6] f, float[2,3] y)
<float[5,2] table = {0,1,2,3,4,5,6,7,8,9}, float one = {1}> {
 same = Identity(ids) e = Gather(table, same) m = Cast<to=1>(mask) s = Sub(one, soft) f = Not(flags) y = Relu(x) }"""


def feeds(folder: Path, seed: int = 0) -> dict[str, np.ndarray]:
    graph = read_view(saved(text_model(MODEL), folder)).main
    return generate_feeds(graph, tensors_of(graph)[0], seed)


def test_values_have_the_range_that_the_graph_asks_for(tmp_path: Path) -> None:
    found = [feeds(tmp_path, seed) for seed in range(20)]
    rows = np.concatenate([each["ids"].ravel() for each in found])
    assert (rows.min(), rows.max()) == (0, 4)
    for name in ("mask", "soft", "flags"):
        for each in found:
            array = each[name].astype(int).ravel()
            assert set(array) <= {0, 1}
            assert array[0] == 1
            assert (np.diff(array) <= 0).all(), "ones, then zeros"
    assert any(not each["mask"].all() for each in found), "some are padded"
    assert np.abs(np.concatenate([each["x"].ravel() for each in found])).max() > 1


def test_shapes_and_dtypes_are_those_of_the_inputs_and_seeds_decide(tmp_path: Path) -> None:
    once, again, other = feeds(tmp_path), feeds(tmp_path), feeds(tmp_path, 1)
    assert {name: (array.dtype.name, array.shape) for name, array in once.items()} == {
        "ids": ("int64", (1, 6)),
        "mask": ("int64", (1, 6)),
        "soft": ("float32", (1, 6)),
        "flags": ("bool", (6,)),
        "x": ("float32", (2, 3)),
    }
    assert all(np.array_equal(once[name], again[name]) for name in once)
    assert not np.array_equal(once["x"], other["x"])


def test_dynamic_inputs_cannot_be_made_up(tmp_path: Path) -> None:
    graph = read_view(saved(text_model("g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }"), tmp_path)).main
    with pytest.raises(UsageError, match="Nx3 is not fixed"):
        generate_feeds(graph, tensors_of(graph)[0])
