"""Finding and reading the configuration: rkgraph.toml, or the table [tool.rkgraph] of pyproject.toml.

It is looked for from the working folder upwards; the nearest one counts alone, and rkgraph.toml before pyproject.toml.
Whatever is not known in it is an error that names file, line and what was probably meant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from rkgraph.config.keys import KEYS, MODELS, Place, nearest
from rkgraph.config.lines import line_of
from rkgraph.config.section import Section
from rkgraph.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ConfigFile", "find_config", "read_config"]

OWN, SHARED = "rkgraph.toml", "pyproject.toml"
_TABLE = ("tool", "rkgraph")
LARGEST = 4 << 20


@dataclass(frozen=True)
class ConfigFile:
    """What a file says: of all models, and of some; later sections count more."""

    path: Path
    general: Section
    sections: tuple[Section, ...] = ()

    def of(self, model: Path | None) -> tuple[Section, ...]:
        """What is said of a model, the strongest last; of no model in particular where that is None."""
        if model is None:
            return (self.general,)
        path = model.resolve()
        return (self.general, *(s for s in self.sections if s.glob is not None and _matches(path, s.glob, self.path)))


def find_config(start: Path) -> Path | None:
    """The nearest configuration from a folder upwards; None where there is none.

    Raises:
        UsageError: a pyproject.toml on the way is no TOML, and may hold one.
    """
    for folder in (start, *start.parents):
        if (folder / OWN).is_file():
            return folder / OWN
        shared = folder / SHARED
        if shared.is_file() and b"rkgraph" in _bytes(shared) and _TABLE[1] in _parsed(shared)[1].get(_TABLE[0], {}):
            return shared
    return None


def read_config(path: Path) -> ConfigFile:
    """The configuration in a file.

    Raises:
        UsageError: it cannot be read, is no TOML, or says what is not known; with the line.
    """
    text, table = _parsed(path)
    top: tuple[str, ...] = ()
    if path.name == SHARED or set(table) == {_TABLE[0]}:
        top, table = _TABLE, table.get(_TABLE[0], {}).get(_TABLE[1], {})
        if not isinstance(table, dict):
            raise UsageError(f"{_shown(path)}: tool.rkgraph must be a table", "write [tool.rkgraph] and keys below it")
    source = partial(_source, path, text)
    models = table.pop(MODELS, {})
    if not isinstance(models, dict) or not all(isinstance(section, dict) for section in models.values()):
        raise UsageError(
            f"{source(*top, MODELS)}: must have a table for each glob of models",
            f'write e.g. [{".".join((*top, MODELS))}."detectors/*.onnx"]',
        )
    general = _section(table, path, partial(source, *top))
    sections = [_section(one, path, partial(source, *top, MODELS, glob), glob) for glob, one in models.items()]
    return ConfigFile(path, general, tuple(sections))


def _section(table: Mapping[str, Any], path: Path, source: partial[str], glob: str | None = None) -> Section:
    values: dict[str, Any] = {}
    for name, value in table.items():
        key = KEYS.get(name)
        if key is None:
            raise UsageError(f"{source(name)}: unknown key {name!r}", nearest(name, (*KEYS, MODELS)))
        if glob is not None and not key.sections:
            raise UsageError(f"{source(name)}: {name} cannot differ between models", "put it at the top of the file")
        values[name] = key.read(value, Place(path.parent.resolve(), partial(source, name)))
    return Section(values, {name: source(name) for name in values}, glob)


def _matches(model: Path, glob: str, config: Path) -> bool:
    """Whether a glob, relative to the folder of the configuration, fits; one without a folder fits file names."""
    if "/" not in glob:
        return fnmatchcase(model.name, glob)
    whole = os.path.normpath(config.parent.resolve() / glob)
    return fnmatchcase(str(model), whole)


def _source(path: Path, text: str, *steps: str | int) -> str:
    return f"{_shown(path)}:{line_of(text, steps)}"


def _shown(path: Path) -> str:
    """The path as the user would write it."""
    shown = os.path.relpath(path)
    return str(path) if shown.startswith(os.path.pardir) else shown


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(
                f"{_shown(path)}: larger than {LARGEST >> 20} MB, which no configuration is", "check --config"
            )
        return path.read_bytes()
    except OSError as error:
        hint = "name another --config, or leave it out with --isolated"
        raise UsageError(f"{_shown(path)}: cannot be read ({error.strerror})", hint) from error


def _parsed(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = _bytes(path).decode()
        return text, tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{_shown(path)}: is no TOML ({error})", "mend it, or leave it out with --isolated") from error
