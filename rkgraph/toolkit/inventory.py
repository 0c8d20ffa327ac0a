"""What is installed below a home folder, told without running it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import ToolkitMissing
from rkgraph.toolkit.catalog import VERSIONS
from rkgraph.toolkit.locate import find_toolkit, toolkit_folder
from rkgraph.toolkit.stamp import read_stamp

__all__ = ["ManagedToolkit", "inventory"]


@dataclass(frozen=True)
class ManagedToolkit:
    """One release and its state: "installed", "not installed" or "broken: …". Sizes in MB."""

    version: str
    state: str
    size_mb: int = 0
    python: str = ""
    torch: str = ""

    @property
    def installed(self) -> bool:
        """Usable, as far as can be told without importing it."""
        return self.state == "installed"


def inventory(home: Path) -> tuple[ManagedToolkit, ...]:
    """All releases that rkgraph installs, in order."""
    return tuple(_look(version, home) for version in VERSIONS)


def _look(version: str, home: Path) -> ManagedToolkit:
    folder = toolkit_folder(version, home)
    if not folder.exists():
        return ManagedToolkit(version, "not installed")
    try:
        find_toolkit(version, home=home)
    except ToolkitMissing as error:
        reason = error.message.removeprefix(f"rknn-toolkit2 {version}").lstrip(": ")
        return ManagedToolkit(version, f"broken: {reason}")
    stamp = read_stamp(folder)
    torch = Path(stamp.torch_folder)
    whole = torch.is_dir() and all(entry.exists() for entry in torch.iterdir())
    state = "installed" if whole else f"broken: its torch is gone ({stamp.torch_origin})"
    return ManagedToolkit(version, state, stamp.size_mb, stamp.python, f"{stamp.torch} ({stamp.torch_origin})")
