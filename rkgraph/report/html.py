"""The report as one self-contained HTML page: no request leaves it, and nothing that a model says can act in it.

Every value is escaped (autoescape), control and bidirectional characters are made visible, and the page carries a
content security policy that allows its own style and its own script and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import jinja2
from markupsafe import Markup, escape

from rkgraph.report.cards import cards_of
from rkgraph.report.story import stories
from rkgraph.report.strip import strip
from rkgraph.report.tiles import tiles_of
from rkgraph.results import Report

__all__ = ["render"]

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def render(report: Report) -> str:
    """The page of `report`, as UTF-8 safe text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rkgraph.report"),
        autoescape=True,
        finalize=_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=_plain, number=_number, kilo=_kilo, inline=_inline)
    script = _source(environment, "page.js")
    told = stories(report)
    codes = {finding.code for result in report.results for finding in result.diagnostics}
    return environment.get_template("page.html").render(
        report=report,
        stories=told,
        cards=cards_of(codes),
        strip=strip,
        tiles_of=tiles_of,
        style=Markup(_source(environment, "style.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _source(environment: jinja2.Environment, name: str) -> str:
    if environment.loader is None:
        raise jinja2.TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


def _visible(value: Any) -> Any:
    """Characters that hide, reorder or break text, spelled out; everything that is shown passes through here."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def _inline(text: str) -> Markup:
    """Text in which `words` in backticks are set as code."""
    pieces = re.split("`([^`]+)`", _visible(text))
    whole = "".join(f"<code>{escape(piece)}</code>" if odd % 2 else escape(piece) for odd, piece in enumerate(pieces))
    return Markup(whole)  # noqa: S704 - every piece is escaped


def _plain(data: Any) -> str:
    """Observed values and limits in one line."""
    if isinstance(data, str):
        return data
    return json.dumps(data, ensure_ascii=False, default=str)


def _number(value: float | None) -> str:
    """A measured number: three digits that matter."""
    return "–" if value is None else f"{value:.3g}"


def _kilo(value: float | None) -> str:
    """A count with separators; nothing for 0, which the compiler prints where it does not count."""
    return f"{value:,.0f}" if value else ""
