"""Calibration samples: every form that users have, and what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.calibration import Samples, pack, read_calibration, require_calibration, write_dataset
from rkgraph.errors import UsageError
from rkgraph.results import TensorInfo
from rkgraph.targets import Target

A = TensorInfo("a", "float32", (1, 4))
B = TensorInfo("b", "int64", (2,))
BOTH = (A, B)


def one(value: float) -> np.ndarray:
    return np.full((1, 4), value, np.float32)


def values(samples: Samples) -> list[list[float]]:
    return [[float(item.ravel()[0]) for item in row if isinstance(item, np.ndarray)] for row in samples.rows]


def test_npz_of_one_of_many_and_of_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, a=one(1), b=np.array([7, 7]))
    assert values(read_calibration(path, BOTH)) == [[1, 7]]
    np.savez(path, a=np.stack([one(1), one(2)]), b=np.array([[7, 7], [8, 8]]))
    assert values(read_calibration(path, BOTH)) == [[1, 7], [2, 8]]
    np.savez(path, a=np.concatenate([one(1), one(2), one(3)]))
    samples = read_calibration(path, (A,))
    assert values(samples) == [[1], [2], [3]]
    assert all(item.shape == (1, 4) for row in samples.rows for item in row if isinstance(item, np.ndarray))


def test_folders(tmp_path: Path) -> None:
    for number in (2, 1):
        np.savez(tmp_path / f"{number}.npz", a=one(number), b=np.array([0, 0]))
    assert values(read_calibration(tmp_path, BOTH)) == [[1, 0], [2, 0]]
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    np.save(arrays / "a.npy", np.stack([one(1), one(2)]))
    np.save(arrays / "b.npy", np.array([[7, 7], [8, 8]]))
    assert values(read_calibration(arrays, BOTH)) == [[1, 7], [2, 8]]
    single = tmp_path / "single"
    single.mkdir()
    np.save(single / "0.npy", one(5))
    np.save(single / "1.npy", one(6))
    assert values(read_calibration(single, (A,))) == [[5], [6]]


def test_lists(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", one(3))
    np.save(tmp_path / "b.npy", np.array([9, 9]))
    np.savez(tmp_path / "s.npz", a=one(4), b=np.array([1, 1]))
    (tmp_path / "cat.jpg").write_bytes(b"jpeg")
    (tmp_path / "list.txt").write_text("a.npy b.npy\n\ns.npz\ncat.jpg b.npy\n")
    samples = read_calibration(tmp_path / "list.txt", BOTH)
    assert values(samples) == [[3, 9], [4, 1], [9]]
    assert samples.rows[2][0] == (tmp_path / "cat.jpg").resolve()


def test_lists_of_images_with_comments_and_spaces(tmp_path: Path) -> None:
    images = tmp_path / "my images"
    images.mkdir()
    for name in ("b c.png", "a.JPG"):
        (images / name).write_bytes(b"image")
    (tmp_path / "list.txt").write_text(f"# what the camera saw\n\n  my images/b c.png\n{images}/a.JPG\n")
    found = [[images / "b c.png"], [images / "a.JPG"]]
    assert [list(row) for row in read_calibration(tmp_path / "list.txt", (A,)).rows] == found
    assert [list(row) for row in read_calibration(images, (A,)).rows] == [[images / "a.JPG"], [images / "b c.png"]]
    with pytest.raises(UsageError, match="has images, and the model 2 inputs"):
        read_calibration(images, BOTH)


def test_the_dataset_is_what_the_toolkit_reads(tmp_path: Path) -> None:
    (tmp_path / "my cat.jpg").write_bytes(b"jpeg")
    (tmp_path / "sub").mkdir()
    samples = Samples(((one(1), np.array([7, 7])), (tmp_path / "my cat.jpg", np.array([8, 8]))))
    dataset = write_dataset(samples, tmp_path / "sub")
    lines = [line.split() for line in dataset.read_text().splitlines()]
    assert [len(line) for line in lines] == [2, 2]
    assert np.array_equal(np.load(lines[0][0]), one(1))
    assert Path(lines[1][0]).read_bytes() == b"jpeg"


def test_samples_are_kept_with_a_bundle_unless_they_are_images(tmp_path: Path) -> None:
    samples = Samples(((one(1), np.array([7, 7])), (one(2), np.array([8, 8]))))
    assert pack(samples, BOTH, tmp_path / "c.npz")
    assert read_calibration(tmp_path / "c.npz", BOTH).digest == samples.digest
    assert not pack(Samples(((tmp_path / "x.jpg", np.array([8, 8])),)), BOTH, tmp_path / "d.npz")
    assert not (tmp_path / "d.npz").exists()


def test_the_digest_sees_values_shapes_dtypes_and_order() -> None:
    rows = [((one(1),),), ((one(2),),), ((one(1).reshape(4, 1),),), ((one(1), one(2)),), ((one(2), one(1)),)]
    assert len({Samples(row).digest for row in rows}) == len(rows)


BAD = [
    ({"a": one(1)}, "nothing is given for input b"),
    ({"a": one(1), "b": np.array([7, 7]), "c": one(1)}, "c is not an input"),
    ({"a": one(1).astype(np.float64), "b": np.array([7, 7])}, "float64"),
    ({"a": np.zeros((1, 5), np.float32), "b": np.array([7, 7])}, "1x5"),
    ({"a": np.stack([one(1), one(2)]), "b": np.array([7, 7])}, "different numbers"),
    ({"a": np.zeros((0, 1, 4), np.float32), "b": np.zeros((0, 2), np.int64)}, "no calibration samples"),
]


@pytest.mark.parametrize(("arrays", "said"), BAD)
def test_what_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UsageError, match=said) as refused:
        read_calibration(tmp_path / "x.npz", BOTH)
    assert "x.npz" in refused.value.message


def test_other_bad_paths(tmp_path: Path) -> None:
    (tmp_path / "zero.npz").touch()
    (tmp_path / "binary.txt").write_bytes(b"\xff\x00")
    (tmp_path / "short.txt").write_text("a.npy\n")
    (tmp_path / "absent.txt").write_text("a.npy b.npy\n")
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "pickled.npy", np.array([object()]), allow_pickle=True)
    np.save(tmp_path / "plain.npy", one(1))
    cases = {
        "nothing": "no such file",
        "zero.npz": "not a .npz",
        "binary.txt": "not a text list",
        "short.txt": "1 files for 2 inputs",
        "absent.txt": "no such file",
        "empty": "no calibration samples",
        "plain.npy": "one array for 2 inputs",
    }
    for name, said in cases.items():
        with pytest.raises(UsageError, match=said):
            read_calibration(tmp_path / name, BOTH)
    with pytest.raises(UsageError, match=r"not a \.npy"):
        read_calibration(tmp_path / "pickled.npy", (A,))


def test_precision_decides_whether_samples_are_needed(tmp_path: Path) -> None:
    require_calibration(None, Target(precision="fp16"))
    require_calibration(tmp_path, Target(precision="w8a8"))
    with pytest.raises(UsageError, match="w8a8 needs"):
        require_calibration(None, Target(precision="w8a8"))
    with pytest.raises(UsageError, match="does not quantize"):
        require_calibration(tmp_path, Target(precision="fp16"))
