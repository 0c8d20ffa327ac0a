"""docs/ci.md: what is to be copied from it fits the files that it is about."""

from __future__ import annotations

import re
import shlex
from typing import Any

import yaml

from rkgraph.cli.reference import reference
from tests.ci.steps import ROOT, read_yaml

TEXT = (ROOT / "docs" / "ci.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_the_workflow_uses_inputs_and_outputs_that_there_are() -> None:
    github, pre_commit, gitlab = (yaml.safe_load(text) for text in blocks("yaml"))
    action = read_yaml("action.yml")
    steps: list[dict[str, Any]] = github["jobs"]["rkgraph"]["steps"]
    (own,) = [step for step in steps if step["uses"].startswith("rkgraph/")]
    assert own["with"].keys() <= action["inputs"].keys()
    assert set(re.findall(r"steps\.rkgraph\.outputs\.([\w-]+)", TEXT)) <= action["outputs"].keys()
    assert all(f"`{name}`" in TEXT for name in action["outputs"])
    (hook,) = pre_commit["repos"][0]["hooks"]
    assert hook["id"] in {entry["id"] for entry in read_yaml(".pre-commit-hooks.yaml")}
    assert gitlab["rkgraph"]["variables"].keys() <= read_yaml("ci/gitlab.yml")["rkgraph"]["variables"].keys()
    options = [*hook["args"], *shlex.split(gitlab["rkgraph"]["variables"]["RKGRAPH_OPTIONS"])]
    assert {word for word in options if word.startswith("--")} <= options_of("lint")


def test_the_commands_have_the_options_that_they_use() -> None:
    lines = [shlex.split(line, comments=True) for text in blocks("sh") for line in text.splitlines()]
    assert len(lines) >= 3
    for program, command, *words in lines:
        assert program == "rkgraph"
        assert {word for word in words if word.startswith("-")} <= options_of(command)


def options_of(command: str) -> set[str]:
    """All spellings of the options of a command."""
    (record,) = [record for record in reference() if record["name"] == command]
    return {word for p in record["parameters"] for word in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", p["name"])}
