"""The folder that goes to a board: models, inputs, expected outputs, the script, a manifest and three lines to read."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rkgraph
from rkgraph.boardcheck import run_on_board
from rkgraph.boardcheck.candidates import REASONS
from rkgraph.errors import UsageError
from rkgraph.files import no_room

if TYPE_CHECKING:
    from rkgraph.boardcheck.build import Built
    from rkgraph.targets import Target

__all__ = ["MANIFEST_SCHEMA", "check_folder", "write_folder"]

MANIFEST_SCHEMA = "rkgraph.board-check/1"

_README = """# Board check: {target}

1. Copy this folder to a board with a {platform}; it needs Python 3.7 or newer, numpy and rknn-toolkit-lite2 there.
2. On the board: `python3 run_on_board.py` (as root it can also note the version of the driver).
3. Take `results.json` back to where rkgraph is installed: `rkgraph evidence import results.json`.

It can be stopped at any time: the same command goes on. A model that crashes or hangs costs that model only.

## What the result settles

A compiler says what it built, not what a board makes of it. Only a board can settle the rest, and this is what these
{count} models ask of it:

{reasons}

A model that the board refuses has no kernel there. One that runs with right numbers runs where the compiler said. One
that runs with wrong numbers is told as such. From then on `rkgraph lint` says so with confidence `device`, above what
any compiler says. The result holds for the versions of driver and runtime that are on that board, which it names.

`results.json` has the models (operators with made-up weights), how they fared, what the runtime printed and the
versions on the board; no serial number, no host name, and nothing is sent anywhere.
"""


def check_folder(folder: Path) -> None:
    """Raise UsageError now where the folder cannot be written later."""
    if not folder.parent.is_dir():
        raise UsageError(f"{folder}: cannot be written (there is no folder {folder.parent})", "create it first")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already", "give another -o, or remove it")


def write_folder(folder: Path, target: Target, control: Built, cases: Sequence[Built]) -> int:
    """Write the folder whole or not at all.

    Args:
        folder: a new or empty one.
        target: what the cases are built for.
        control: a model that every board runs, to tell a bad operator from a bad installation.
        cases: what to run.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: it cannot be written, or is there already.
    """
    check_folder(folder)
    with _replacement(folder) as made:
        manifest = {
            "schema": MANIFEST_SCHEMA,
            "rkgraph": rkgraph.__version__,
            "target": {"platform": target.platform, "toolkit": target.toolkit, "precision": target.precision},
            "control": _entry(control, "control", made),
            "cases": [_entry(built, f"{number:04d}", made) for number, built in enumerate(cases, 1)],
        }
        (made / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", "utf-8")
        (made / "README.md").write_text(_readme(target, cases), "utf-8")
        shutil.copyfile(run_on_board.__file__, made / "run_on_board.py")
        return sum(path.stat().st_size for path in made.rglob("*") if path.is_file())


def _entry(built: Built, name: str, folder: Path) -> dict[str, Any]:
    """Copy the files of a case; what the manifest says of it."""
    candidate, line = built.candidate, built.line
    place = Path("cases") / name
    (folder / place).mkdir(parents=True)
    digests = {}
    for file, source in sorted(built.files.items()):
        data = source.read_bytes()
        (folder / place / file).write_bytes(data)
        digests[file] = hashlib.sha256(data).hexdigest()
    return {
        "id": candidate.case.id,
        "op": candidate.case.op,
        "reason": candidate.reason,
        "model": candidate.case.text,
        "signature": candidate.signature,
        "compiled": {key: line[key] for key in ("outcome", "layers", "around", "lost", "warned") if key in line},
        "inputs": list(built.inputs),
        "outputs": list(built.outputs),
        "files": {file: (place / file).as_posix() for file in digests},
        "sha256": digests,
    }


def _readme(target: Target, cases: Sequence[Built]) -> str:
    counts: Mapping[str, int] = {reason: sum(built.candidate.reason == reason for built in cases) for reason in REASONS}
    reasons = "\n".join(f"- {counts[reason]} × {text}" for reason, text in REASONS.items() if counts[reason])
    return _README.format(target=target, platform=target.platform, count=len(cases), reasons=reasons)


@contextmanager
def _replacement(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well, and goes otherwise."""
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})", "give another -o") from error
    try:
        made.chmod(0o755)
        yield made
        made.replace(folder)
    except OSError as error:
        if not no_room(error):
            raise
        raise UsageError(f"{folder}: cannot be written ({error.strerror})", "make room, or give another -o") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
