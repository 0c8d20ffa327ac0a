"""The bug report: one zip with the reduced model, the log, the versions, and a script that shows it again."""

from __future__ import annotations

import io
import json
import platform
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

import rkgraph
from rkgraph.compile.tensors import tensors_of, write_npz
from rkgraph.files import writing
from rkgraph.graph.load import read_view
from rkgraph.reduce.numbers import Compared
from rkgraph.reduce.readme import readme
from rkgraph.reduce.sanitise import without_machine

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.reduce.builds import Built
    from rkgraph.reduce.reducer import Reduction
    from rkgraph.reduce.steadiness import Share
    from rkgraph.reduce.symptoms import Symptom
    from rkgraph.targets import Target

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["write_archive"]

_TEXT_BYTES = 64 << 10
"""Up to this size a model is also written as text."""

_TAKES = 20
"""How often `reproduce.py` builds, at most, what is not shown in every process."""

_SCRIPT = Path(__file__).with_name("reproduce.py")
_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same files give the same zip


def write_archive(
    path: Path, model: Path, reduction: Reduction, symptom: Symptom, *, share: Share, folders: Sequence[Path] = ()
) -> None:
    """Write the zip at `path`, whole or not at all.

    Args:
        path: of the zip.
        model: the reduced model; its weights are inside (or, beyond 2 GB, beside it).
        reduction: how it came about.
        symptom: what it shows; `reduction.outcome` is what this said of it.
        share: how often the result shows it.
        folders: further folders whose names are taken out of the log.

    Raises:
        UsageError: `path` cannot be written.
    """
    built = _built_of(reduction)
    files: dict[str, bytes] = {"README.md": readme(reduction, symptom, share).encode()}
    if model.stat().st_size <= _TEXT_BYTES:
        files["model.txt"] = (onnx.printer.to_text(onnx.load(model)) + "\n").encode()
    files["log.txt"] = without_machine(built.log, [*folders, model.parent]).encode()
    files["versions.json"] = _json(_versions(symptom.builds.target))
    files["reproduce.py"] = _SCRIPT.read_bytes()
    files["reproduce.json"] = _json({**_settings(model, reduction, symptom), "takes": 1 if share.steady else _TAKES})
    files["command.txt"] = _commands(symptom.builds.target).encode()
    files |= _arrays(reduction, built)
    with writing(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (model, model.with_name(f"{model.name}.data")):
            if file.exists():
                _add(archive, file, file.name.replace(model.name, "model.onnx", 1))
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), data, zipfile.ZIP_DEFLATED)


def _add(archive: zipfile.ZipFile, file: Path, name: str) -> None:
    """Add a file that may be large."""
    entry = zipfile.ZipInfo(name, _DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _built_of(reduction: Reduction) -> Built:
    record = reduction.outcome.record
    built: Built = record.built if isinstance(record, Compared) else record
    return built


def _versions(target: Target) -> dict[str, str]:
    return {
        "rknn-toolkit2": target.toolkit,
        "target": target.platform,
        "precision": target.precision,
        "rkgraph": rkgraph.__version__,
        "onnx": onnx.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _settings(model: Path, reduction: Reduction, symptom: Symptom) -> dict[str, Any]:
    inputs, outputs = tensors_of(read_view(model).main)
    return {
        "kind": symptom.kind,
        "what": symptom.what,
        **symptom.facts(reduction.outcome),
        "platform": symptom.builds.target.platform,
        "config": dict(symptom.builds.config),
        "build": dict(symptom.builds.build),
        "inputs": [tensor.name for tensor in inputs],
        "outputs": [tensor.name for tensor in outputs],
    }


def _commands(target: Target) -> str:
    return (
        "python reproduce.py\n"
        f"rkgraph compile model.onnx --target {target.platform} --toolkit {target.toolkit} "
        f"--precision {target.precision} -o model.rknn\n"
    )


def _arrays(reduction: Reduction, built: Built) -> dict[str, bytes]:
    """Feeds and expected outputs, or calibration samples."""
    record = reduction.outcome.record
    files = {f"feeds-{i}.npz": _npz(case) for i, case in enumerate(built.samples)}
    if isinstance(record, Compared):
        files = {f"feeds-{i}.npz": _npz(case) for i, case in enumerate(record.feeds)}
        files |= {f"expected-{i}.npz": _npz(case) for i, case in enumerate(record.expected)}
    return files


def _npz(arrays: Feeds) -> bytes:
    stream = io.BytesIO()
    write_npz(stream, arrays)
    return stream.getvalue()


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
