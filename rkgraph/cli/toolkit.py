"""`rkgraph toolkit install|list|remove`: managed rknn-toolkit2 environments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rkgraph.cli.common import QuietOption, home_folder
from rkgraph.cli.output import Output

app = typer.Typer()

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="2.2.0, 2.3.0, 2.3.2 or 2.5.0.")]


@app.command()
def install(
    version: VersionArgument = "2.3.2",
    python: Annotated[
        Path | None, typer.Option("--python", help="Python 3.10 to 3.12 to make the environment with.")
    ] = None,
    torch_from: Annotated[
        Path | None, typer.Option("--torch-from", help="Share the torch of this interpreter.", metavar="PYTHON")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Install anew, though it is installed.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Install a toolkit into an environment of its own.

    It goes below $RKGRAPH_HOME (default: your cache folder), with the versions of its requirements that
    work, and is verified by importing it. Your own environment is not touched. pip is used as you
    configured it.

    \b
    Examples:
      rkgraph toolkit install 2.3.2
      rkgraph toolkit install 2.5.0 --yes --torch-from /usr/bin/python3
    """
    from rkgraph.toolkit.install import InstallRequest, install_toolkit, known_release

    output = Output(quiet=quiet)
    request = InstallRequest(known_release(version), home_folder(), python, torch_from, force)
    with output.progress(f"install rknn-toolkit2 {version}") as tell:
        toolkit = install_toolkit(request, lambda text: _agreed(output, text, yes), tell)
    output.print(f"rknn-toolkit2 {version}: {toolkit.python}")


@app.command("list")
def list_() -> None:
    """List toolkits: which are installed, how large, and whose torch they use.

    \b
    Example:
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

    \b
    Example:
      rkgraph toolkit remove 2.2.0
    """
    from rkgraph.toolkit.install import known_release, remove_toolkit

    known_release(version)
    there = remove_toolkit(version, home_folder())
    Output().print(f"rknn-toolkit2 {version} {'removed' if there else 'is not installed'}")


def _agreed(output: Output, text: str, yes: bool) -> bool:
    """Say what will be downloaded; in a terminal ask, unless --yes."""
    output.note(text)
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return typer.confirm("Go on?", default=True, err=True)
