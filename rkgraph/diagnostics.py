"""What a rule says about a model: plain, frozen, serialisable data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Confidence", "Device", "Diagnostic", "FixOffer", "Location", "Safety", "Severity", "Verdict", "fingerprint"]


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


@dataclass(frozen=True)
class Location:
    """The place of a finding. `graph` is "main", or the path of a subgraph or function."""

    graph: str = "main"
    node: str | None = None
    op: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = f"{self.node or '(unnamed)'} ({self.op})" if self.op else (self.value or "model")
        return place if self.graph == "main" else f"{self.graph}: {place}"


@dataclass(frozen=True)
class FixOffer:
    """A fix that exists for a finding: what it would do and how safe that is."""

    title: str
    safety: Safety


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `cause` is false where another finding (`induced_by`, its fingerprint) is the root."""

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


def fingerprint(code: str, *parts: str) -> str:
    """A short stable identity of a finding: 16 hex digits of SHA-256 over its code and what makes it itself."""
    import hashlib  # 4 ms that commands without findings need not pay

    return hashlib.sha256("\0".join((code, *parts)).encode()).hexdigest()[:16]
