"""One thing that a document or a report says of an operator, and the document or report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rkgraph.diagnostics import Confidence
from rkgraph.tables.limits import LimitKind

__all__ = ["PRECISION_TYPE", "Claim", "DocumentedLimit", "Source", "Statement"]

Claim = Literal["npu", "cpu", "supported", "restricted", "unsupported"]
"""What is said of an operator. "supported": no device is named; "restricted": likewise, and not in every form."""

PRECISION_TYPE = {"fp16": "float16", "w8a8": "int8", "w8a16": "int16", "w16a16i": "int16", "w4a16": "float16"}
"""The element type that activations have in a model compiled with a precision, as the documents name it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document or a report, as it was when it was read.

    `name` is what ids cite (`doc:NAME/PLACE`, `field:NAME`). Of a document: `repository`, `commit`, `file` and its git
    `blob`, the `toolkit` that it describes, `sections`: how many numbered sections each part has ("3.2": 79), and
    `platforms`: those that a part or a section is about; a list without sections is cited by operator. Of a report:
    its `url`.
    """

    name: str
    repository: str = ""
    commit: str = ""
    file: str = ""
    blob: str = ""
    toolkit: str = ""
    url: str = ""
    sections: tuple[tuple[str, int], ...] = ()
    platforms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def speaks_of(self, place: str, version: str, platform: str) -> bool:
        """Whether what stands at `place` was said of a toolkit version and a platform; of a report it always was."""
        if self.url:
            return True
        known = dict(self.platforms)
        about = known.get(place, known.get(place.rpartition(".")[0]))
        return self.toolkit == version and (about is None or platform in about)


@dataclass(frozen=True, slots=True)
class DocumentedLimit:
    """`check` must hold wherever all of `when` do, in models compiled to one of the element `types` (empty: all)."""

    check: LimitKind
    when: tuple[LimitKind, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that is said of an operator.

    Attributes:
        op: the ONNX operator, or where `internal` a layer of the compiler that is none ("exSwish").
        toolkits, platforms: what it is said of; no platforms means all.
        claim: see `Claim`.
        sources: ids, `doc:NAME/PLACE` or `field:NAME`.
        when: the claim is about nodes where all of these hold.
        limits: what must hold for the claim, as far as the closed set of kinds can say it.
        types: element types of the compiled operator ("float16", "int8"); empty where nothing is said.
        layer: the compiler's own name of the operator, where the source uses that.
        fuses: operators that may follow and be fused into this one; "Add+Relu" is two.
        note: what the kinds of limits cannot say, in our words.
    """

    op: str
    toolkits: tuple[str, ...]
    claim: Claim
    sources: tuple[str, ...]
    platforms: tuple[str, ...] = ()
    when: tuple[LimitKind, ...] = ()
    limits: tuple[DocumentedLimit, ...] = ()
    types: tuple[str, ...] = ()
    fuses: tuple[str, ...] = ()
    layer: str = ""
    note: str = ""
    internal: bool = False

    @property
    def confidence(self) -> Confidence:
        """What the statement rests on: a document, or a user's report."""
        documented = any(s.startswith("doc:") for s in self.sources)
        return Confidence.DOCUMENTED if documented else Confidence.FIELD_REPORT

    @property
    def unconditional(self) -> bool:
        """Whether nothing is said against any form of the operator."""
        return not (self.limits or self.note or self.when)

    def covers(self, platform: str, precision: str | None = None) -> bool:
        """Whether it speaks of a platform, and (unless None) of a precision: the element type that this gives."""
        if self.platforms and platform not in self.platforms:
            return False
        return precision is None or not self.types or PRECISION_TYPE.get(precision) in self.types
