"""Steps run once for the same input, and again for any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rkgraph.cli.demo_steps import Memory, Step, StepFailed, digest_of, run_step
from rkgraph.cli.output import Output
from rkgraph.errors import ExitCode


class Bench:
    """A step that copies a file, and a count of how often it ran."""

    def __init__(self, folder: Path) -> None:
        self.source, self.made = folder / "in put", folder / "made"
        self.source.write_text("one")
        self.memory = folder / "memory.json"
        self.step = Step("Copy", ("copy", str(self.source)), (self.source,), (self.made,))
        self.runs = 0
        self.code = 0

    def go(self, step: Step | None = None) -> bool:
        """Run the step as a new process would: with what the file remembers."""
        return run_step(step or self.step, Memory(self.memory), Output(), self._run)

    def _run(self, _arguments: Sequence[str]) -> int:
        self.runs += 1
        self.made.write_text(self.source.read_text())
        return self.code


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_second_run_is_remembered(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.go()
    assert not bench.go()
    assert bench.runs == 1
    assert "unchanged since the last run" in capsys.readouterr().out


def test_other_input_output_or_arguments_run_again(bench: Bench) -> None:
    bench.go()
    bench.source.write_text("two")
    assert bench.go(), "other input"
    bench.made.write_text("touched")
    assert bench.go(), "other output"
    bench.made.unlink()
    assert bench.go(), "no output"
    assert bench.go(replace(bench.step, arguments=("copy", "--fast"))), "other arguments"


def test_a_memory_that_is_of_no_use_is_begun_anew(bench: Bench) -> None:
    bench.go()
    for text in ("", "[1]", "{"):
        bench.memory.write_text(text)
        assert bench.go()
    assert not bench.go()


def test_a_step_that_writes_nothing_always_runs(bench: Bench) -> None:
    look = replace(bench.step, writes=())
    assert bench.go(look)
    assert bench.go(look)


@pytest.mark.parametrize(("code", "shown"), [(4, ExitCode.TOOLKIT_FAILED), (1, ExitCode.FINDINGS), (-9, ExitCode.BUG)])
def test_a_failed_step_ends_the_demo_with_its_own_code(bench: Bench, code: int, shown: ExitCode) -> None:
    bench.code = code
    with pytest.raises(StepFailed, match=rf"'in put'` ended with exit code {code}|exit code {code}") as failed:
        bench.go()
    assert failed.value.exit_code is shown
    bench.code = 0
    assert bench.go(), "a failure is not remembered as done"


def test_exit_codes_that_are_good_are_good(bench: Bench) -> None:
    bench.code = 1
    assert bench.go(replace(bench.step, good=(0, 1)))


def test_the_command_is_shown_as_one_types_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.go()
    assert f"$ rkgraph copy '{bench.source}'" in capsys.readouterr().out


def test_digests_see_contents_names_and_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    digests = [digest_of([folder])]
    (folder / "inner/a").write_text("1")
    digests.append(digest_of([folder]))
    (folder / "inner/a").write_text("2")
    digests.append(digest_of([folder]))
    (folder / "inner/a").rename(folder / "inner/b")
    digests.append(digest_of([folder]))
    digests.append(digest_of([folder, tmp_path / "missing"]))
    assert len(set(digests)) == len(digests)
    assert digest_of([folder]) == digest_of([folder])
