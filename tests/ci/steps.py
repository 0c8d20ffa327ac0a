"""Runs the shell parts of CI files as a runner would, with the tools of this environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ROOT", "Ended", "environment", "expanded", "read_yaml", "run"]

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ended:
    """How a script ended, and what it printed."""

    code: int
    stdout: str
    stderr: str
    outputs: Mapping[str, str] = field(default_factory=dict)


def read_yaml(name: str) -> Any:
    """A file of the repository."""
    return yaml.safe_load((ROOT / name).read_text())


def environment(**more: str) -> dict[str, str]:
    """The variables of a step: `rkgraph` and `python` are those of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "RKGRAPH_HOME") if name in os.environ}
    return {**kept, "PATH": path, **more}


def expanded(value: str, inputs: Mapping[str, str]) -> str:
    """A value in which GitHub has put inputs in place of ${{ inputs.NAME }}; other expressions are not known here."""
    done = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)
    assert "${{" not in done, done
    return done


def run(
    script: str,
    folder: Path,
    variables: Mapping[str, str],
    shell: tuple[str, ...] = ("bash", "-eo", "pipefail"),
) -> Ended:
    """Run a script in a folder, as `shell: bash` of GitHub does; outputs are read from $GITHUB_OUTPUT."""
    done = subprocess.run(
        [*shell, "-c", script],
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    told = Path(variables["GITHUB_OUTPUT"]) if "GITHUB_OUTPUT" in variables else None
    lines = told.read_text().splitlines() if told is not None and told.exists() else []
    return Ended(done.returncode, done.stdout, done.stderr, dict(line.split("=", 1) for line in lines))
