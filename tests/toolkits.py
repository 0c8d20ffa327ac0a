"""The toolkits of tests that hold for one version of them."""

from __future__ import annotations

import pytest

from rkgraph.errors import ToolkitMissing
from rkgraph.toolkit.locate import Toolkit, find_toolkit

__all__ = ["INSTALLED", "toolkit_of"]

INSTALLED = "2.3.2"
"""What `make test` installs: without it a test fails."""


def toolkit_of(version: str) -> Toolkit:
    """The toolkit of a version; without one of 0.7 GB that `make test` does not install, the test is skipped."""
    try:
        return find_toolkit(version, None)
    except ToolkitMissing as error:
        if version == INSTALLED:
            raise
        pytest.skip(str(error))
