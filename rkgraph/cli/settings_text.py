"""How settings are shown: every key with its value and who says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.config.settings import DEFAULT, Settings

if TYPE_CHECKING:
    from rkgraph.config.suppressions import Suppression

__all__ = ["settings_document", "settings_lines"]


def settings_lines(settings: Mapping[str, Settings], config: Path | None) -> Iterator[tuple[str, str]]:
    """Lines for people, with styles: a block a model ("" for all models), a key a line."""
    yield f"configuration: {config or 'none'}", "title"
    for model, each in settings.items():
        yield "", ""
        if model:
            yield model, "title"
        rows = [(key, value, each.sources.get(key, DEFAULT)) for key, value in _values(each).items()]
        texts = [(f"{key} = {_text(value)}", source) for key, value, source in rows]
        width = min(max(len(text) for text, _ in texts), 60)
        for text, source in texts:
            yield f"  {text:<{width}}  # {source}", "" if source != DEFAULT else "dim"
        yield f"  rules listed: {_listed(each)}", ""


def settings_document(settings: Mapping[str, Settings], config: Path | None) -> str:
    """The same as JSON: model → key → value and source."""
    models = {
        model: {key: {"value": value, "source": each.sources.get(key, DEFAULT)} for key, value in _values(each).items()}
        for model, each in settings.items()
    }
    document = {"configuration": None if config is None else str(config), "models": models}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _values(settings: Settings) -> dict[str, Any]:
    """Plain values by the keys of the configuration; those that say nothing are left out."""
    found: dict[str, Any] = {
        "target": settings.target,
        "rules": settings.rules,
        "toolkit": settings.toolkit,
        "precision": settings.precision,
        "shape": {name: list(shape) for name, shape in settings.shapes.items()},
        "dim": dict(settings.dims),
        "calibration": None if settings.calibration is None else str(settings.calibration),
        "allow": sorted(safety.value for safety in settings.allow),
        **{key: list(words) for key, words in settings.choices.items()},
        "severity": {code: severity.value for code, severity in settings.severities.items()},
        "rule": {code: dict(options) for code, options in settings.rule_options.items()},
        "suppress": [_suppression(entry) for entry in settings.suppressions],
        "fail-on": settings.fail_on.value,
        "format": settings.format,
        "baseline": None if settings.baseline is None else str(settings.baseline),
    }
    return {key: value for key, value in found.items() if value is not None and value not in ([], {})}


def _suppression(entry: Suppression) -> dict[str, str]:
    until = {} if entry.expires is None else {"expires": str(entry.expires)}
    return {"code": entry.code, "fingerprint": entry.fingerprint, "reason": entry.reason, **until}


def _text(value: Any) -> str:
    """As TOML would have it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_text(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _listed(settings: Settings) -> str:
    from rkgraph.config.selectors import rule_names

    every = frozenset(rule_names().values())
    if settings.listed is None or settings.listed == every:
        return f"all {len(every)}"
    without = sorted(every - settings.listed)
    return f"{len(settings.listed)} of {len(every)}" + (f", not {', '.join(without)}" if len(without) <= 12 else "")
