"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from rkgraph.cli.app import COMMANDS
from rkgraph.cli.reference import reference
from rkgraph.cli.reference_page import EXIT_CODES, ONE, page
from rkgraph.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_page_is_fresh() -> None:
    written = (ROOT / "docs" / "cli.md").read_text()
    assert written == page(), "run: python -m rkgraph.cli.reference_page > docs/cli.md"


def test_every_option_is_on_the_page_with_a_word_of_help() -> None:
    text = page()
    parameters = [(each["name"], parameter) for each in reference() for parameter in each["parameters"]]
    assert len(parameters) > 250
    for command, parameter in parameters:
        assert parameter["help"], (command, parameter["name"])
        assert f"`{parameter['name']}`".replace("|", "\\|") in text


def test_every_exit_code_is_told() -> None:
    assert set(EXIT_CODES) == set(ExitCode)
    assert set(ONE) <= set(COMMANDS)


def test_commands_that_end_with_one_are_those_that_are_told() -> None:
    cli = ROOT / "rkgraph" / "cli"
    ending = {path.stem for path in cli.glob("*.py") if "typer.Exit(ExitCode.FINDINGS" in path.read_text()}
    assert {name.replace("-", "_") for name in ONE} == ending
