"""Options that mean the same in every command, and the parsers behind them. Nothing heavy is imported here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli import completion
from rkgraph.diagnostics import Safety, Severity
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.targets import Target

__all__ = [
    "AllowOption",
    "BuildMemoryOption",
    "BuildTimeOption",
    "CalibrationOption",
    "DimOption",
    "FailOnOption",
    "FreezeOption",
    "NoCacheOption",
    "PrecisionOption",
    "QuietOption",
    "ReportFileOption",
    "RulesOption",
    "ShapeOption",
    "TargetOption",
    "ToolkitOption",
    "ToolkitPythonOption",
    "VerboseOption",
    "home_folder",
    "parse_allow",
    "parse_dims",
    "parse_shapes",
    "resolve_rules_and_target",
]

TargetOption = Annotated[
    str,
    typer.Option(
        "--target",
        help="Platform, e.g. rk3588, rk3576, rk3566.",
        metavar="PLATFORM",
        autocompletion=completion.platforms,
    ),
]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        help="Rule set; it names its toolkit version.",
        metavar="RULESET",
        show_default="rknn-2.3.2",
        autocompletion=completion.rule_sets,
    ),
]
ToolkitOption = Annotated[
    str | None,
    typer.Option(
        "--toolkit",
        help="Version of rknn-toolkit2.",
        metavar="VERSION",
        show_default="that of the rule set",
        autocompletion=completion.toolkits,
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        help="fp16, w8a8, w8a16, w16a16i or w4a16.",
        metavar="PRECISION",
        autocompletion=completion.precisions,
    ),
]
ShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--shape", help="Pin an input: NAME=1x256 (or NAME=1,256, NAME=scalar). Repeatable.", metavar="NAME=SHAPE"
    ),
]
DimOption = Annotated[
    list[str] | None, typer.Option("--dim", help="Pin a symbolic dimension: batch=1. Repeatable.", metavar="NAME=SIZE")
]
FreezeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--freeze",
        help="Make an input constant: a number, .npy or .pb; none: a sequence or an optional value that holds nothing. "
        "Repeatable.",
        metavar="NAME=VALUE",
    ),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="Classes of fixes beyond safe: shape, interface, split, approximate, fp16-range. Repeatable, or a,b.",
        metavar="CLASS",
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        "--calibration", help="Samples: a .npz, a folder of .npy, .npz or images, or a text list.", metavar="PATH"
    ),
]
ToolkitPythonOption = Annotated[
    Path | None,
    typer.Option("--toolkit-python", help="An interpreter that has rknn-toolkit2 installed.", metavar="PATH"),
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Build even what was built before.")]
BuildTimeOption = Annotated[
    float, typer.Option("--timeout", help="Seconds a build may take.", min=1.0, metavar="SECONDS")
]
BuildMemoryOption = Annotated[
    int | None,
    typer.Option("--memory", help="MB of memory a build may use.", min=1, metavar="MB", show_default="no limit"),
]
ReportFileOption = Annotated[
    Path | None, typer.Option("--report", help="Write the whole result as JSON.", metavar="FILE.json")
]
FailOnOption = Annotated[
    Severity, typer.Option("--fail-on", help="Lowest severity that makes the exit code 1.", case_sensitive=False)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print everything there is to know.")]

SCALAR = "scalar"  # the shape that has no dimensions
_SHAPE = re.compile(r"\d+(?:[x,]\d+)*")
DEFAULT_TOOLKIT = "2.3.2"


def parse_shapes(options: Iterable[str] | None) -> dict[str, tuple[int, ...]]:
    """Parse `--shape NAME=1x256` options: input name → shape. Raises UsageError for anything else."""
    shapes: dict[str, tuple[int, ...]] = {}
    for option in options or ():
        name, _, text = option.rpartition("=")
        if not name or not (text == SCALAR or _SHAPE.fullmatch(text)):
            raise UsageError(f"--shape {option}: not of the form NAME=1x256", "write e.g. --shape input_ids=1x256")
        shape = () if text == SCALAR else tuple(int(size) for size in re.split("[x,]", text))
        if shapes.setdefault(name, shape) != shape:
            raise UsageError(f"--shape {name}: given twice with different shapes", "give it once")
        if 0 in shape:
            raise UsageError(
                f"--shape {option}: a dimension of size 0",
                "every size must be at least 1; what has no element tells a model nothing, and can be a constant: "
                f"rkgraph fix --freeze {name}=empty.npy",
            )
    return shapes


def parse_dims(options: Iterable[str] | None) -> dict[str, int]:
    """Parse `--dim batch=1` options: symbolic name → size. Raises UsageError for anything else."""
    dims: dict[str, int] = {}
    for option in options or ():
        name, _, text = option.rpartition("=")
        if not name or not text.isdecimal() or int(text) < 1:
            raise UsageError(f"--dim {option}: not of the form NAME=SIZE", "write e.g. --dim sequence=256")
        if dims.setdefault(name, int(text)) != int(text):
            raise UsageError(f"--dim {name}: given twice with different sizes", "give it once")
    return dims


def parse_allow(options: Iterable[str] | None) -> frozenset[Safety]:
    """Parse `--allow split,approximate`. Raises UsageError for a class that does not exist or cannot be allowed."""
    known = [s.value for s in Safety if s not in (Safety.SAFE, Safety.MANUAL)]
    words = [word.strip() for option in options or () for word in option.split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise UsageError(f"--allow {word}: no such class of fixes", f"choose from {', '.join(known)}")
    return frozenset(Safety(word) for word in words)


def resolve_rules_and_target(
    rules: str | None, toolkit: str | None, platform: str, precision: str
) -> tuple[str, Target]:
    """The name of the rule set and the checked target. A rule set names its toolkit; the two must not disagree.

    Raises:
        UsageError: --rules and --toolkit contradict each other.
        TargetError: platform, toolkit or precision do not exist, or not together.
    """
    from rkgraph.targets import resolve_target

    name = rules or f"rknn-{toolkit or DEFAULT_TOOLKIT}"
    if toolkit and rules:
        from rkgraph.rulebook.ruleset import load_ruleset

        named = load_ruleset(rules).toolkit
        if named != toolkit:
            raise UsageError(
                f"--rules {rules} is for toolkit {named}, and --toolkit says {toolkit}", "give one of the two"
            )
    version = toolkit or _toolkit_of(name)
    return name, resolve_target(platform, version, precision)


def home_folder() -> Path:
    """Where managed toolkits and caches live: $RKGRAPH_HOME, or the user's cache folder."""
    given = os.environ.get("RKGRAPH_HOME")
    if given:
        return Path(given).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_dir("rkgraph"))


def _toolkit_of(rules: str) -> str:
    from rkgraph.rulebook.ruleset import load_ruleset

    return load_ruleset(rules).toolkit
