"""Models of cases in evidence files, without what nearly all of them begin with and the branch that all of them have.

    17 (…, float[1,12] x2) => (probe_y, k1) { … [probe] probe_y = Erf(x2) }

stands for

    <ir_version: 8, opset_import: ["" : 17]> rk (float[1,4,6,10] k0, float[4,4,1,1] w_k, float[1,12] x2) =>
    (probe_y, k1) { [kin] k1 = Conv(k0, w_k) [probe] probe_y = Erf(x2) }
"""

from __future__ import annotations

import re

from rkgraph.probe.case import COMPANION

__all__ = ["restored", "shortened"]

_HEAD = re.compile(r'<ir_version: (\d+), opset_import: \["" : (\d+)\]> rk ')
_SHORT_HEAD = re.compile(r"(\d+) (?=\()")
_GAP = "…"
_INPUTS = f"({', '.join(COMPANION[:2])}"
_NODE = f"{{ {COMPANION[2]}"


def shortened(text: str) -> str:
    """The shorthand of a model's ONNX text, or the text itself where that cannot be written shorter."""
    head = _HEAD.match(text)
    if head is None or _GAP in text or int(head.group(1)) != _ir_version(int(head.group(2))):
        return text
    body = text[head.end() :].replace(_INPUTS, f"({_GAP}", 1).replace(_NODE, f"{{ {_GAP}", 1)
    short = f"{head.group(2)} {body}"
    return short if restored(short) == text else text


def restored(short: str) -> str:
    """The ONNX text that a shorthand stands for."""
    head = _SHORT_HEAD.match(short)
    if head is None:
        return short
    opset = int(head.group(1))
    body = short[head.end() :].replace(f"({_GAP}", _INPUTS, 1).replace(f"{{ {_GAP}", _NODE, 1)
    return f'<ir_version: {_ir_version(opset)}, opset_import: ["" : {opset}]> rk {body}'


def _ir_version(opset: int) -> int:
    """That of cases with this opset: see rkgraph/probe/case.py."""
    return 9 if opset >= 19 else 8
