"""The toolkits of tests that hold for one version of them."""

from __future__ import annotations

import pytest

from rkgraph.cli.common import DEFAULT_TOOLKIT
from rkgraph.toolkit.inventory import inventory
from rkgraph.toolkit.locate import Toolkit, default_home, find_toolkit

__all__ = ["toolkit_of"]


def toolkit_of(version: str) -> Toolkit:
    """The toolkit of a version; a test of one that `make test` does not install (0.7 GB each) is skipped without it.

    A missing default toolkit fails, and so does one that is installed and broken.
    """
    present = {each.version for each in inventory(default_home()) if each.installed}
    if version != DEFAULT_TOOLKIT and version not in present:
        pytest.skip(f"make test installs {DEFAULT_TOOLKIT} only; for this test: rkgraph toolkit install {version}")
    return find_toolkit(version, None)
