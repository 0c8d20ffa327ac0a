"""What a rule says about a model: plain, frozen, serialisable data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from rkgraph.records import Record

__all__ = [
    "LATER",
    "Confidence",
    "Device",
    "Diagnostic",
    "FixOffer",
    "Location",
    "Safety",
    "Severity",
    "Suppressed",
    "Verdict",
    "fingerprint",
]


class Severity(str, Enum):
    """How bad a finding is: an error will not build, will not run on the board, or gives wrong numbers."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for a note, 2 for an error."""
        return ("note", "warning", "error").index(self.value)


class Verdict(str, Enum):
    """What becomes of a model on a target."""

    DEPLOYABLE = "deployable"
    NO_BOARD_KERNEL = "no-board-kernel"
    BUILD_FAILS = "build-fails"
    UNKNOWN = "unknown"


class Device(str, Enum):
    """Where a node of the original graph runs."""

    NPU = "npu"
    CPU = "cpu"
    HOST = "host"
    FOLDED = "folded"
    NO_KERNEL = "no-kernel"
    UNKNOWN = "unknown"


class Confidence(str, Enum):
    """What a statement rests on, strongest first."""

    DEVICE = "device"
    PROBED = "probed"
    DOCUMENTED = "documented"
    FIELD_REPORT = "field report"
    DISPUTED = "disputed"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """0 for the weakest ground, 5 for the strongest."""
        return len(Confidence) - 1 - list(Confidence).index(self)


class Safety(str, Enum):
    """What may differ after a fix. `SAFE` is applied by default; the others are opted into by `--allow`."""

    SAFE = "safe"
    SHAPE = "shape"
    INTERFACE = "interface"
    SPLIT = "split"
    APPROXIMATE = "approximate"
    FP16_RANGE = "fp16-range"
    MANUAL = "manual"


class Location(Record):
    """The place of a finding. `graph` is "main", or the path of a subgraph or function."""

    graph: str = "main"
    node: str | None = None
    op: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = f"{self.node or '(unnamed)'} ({self.op})" if self.op else (self.value or "model")
        return place if self.graph == "main" else f"{self.graph}: {place}"


class FixOffer(Record):
    """A fix that exists for a finding: what it would do and how safe that is."""

    title: str
    safety: Safety


LATER = {"later": True}
"""Of fields that reports of earlier versions do not have: None is not written, so that these stay what they are."""


class Suppressed(Record):
    """Why a finding does not count: what the user wrote, and the file and line where (`source`)."""

    reason: str
    source: str


class Diagnostic(Record):
    """One finding. `cause` is false where another finding (`induced_by`, its fingerprint) is the root.

    `suppressed` and `baseline` ("unchanged": known before; "new") change nothing of the facts: such findings do not
    make a command fail, and are not listed. `baseline` is None where findings are held against none. `numerics` is
    "wrong" where what is found builds, runs, and computes wrong numbers.
    """

    code: str
    severity: Severity
    at: Location
    message: str
    fingerprint: str
    cause: bool = True
    induced_by: str | None = None
    observed: Mapping[str, Any] = field(default_factory=dict)
    limit: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.PROBED
    fix: FixOffer | None = None
    suppressed: Suppressed | None = field(default=None, metadata=LATER)
    baseline: str | None = field(default=None, metadata=LATER)
    numerics: str | None = field(default=None, metadata=LATER)

    @property
    def counts(self) -> bool:
        """Whether the finding is listed, and may make a command fail: it is neither suppressed nor in the baseline."""
        return self.suppressed is None and self.baseline != "unchanged"


def fingerprint(code: str, *parts: str) -> str:
    """A short stable identity of a finding: 16 hex digits of SHA-256 over its code and what makes it itself."""
    import hashlib  # 4 ms that commands without findings need not pay

    return hashlib.sha256("\0".join((code, *parts)).encode()).hexdigest()[:16]
