"""Evaluation in a child process: a model that crashes ONNX Runtime or eats the memory does no harm to us.

The parent (`evaluate_apart`) writes a job into a private folder, the child (this module, run with `-m`) reads it and
writes its answers there. Arrays are .npy files, everything else is JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rkgraph.analysis.evaluator import Array, EvaluationError, Evaluator

__all__ = ["Answer", "evaluate_apart"]

Answer = dict[str, Array] | EvaluationError
"""What a model gives for one case: its outputs, or why there are none."""


def evaluate_apart(
    models: Sequence[Path],
    cases: Sequence[Mapping[str, Array]],
    *,
    threads: int = 2,
    seconds: float = 600.0,
    memory_mb: int | None = None,
) -> list[list[Answer]]:
    """Run each of `models` on each of `cases` in one child process: answers by model, then by case.

    Args:
        models: paths of ONNX models, external data beside them.
        cases: feeds by input name; feeds of no input of a model are ignored.
        threads: of ONNX Runtime, within an operator.
        seconds: after that time the child is killed.
        memory_mb: limit of the child's address space in MB; None for no limit.

    Raises:
        EvaluationError: the child died, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
        folder = Path(name)
        job = {
            "models": [str(path.resolve()) for path in models],
            "cases": [_write(folder, f"case{i}", case) for i, case in enumerate(cases)],
            "threads": threads,
            "memory_mb": memory_mb,
        }
        (folder / "job.json").write_text(json.dumps(job))
        _run_child(folder, seconds)
        answers = json.loads((folder / "answers.json").read_text())
        return [[_read_answer(folder, answer) for answer in row] for row in answers]


def _run_child(folder: Path, seconds: float) -> None:
    theirs, ours = os.pipe()  # nothing is ever written: its end is that of this process, however it ends
    command = [sys.executable, "-m", "rkgraph.analysis.evaluator_child", str(folder), str(theirs)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, pass_fds=[theirs])
    except subprocess.TimeoutExpired as error:
        raise EvaluationError(f"the evaluation took longer than {seconds:.0f} s and was stopped") from error
    finally:
        os.close(theirs)
        os.close(ours)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EvaluationError(f"the evaluating process died (exit code {done.returncode}): {last}")


def _write(folder: Path, stem: str, arrays: Mapping[str, Array]) -> dict[str, str]:
    files = {name: f"{stem}.{index}.npy" for index, name in enumerate(arrays)}
    for name, file in files.items():
        np.save(folder / file, arrays[name], allow_pickle=False)
    return files


def _read(folder: Path, files: Mapping[str, str]) -> dict[str, Array]:
    return {name: np.load(folder / file, allow_pickle=False) for name, file in files.items()}


def _read_answer(folder: Path, answer: dict[str, str] | str) -> Answer:
    return EvaluationError(answer) if isinstance(answer, str) else _read(folder, answer)


def _main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    if job["memory_mb"] is not None:
        import resource

        limit = job["memory_mb"] * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    cases = [_read(folder, files) for files in job["cases"]]
    answers = [_answers(folder, i, Path(model), cases, job["threads"]) for i, model in enumerate(job["models"])]
    (folder / "answers.json").write_text(json.dumps(answers))


def _answers(
    folder: Path, index: int, model: Path, cases: Sequence[Mapping[str, Array]], threads: int
) -> list[dict[str, str] | str]:
    """For each case the files of the outputs, or the message of the error."""
    try:
        evaluator = Evaluator(model, threads)
    except EvaluationError as error:
        return [error.message] * len(cases)
    answers: list[dict[str, str] | str] = []
    for number, case in enumerate(cases):
        try:
            answers.append(_write(folder, f"answer{index}.{number}", evaluator.run(case)))
        except EvaluationError as error:
            answers.append(error.message)
    return answers


def _end_with(parent: int, folder: Path) -> None:
    """Wait until the parent is gone (it was killed, or it would have stopped us), then clean up in its place."""
    os.read(parent, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(int(sys.argv[2]), Path(sys.argv[1])), daemon=True).start()
    _main(Path(sys.argv[1]))
