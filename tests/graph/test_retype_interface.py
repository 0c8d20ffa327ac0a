"""Other dtypes at the edge of a model, as an edit: only what Casts read or make, and the numbers stay the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import RetypeInterface
from tests.rules.harness import parse
from tests.rules.rewriting import run

TEXT = """g (uint8[4] x) => (uint8[4] y)
    { f = Cast<to = 1>(x) n = Cast<to = 6>(x) s = Neg(f) a = Abs(s) m = Mul(n, n) y = Cast<to = 2>(a) }"""


def model(folder: Path, text: str = TEXT) -> Model:
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    return Model.load(path)


def test_input_and_output_take_the_dtypes_that_are_asked_for(tmp_path: Path) -> None:
    held = model(tmp_path)
    held.apply(RetypeInterface(inputs={"x": "int32"}, outputs={"y": "int64"}))
    main = held.view().main
    assert (main.value("x").dtype, main.value("y").dtype) == ("int32", "int64")
    numbers = np.array([0, 1, 200, 255])
    found = run(held.proto(weights=True), {"x": numbers.astype(np.int32)})[0]
    np.testing.assert_array_equal(found, run(TEXT, {"x": numbers.astype(np.uint8)})[0])


@pytest.mark.parametrize(
    ("text", "edit"),
    [(TEXT.replace("f = Cast<to = 1>(x)", "z = Identity(x) f = Cast<to = 1>(z)"), RetypeInterface({"x": "int32"})),
     (TEXT.replace("y = Cast<to = 2>(a)", "z = Cast<to = 2>(a) y = Identity(z)"), RetypeInterface({}, {"y": "int32"})),
     (TEXT, RetypeInterface({"f": "int32"})), (TEXT, RetypeInterface({"nothing": "int32"}))],
)  # fmt: skip
def test_what_no_cast_reads_or_makes_keeps_its_dtype(text: str, edit: RetypeInterface, tmp_path: Path) -> None:
    held = model(tmp_path, text)
    before = held.proto(weights=True)
    with pytest.raises(ValueError, match=r"dtype|no input"):
        held.apply(edit)
    assert held.proto(weights=True) == before
