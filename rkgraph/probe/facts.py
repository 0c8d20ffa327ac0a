"""What the toolkit made of one small model, as plain data: kept as it was seen, judged afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rkgraph.toolkit.jobs import JobResult
from rkgraph.toolkit.logs import read_log

__all__ = ["Facts", "facts_of"]

_PATHS = re.compile(r"(?<![\w'])/[^\s'\"]+")
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Facts:
    """One build of one model.

    Attributes:
        ended: "ok", the stage that failed, or how the process ended (rkgraph.toolkit.jobs.Outcome).
        stage: the last stage entered.
        error: the innermost error, paths removed; "" where all went well.
        layers: (operator, target, name) of each row of the layer table that is work.
        lost: (name, operator) of each node that the compiler found no lowering for.
        codes: codes of what else the log says (RK9xx).
    """

    ended: str
    stage: str = ""
    error: str = ""
    layers: tuple[tuple[str, str, str], ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Facts:
        """From JSON. Raises KeyError or TypeError for what is not a record."""
        return cls(
            ended=record["ended"],
            stage=record["stage"],
            error=record["error"],
            layers=tuple((op, target, name) for op, target, name in record["layers"]),
            lost=tuple((name, op) for name, op in record["lost"]),
            codes=tuple(record["codes"]),
        )


def facts_of(result: JobResult) -> Facts:
    """The facts of a finished job."""
    said = read_log(result.log)
    error = "" if result.ok else _PATHS.sub("…", (result.error or result.outcome).strip())[:_LONGEST_ERROR]
    return Facts(
        ended=result.outcome,
        stage=result.stage or "",
        error=error,
        layers=tuple((layer.op, layer.target, layer.name) for layer in said.layers if not layer.is_boundary),
        lost=tuple((entry.name, entry.op) for entry in said.no_lowering),
        codes=tuple(sorted({message.code for message in said.messages})),
    )
