"""What a command works with: its options, and beneath them the configuration of the project."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rkgraph.cli import completion
from rkgraph.cli.common import parse_allow, parse_dims, parse_shapes, resolve_rules_and_target
from rkgraph.errors import TargetError, UsageError

if TYPE_CHECKING:
    from rkgraph.config.selectors import Selector
    from rkgraph.config.settings import Settings
    from rkgraph.diagnostics import Severity
    from rkgraph.results import Result
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.targets import Target

__all__ = [
    "BaselineOption",
    "ConfigOption",
    "Configuration",
    "ExtendSelectOption",
    "IgnoreOption",
    "IsolatedOption",
    "SelectOption",
    "SeverityOption",
    "marked",
    "rules_and_target",
]

SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        help="Rules to list: RK605, RK6, a name, ALL. Repeatable, or a,b.",
        metavar="RULES",
        autocompletion=completion.rules,
    ),
]
ExtendSelectOption = Annotated[
    list[str] | None, typer.Option("--extend-select", help="Rules to list besides those selected.", metavar="RULES")
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        help="Rules not to list; verdict and placement stay what they are.",
        metavar="RULES",
        autocompletion=completion.rules,
    ),
]
SeverityOption = Annotated[
    list[str] | None,
    typer.Option("--severity", help="How bad a rule is: RK605=error. Repeatable.", metavar="RULE=LEVEL"),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", help="What is in this file is known; only what is new fails.", metavar="FILE.json"),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration to use.",
        metavar="FILE.toml",
        show_default="$RKGRAPH_CONFIG, or the nearest rkgraph.toml or pyproject.toml",
    ),
]
IsolatedOption = Annotated[bool, typer.Option("--isolated", help="Read no configuration.")]

ENVIRONMENT = "RKGRAPH_CONFIG"
_TABLE = re.compile(rb"""tool\s*\.\s*["']?rkgraph|^\s*\[\s*["']?tool["']?\s*\]""", re.MULTILINE)


class Configuration:
    """Settings for each model: defaults, under the configuration, under the command line.

    Raises, as it is made:
        UsageError: the configuration or an option cannot be used.
    """

    def __init__(
        self, context: typer.Context, config: Path | None = None, *, isolated: bool = False, option: str = "--config"
    ) -> None:
        if isolated and config is not None:
            raise UsageError(f"{option} and --isolated contradict each other", "give one of the two")
        if config is not None and not config.exists():
            raise UsageError(
                f"{option} {config}: no such file", "give another, or none: rkgraph config says what holds"
            )
        self.path = None if isolated else config or _named() or _found()
        self._file = None
        self._said = _said(context)
        self._known: dict[tuple[str | None, ...], Settings] = {}
        if self.path is not None:
            from rkgraph.config.reading import read_config

            self._file = read_config(self.path)

    def of(self, model: Path | None) -> Settings:
        """The settings for a model; for none in particular where that is None."""
        from rkgraph.config.section import Section
        from rkgraph.config.settings import COMMAND_LINE, effective

        sections = self._file.of(model) if self._file is not None else ()
        key = tuple(section.glob for section in sections)
        if key not in self._known:
            said = Section(self._said, dict.fromkeys(self._said, COMMAND_LINE))
            self._known[key] = effective((*sections, said))
        return self._known[key]

    def alone(self) -> Settings:
        """What the command line says, and nothing else: for what a plan decides in place of the configuration."""
        from rkgraph.config.section import Section
        from rkgraph.config.settings import COMMAND_LINE, effective

        return effective((Section(self._said, dict.fromkeys(self._said, COMMAND_LINE)),))


def marked(result: Result, settings: Settings) -> Result:
    """The result with the findings marked that the settings suppress."""
    if not settings.suppressions:
        return result
    from rkgraph.config.suppressions import suppressed, today

    return suppressed(result, settings.suppressions, today())[0]


def rules_and_target(settings: Settings) -> tuple[RuleSet, Target]:
    """The rule set, with what was selected, and the target; an error names the file that asks for what cannot be."""
    from rkgraph.config.settings import COMMAND_LINE
    from rkgraph.rulebook.ruleset import load_ruleset

    try:
        name, target = resolve_rules_and_target(settings.rules, settings.toolkit, settings.target, settings.precision)
        return settings.ruleset(load_ruleset(name)), target
    except UsageError as error:
        keys = ("target", "toolkit", "rules", "precision")
        told = settings.told(key for key in keys if settings.sources.get(key) != COMMAND_LINE)
        if not told:
            raise
        raise TargetError(f"{error.message} ({told})", error.hint) from error


def _named() -> Path | None:
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else None


def _found() -> Path | None:
    """The nearest configuration; nothing is imported where there is surely none."""
    folder = Path.cwd()
    if not any(_may_hold_one(place) for place in (folder, *folder.parents)):
        return None
    from rkgraph.config.reading import find_config

    return find_config(folder)


def _may_hold_one(folder: Path) -> bool:
    """Whether there is an rkgraph.toml, or a pyproject.toml that may have a table [tool.rkgraph], however spelt."""
    if (folder / "rkgraph.toml").is_file():
        return True
    try:
        text = (folder / "pyproject.toml").read_bytes()
    except OSError:
        return False
    return _TABLE.search(text) is not None


def _said(context: typer.Context) -> Mapping[str, Any]:
    """Key → value of the options that the user gave."""
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            key = name.replace("_", "-")
            values[key] = read(context.params[name])
    return values


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _level(value: Any) -> Severity:
    from rkgraph.diagnostics import Severity

    return Severity(_plain(value))


def _selectors(option: str) -> Callable[[Iterable[str]], tuple[Selector, ...]]:
    def read(words: Iterable[str]) -> tuple[Selector, ...]:
        from rkgraph.config.selectors import selector

        try:
            return tuple(selector(word.strip()) for given in words for word in given.split(",") if word.strip())
        except UsageError as error:
            raise UsageError(f"{option}: {error.message}", error.hint) from error

    return read


def _severities(words: Iterable[str]) -> Mapping[str, Severity]:
    from rkgraph.config.selectors import selector
    from rkgraph.diagnostics import Severity

    levels = [severity.value for severity in Severity]
    found: dict[str, Severity] = {}
    for given in words:
        word, _, level = given.partition("=")
        if level not in levels:
            raise UsageError(f"--severity {given}: not of the form RULE=LEVEL", f"levels are {', '.join(levels)}")
        found |= dict.fromkeys(sorted(selector(word).codes), Severity(level))
    return found


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "target": _plain,
    "rules": _plain,
    "toolkit": _plain,
    "precision": _plain,
    "shape": parse_shapes,
    "dim": parse_dims,
    "calibration": Path,
    "allow": parse_allow,
    "select": _selectors("--select"),
    "extend_select": _selectors("--extend-select"),
    "ignore": _selectors("--ignore"),
    "severity": _severities,
    "fail_on": _level,
    "format": _plain,
    "baseline": Path,
}
