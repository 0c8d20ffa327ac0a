"""What a section on an NPU operator says, as limits of the closed set of kinds and notes of ours.

A limit or a condition is a mapping as it stands in op_tables/documented.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vendor_documents.attributes import attribute_limits
from vendor_documents.bounds import LAYOUT, RANK_4, Limit, bounds, intervals
from vendor_documents.permutations import permutations
from vendor_documents.sections import Body, Part

__all__ = ["limits", "notes", "types"]

_PRODUCT = re.compile(r"((?:\w+ ∗ )+\w+) *(<=?|∈ *[\[(]\d,) *(\d+)([)\]]?)")
_NOTES = (
    (r"等于 1 或大于 8", "the product must be 1 or above 8"),
    (r"广播约束同\s*Expand", "operands broadcast as far as Expand does"),
    (r"\[b, c, 1, 1\].*\[scalar\]|B\(C,1,1\)", "broadcasts one value a channel, or a scalar, only"),
    (r"整数倍缩放", "scales height and width only, by whole factors of 2 to 8; a 1x1 map to any size"),
    (r"大于 1 时仅支持 4 的倍数", "a batch above 1 must be a multiple of 4"),
    (r"仅支持 0、1、2、3、0\.5", "exponents 0, 1, 2, 3, 0.5 and -0.5 only"),
    (r"仅支持单个标量或 C 维度系数", "the slope is a scalar or one value a channel"),
    (r"仅支持 1, 当且仅当 num_input", "`group` is 1, or the number of channels where inputs and outputs are as many"),
    (r"stride_h \*\(height", "padding must leave room: not beyond the dilated kernel, nor short of the output"),
    (r"首层输入\s*width", "the width of a model's first layer is limited further"),
    (r"不支持 kernel_h=1 且 kernel_w=1", "not with a 1x1 kernel"),
    (r"steps 可以不为 1", "steps other than 1 only along the channels of a 1x1 map, aligned to its channel blocks"),
    (r"受限于\s*tran", "bounded by what Transpose can do where the axis is not the channel"),
    (r"(h1|w1)%(8|16)=0", "sizes, or products of them, must be multiples of 4, 8 or 16, depending on `perm` and type"),
    (
        r"h1=w1=1, n1%4=0",
        "only where height and width, or batch and height, are 1, and another size is a multiple of 4",
    ),
    (r"目前只支持 \[1\] 和 \[1,2,3\]", "normalises dimension 1, or 1 to 3, of the compiler's own 4-D layout"),
    (r"工具端转换成卷积实现", "not as such: the toolkit turns it into a convolution"),
)


def types(body: Body) -> list[str]:
    """The element types of the compiled operator: those of its first output, constants apart."""
    if not body.outputs:
        return sorted({t for listed in body.types.values() for t in listed})
    symbols = re.findall(r"T\d?", body.outputs[0].head)
    return sorted({t for s in symbols for t in body.types.get(s, [])})


def notes(lines: list[str]) -> str:
    """What no kind of limit can say, in our words."""
    text = " ".join(lines)
    return "; ".join(words for pattern, words in _NOTES if re.search(pattern, text))


def limits(op: str, body: Body) -> list[Limit]:
    """All limits that a section states and the closed set of kinds can express."""
    found = list(_tensors(op, body))
    if not op.startswith("Global"):
        for attribute in body.attributes:
            perm = attribute.name.startswith("perm")
            found += permutations(body, attribute) if perm else attribute_limits(op, attribute)
    if any("[b, c, 1, w]" in line for line in body.rest):
        found += _broadcasts(body)
    return found


def _tensors(op: str, body: Body) -> Iterator[Limit]:
    for index, part in enumerate(body.inputs):
        rank = [{"kind": "rank", "index": index, "allowed": [4]}] if part.axes[1:] == LAYOUT[1:] else []
        joined = " ".join(part.lines)
        always = " ".join(line for line in part.lines if "axis=" not in line)
        for name, low, high in intervals(always):
            names = [re.sub(r"[_ ]", "", a) for a in part.axes]
            if op == "exMatMul":
                yield {"kind": "dimension", "index": index, "axis": -1, **bounds(low, high)}
            elif name in names:
                axis = names.index(name)
                yield _sized(index, axis, bounds(low, high), rank)
        if "dilated_kernel_h > 1" in joined:
            taller = {"kind": "dimension", "index": 1, "axis": 2, "low": 2}
            yield {"kind": "dimension", "index": 0, "axis": 3, "high": 16382, "when": [taller]}
        yield from _by_axis(index, part)
        if "rank = 1" in joined:
            yield {"kind": "rank", "index": index, "allowed": [1]}
        if "目前暂不支持" in joined:
            yield {"kind": "presence", "index": index, "label": part.name, "present": False}
        if "仅支持 0、1、2、3、0.5" in joined:
            yield {"kind": "constant-range", "index": index, "low": -0.5, "high": 3}


def _sized(index: int, axis: int, bound: Limit, rank: list[Limit]) -> Limit:
    return {"kind": "dimension", "index": index, "axis": axis, **bound, **({"when": rank} if rank else {})}


def _by_axis(index: int, part: Part) -> Iterator[Limit]:
    """Products of sizes, and sizes that are bounded for one value of the attribute `axis` (Hardmax, Softmax)."""
    for line in part.lines:
        for words in re.split(r"[;；]", line):
            axis = re.search(r"axis=([\d/\-‑]+)", words)
            when = [{**RANK_4, "index": index}]
            if axis:
                values = [int(v.replace("‑", "-")) for v in axis[1].split("/")]
                when.insert(0, {"kind": "attribute-in", "attribute": "axis", "allowed": values})
            sizes = _PRODUCT.search(words)
            if sizes:
                axes = [LAYOUT.index(name) for name in sizes[1].split(" ∗ ")]
                high = int(sizes[3]) - (sizes[2] == "<" or sizes[4] == ")")
                yield {"kind": "product", "index": index, "axes": axes, "high": high, "when": when}
            if not axis:
                continue
            for name, low, high_text in intervals(words.split(",", 1)[-1]):
                if name in LAYOUT:
                    bound = bounds(low, high_text)
                    yield {"kind": "dimension", "index": index, "axis": LAYOUT.index(name), **bound, "when": when}


def _broadcasts(body: Body) -> Iterator[Limit]:
    """Expand: height and width that grow out of 1."""
    for axis, name in ((2, "h"), (3, "w")):
        text = " ".join(body.rest)
        for bound in dict.fromkeys((low, high) for n, low, high in intervals(text) if n == name):
            grows = [{"kind": "dimension", "index": 0, "axis": axis, "high": 1}, RANK_4]
            yield {"kind": "dimension", "index": 0, "side": "output", "axis": axis, **bounds(*bound), "when": grows}
