"""`rkgraph toolkit install|list|remove`: managed rknn-toolkit2 environments."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rkgraph.cli.common import QuietOption, home_folder
from rkgraph.cli.output import Output

app = typer.Typer()

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="2.2.0, 2.3.0, 2.3.2 or 2.5.0.")]


@app.command()
def install(
    version: VersionArgument,
    *,
    python: Annotated[
        Path | None, typer.Option("--python", help="Python 3.10 to 3.12 to make the environment with.", metavar="PATH")
    ] = None,
    torch_from: Annotated[
        Path | None, typer.Option("--torch-from", help="Share the torch of this interpreter.", metavar="PATH")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Install anew, though it is installed.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Install a toolkit into an environment of its own.

    It goes below $RKGRAPH_HOME (default: your cache folder), with the versions of its requirements that
    work, and is verified by importing it. Your own environment is not touched. pip is used as you
    configured it.

    Examples:
        rkgraph toolkit install 2.3.2

        rkgraph toolkit install 2.5.0 --yes --torch-from /usr/bin/python3
    """
    from rkgraph.toolkit.install import InstallRequest, install_toolkit, known_release

    output = Output(quiet=quiet)
    request = InstallRequest(known_release(version), home_folder(), python, torch_from, force)
    with ExitStack() as stack:
        screen = _Screen(output, stack, f"install rknn-toolkit2 {version}", yes)
        toolkit = install_toolkit(request, screen.confirm, screen.tell)
    output.print(f"rknn-toolkit2 {version}: {toolkit.python}")


@app.command("list")
def list_() -> None:
    """List toolkits: installed or not, size, whose torch.

    Examples:
        rkgraph toolkit list
    """
    from rkgraph.toolkit.inventory import inventory

    output = Output()
    rows = [
        (each.version, each.state, f"{each.size_mb} MB" if each.size_mb else "", each.python, each.torch)
        for each in inventory(home_folder())
    ]
    output.table(("version", "state", "size", "python", "torch"), rows, right=(2,))


@app.command()
def remove(version: VersionArgument) -> None:
    """Remove an installed toolkit. A shared torch stays for the others.

    Examples:
        rkgraph toolkit remove 2.2.0
    """
    from rkgraph.toolkit.install import known_release, remove_toolkit

    known_release(version)
    there = remove_toolkit(version, home_folder())
    Output().print(f"rknn-toolkit2 {version} {'removed' if there else 'is not installed'}")


class _Screen:
    """Says the size, asks, and only then starts the progress line (a live line would overwrite the question)."""

    def __init__(self, output: Output, stack: ExitStack, title: str, yes: bool) -> None:
        self._output, self._stack, self._title, self._yes = output, stack, title, yes
        self._tell: Callable[[str], None] | None = None

    def confirm(self, text: str) -> bool:
        """Say what will be downloaded; in a terminal ask, unless --yes."""
        self._output.note(text)
        in_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        agreed = self._yes or not in_terminal or typer.confirm("Go on?", default=True, err=True)
        if agreed:
            self._tell = self._stack.enter_context(self._output.progress(self._title))
        return agreed

    def tell(self, text: str) -> None:
        """A step has begun."""
        if self._tell is not None:
            self._tell(text)
