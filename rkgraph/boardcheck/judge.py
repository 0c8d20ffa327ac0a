"""What a run on a board says of a case, as a line of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rkgraph.boardcheck.results import BoardResults
from rkgraph.errors import UsageError
from rkgraph.probe.case import COMPANION

__all__ = ["Answer", "answers_of", "judge"]

Kind = Literal["right", "as-simulated", "wrong", "refused", "unsettled"]
"""What a board made of a case.

- "right": it ran, with the numbers of ONNX Runtime, or near them as fp16 is.
- "as-simulated": it ran, with other numbers, but those that the toolkit's simulator gives.
- "wrong": it ran, and the numbers are neither.
- "refused": an error code, an exception, a crash or a hang, where the control model runs.
- "unsettled": nothing can be said of the operator, as what stands beside it went wrong, too.
"""

_COSINE = 0.99
"""The lowest of an output that is right."""

_SHARE = 0.05
"""The largest error of an element that is right, as a share of the largest of the reference."""

_SMALL = 1e-3
"""An error that is right whatever the reference: half of a step of fp16 at 1 is 0.0005."""

_DIFFERING = 0.02
"""The share of whole numbers that may differ: comparisons and roundings of numbers that fp16 moves over an edge."""

_WITNESS = COMPANION[3]
"""The output of the independent convolution that every case has."""

_SAID = ("unsupport", "error", "e rknn", "fail")
"""Words of a line that says why something was refused."""

_LONGEST = 160

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a board says of a case.

    Attributes:
        case: of the manifest.
        kind: how it fared.
        line: of evidence, with "grade": "device"; empty where nothing is settled.
        detail: why, in words.
    """

    case: Record
    kind: Kind
    line: Record = field(default_factory=dict)
    detail: str = ""

    @property
    def confirms(self) -> bool:
        """Whether the compiler said the same."""
        return bool(self.line) and self.line["outcome"] == self.case["compiled"]["outcome"]


def answers_of(results: BoardResults) -> list[Answer]:
    """What a board says of each case that it ran.

    Raises:
        UsageError: the control model did not run right, so that what was refused says nothing of operators.
    """
    case, run = results.control
    control = judge(case, run)
    if control.kind != "right":
        raise UsageError(
            f"the control model, a plain convolution, is {control.kind} on this board ({control.detail}): "
            "nothing can be concluded of the others",
            "compare the versions of driver, librknnrt and rknn-toolkit-lite2 with the toolkit's; run it again",
        )
    return [judge(case, run) for case, run in results.runs]


def judge(case: Record, run: Record) -> Answer:
    """What one run says.

    A model that is refused has no kernel. One that runs as it should is on the device that the compiler said; where
    that said that there was none, the runtime runs it, on the CPU. One that gives wrong numbers is `unknown`: no
    device is any use, and the line says how far off it is.
    """
    if run["status"] != "ran":
        return _answer(case, "refused", "no-kernel", _why(run))
    spoilt = _failing(run, "expected", lambda name: name == _WITNESS)
    if spoilt:
        return Answer(case, "unsettled", detail=f"the convolution beside it is wrong, too ({spoilt})")
    compiled = case["compiled"]["outcome"]
    device = "cpu" if compiled == "no-kernel" else compiled
    wrong = _failing(run, "expected")
    if not wrong:
        return _answer(case, "right", device)
    if all("simulated" in output["against"] for output in run["outputs"]) and not _failing(run, "simulated"):
        return _answer(case, "as-simulated", device, f"{wrong}, as the simulator says")
    return _answer(case, "wrong", "unknown", f"wrong numbers: {wrong}")


def _answer(case: Record, kind: Kind, outcome: str, detail: str = "") -> Answer:
    compiled = case["compiled"]
    line: dict[str, Any] = {"id": case["id"], "op": case["op"], "outcome": outcome, "grade": "device"}
    line |= {key: compiled[key] for key in ("layers", "around", "lost", "warned") if key in compiled}
    if detail:
        line["detail"] = detail
    return Answer(case, kind, line, detail)


def _failing(run: Record, reference: str, among: Any = lambda _name: True) -> str:
    """The first output that is not near its reference, and how far it is off; "" where all are near."""
    said = (
        (output["name"], _off(output["against"][reference]))
        for output in run["outputs"]
        if among(output["name"]) and reference in output["against"]
    )
    return next((f"{name}: {words}" for name, words in said if words), "")


def _off(found: Record) -> str:
    """How an output differs from a reference, in words; "" where it is near enough."""
    if "detail" in found:
        return str(found["detail"])[:_LONGEST]
    if found["spoilt"]:
        return f"{found['spoilt']} of {found['elements']} elements are not finite, or should not be"
    if found["whole"]:
        many = found["differing"] > _DIFFERING * found["elements"]
        return f"{found['differing']} of {found['elements']} whole numbers differ" if many else ""
    far = found["max_error"] > max(_SMALL, _SHARE * found["peak"])
    if far or (found["cosine"] < _COSINE and found["max_error"] > _SMALL):
        return f"cosine {found['cosine']:.4f}, error {found['max_error']:.3g} where the largest is {found['peak']:.3g}"
    return ""


def _why(run: Record) -> str:
    """How a model was refused: at which stage, how, and what the runtime said of it."""
    how = run.get("signal") or run.get("error") or (f"code {run[run['stage']]}" if run.get(run["stage"]) else "")
    where = f"{run['status']} at {run['stage']}" + (f" ({how})" if how else "")
    said = _telling(run["printed"])
    return f"{where}: {said}"[: 2 * _LONGEST] if said else where


def _telling(lines: Iterable[str]) -> str:
    """The line that says most: that of an operator without a kernel, else the first error."""
    found = sorted((line for line in lines if any(w in line.lower() for w in _SAID)), key=_weight)
    return found[0] if found else ""


def _weight(line: str) -> int:
    return next(rank for rank, word in enumerate(_SAID) if word in line.lower())
