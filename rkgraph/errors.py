"""The one exception tree. What a user sees is always one of these; anything else is our bug.

    RkgraphError
    ├── UsageError            2  wrong options, configuration, unwritable output
    │   ├── ModelError        2  the model cannot be read
    │   ├── TargetError       2  unknown platform, toolkit or precision, or a combination that cannot be
    │   └── ToolkitMissing    2  the toolkit is not installed
    ├── ProofRefuted          3  a rewrite was shown to be wrong
    └── ToolkitFailed         4  the toolkit raised, died, hung or returned an error

Each carries what is wrong (`message`, one line, with the place) and how to mend it (`hint`, a command
or an option; may be empty).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "ExitCode",
    "ModelError",
    "ProofRefuted",
    "RkgraphError",
    "TargetError",
    "ToolkitFailed",
    "ToolkitMissing",
    "UsageError",
]


class ExitCode(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    PROOF_REFUTED = 3
    TOOLKIT_FAILED = 4
    BUG = 70
    INTERRUPTED = 130


class RkgraphError(Exception):
    """Base of all errors that a user may see: one line of what and where, and the mend."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(RkgraphError):
    """Options, configuration or output paths that cannot be used as given."""


class ModelError(UsageError):
    """A model that cannot be read, or that is not safe to read."""


class TargetError(UsageError):
    """An unknown platform, toolkit version or precision, or a combination that does not exist."""


class ToolkitMissing(UsageError):
    """The toolkit version that is needed is not installed; the hint is the command that installs it."""


class ProofRefuted(RkgraphError):
    """A rewrite that was applied has been shown to change results."""

    exit_code = ExitCode.PROOF_REFUTED


class ToolkitFailed(RkgraphError):
    """The toolkit raised, returned an error, died, hung or used too much memory."""

    exit_code = ExitCode.TOOLKIT_FAILED
