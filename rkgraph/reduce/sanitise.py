"""A log without what it tells of the machine it was made on: folders, its user and its name."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["without_machine"]

_TRACE = re.compile(r'File "([^"]*[\\/])([^"\\/]+)"')
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ENDS = r"(?=[/\s'\":,)\]]|$)"


def without_machine(text: str, folders: Iterable[Path] = ()) -> str:
    """`text` without colours, without the folders of traces and of this machine, without user and host.

    Args:
        text: a log.
        folders: further folders that must not be named (the toolkit's, the model's).
    """
    text = _ESCAPES.sub("", text)
    text = _TRACE.sub(r'File "…/\2"', text)
    for folder in sorted({*map(str, folders), *_own_folders()}, key=len, reverse=True):
        if len(folder) > 1:
            text = re.sub(re.escape(folder) + r"(?:/[^\s'\":,)\]/]+)*/", "…/", text)
            text = re.sub(re.escape(folder) + _ENDS, "…", text)
    for secret in _names():
        text = re.sub(rf"(?<![\w.-]){re.escape(secret)}(?![\w.-])", "…", text)
    return text


def _own_folders() -> set[str]:
    known = [
        tempfile.gettempdir(),
        Path.home(),
        Path.cwd(),
        sys.prefix,
        sys.base_prefix,
        os.environ.get("RKGRAPH_HOME"),
    ]
    return {str(folder).rstrip("/") for folder in known if folder} - {""}


def _names() -> list[str]:
    """The names of host and user; names that are words of any log ("root", "localhost") stay."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry
        user = ""
    names = {socket.gethostname(), socket.getfqdn(), user}
    return sorted(
        (name for name in names if len(name) > 3 and name not in ("root", "user", "localhost")), key=len, reverse=True
    )
