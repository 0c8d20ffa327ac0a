"""The report as one self-contained HTML page: no request leaves it, and nothing that a model says can act in it.

Every value is escaped (autoescape), control and bidirectional characters are made visible, and the page carries a
content security policy that allows its own style and its own script and nothing else. What the script works on lies
beside it as JSON; the script is built from `web/` and committed, so that nobody needs npm.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import jinja2
from markupsafe import Markup, escape

from rkgraph.report.cards import cards_of
from rkgraph.report.gains import error_text
from rkgraph.report.page.categories import categories_of, cure_of, fix_command, passed_of
from rkgraph.report.page.costs import costs_of
from rkgraph.report.page.data import embedded, page_data
from rkgraph.report.page.opportunities import gains_of
from rkgraph.report.page.platforms import Survey, surveys
from rkgraph.report.page.score import score_of
from rkgraph.report.story import Story, stories
from rkgraph.report.strip import strip
from rkgraph.report.tiles import tiles_of
from rkgraph.report.visible import visible
from rkgraph.results import Report

__all__ = ["render"]


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
    environment.filters.update(plain=_plain, number=_number, kilo=_kilo, percent=error_text, inline=_inline)
    environment.globals.update(
        strip=strip,
        tiles_of=tiles_of,
        score_of=score_of,
        categories_of=categories_of,
        cure_of=cure_of,
        passed_of=passed_of,
        gains_of=gains_of,
        costs_of=costs_of,
        next_command=fix_command,
    )
    script = _source(environment, "report.js")
    told = stories(report)
    surveyed = surveys(told)
    shown = _shown(told, surveyed)
    codes = {finding.code for _, story in shown for result in story.results for finding in result.diagnostics}
    return environment.get_template("page.html").render(
        report=report,
        shown=shown,
        leads=[story for _, story in shown],
        surveys_by_story={_lead(told, survey): survey for survey in surveyed},
        cards=cards_of(codes),
        data=Markup(embedded(page_data(report, told))),  # noqa: S704 - escaped for scripts
        style=Markup(_source(environment, "report.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _shown(told: Sequence[Story], surveyed: Sequence[Survey]) -> list[tuple[str, Story]]:
    """The stories that are told at length, with their ids: all but those that a survey of platforms sums up."""
    leads = {_lead(told, survey) for survey in surveyed}
    summed_up = {f"s{number + 1}" for survey in surveyed for number in survey.stories} - leads
    named = ((f"s{number}", story) for number, story in enumerate(told, 1))
    return [(name, story) for name, story in named if name not in summed_up or story.changed or story.compile]


def _lead(told: Sequence[Story], survey: Survey) -> str:
    """The story that stands for a survey: one that goes furthest, else the one on the usual target, else the first."""

    def rank(number: int) -> tuple[bool, bool, bool]:
        story = told[number]
        usual = (story.after.target.platform, story.after.target.toolkit) == ("rk3588", "2.3.2")
        return story.compile is not None, story.changed, usual

    return f"s{max(survey.stories, key=rank) + 1}"


def _source(environment: jinja2.Environment, name: str) -> str:
    if environment.loader is None:
        raise jinja2.TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


def _visible(value: Any) -> Any:
    """Characters that hide, reorder or break text, spelled out; everything that is shown passes through here."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)


def _inline(text: str) -> Markup:
    """Text in which `words` in backticks are set as code."""
    pieces = re.split("`([^`]+)`", visible(text))
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
