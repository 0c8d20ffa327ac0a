"""Outputs left out: named "" at the start, in the middle or at the end, as exporters do for what nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from rkgraph.probe.case import COMPANION, Case

__all__ = ["cases"]


class Form(NamedTuple):
    """An operator with several outputs: inputs (`w…` constant), attributes, how many, whether each may be missing."""

    op: str
    inputs: str
    attributes: str
    outputs: int
    all_optional: bool = False


FORMS = (
    Form("LSTM", "float[9,1,20] x, float[1,40,20] w, float[1,40,10] w1, float[1,80] w2", "hidden_size = 10", 3, True),
    Form("LSTM", "float[9,2,20] x, float[1,40,20] x1, float[1,40,10] x2, float[1,80] x3", "hidden_size = 10", 3, True),
    Form("GRU", "float[9,1,20] x, float[1,30,20] w, float[1,30,10] w1, float[1,60] w2", "hidden_size = 10", 2, True),
    Form("GRU", "float[9,2,20] x, float[1,30,20] x1, float[1,30,10] x2", "hidden_size = 10", 2, True),
    Form("RNN", "float[9,1,20] x, float[1,10,20] w, float[1,10,10] w1, float[1,20] w2", "hidden_size = 10", 2, True),
    Form("RNN", "float[9,2,20] x, float[1,10,20] x1, float[1,10,10] x2", "hidden_size = 10", 2, True),
    Form("LayerNormalization", "float[1,14,30] x, float[30] w, float[30] w1", "axis = -1, epsilon = 0.00001", 3),
    Form("LayerNormalization", "float[1,6,10,20] x, float[20] w", "axis = 3, epsilon = 0.00001", 3),
    Form("LayerNormalization", "float[6,20] x, float[20] x1, float[20] x2", "epsilon = 0.00001", 3),
    Form("MaxPool", "float[1,6,14,18] x", "kernel_shape = [2,2], strides = [2,2]", 2),
    Form("Dropout", "float[1,14,30] x", "", 2),
    Form("SoftmaxCrossEntropyLoss", "float[3,11,7] x, int64[3,7] x1", "", 2),
)


def cases() -> Iterator[Case]:
    """For each form, every choice of outputs that are given; the last ones missing are named "", or not written."""
    for form in FORMS:
        for given in product((True, False), repeat=form.outputs):
            if not any(given) or not (given[0] or form.all_optional):
                continue
            yield _case(form, [f"probe_y{n}" if g else '""' for n, g in enumerate(given)])
            last = max(n for n, g in enumerate(given) if g) + 1
            if last < form.outputs:
                yield _case(form, [f"probe_y{n}" if g else '""' for n, g in enumerate(given[:last])])


def _case(form: Form, names: list[str]) -> Case:
    attributes = f"<{form.attributes}>" if form.attributes else ""
    inputs = ", ".join(declared.split()[-1] for declared in form.inputs.split(", "))
    made = [f"after{n} = Identity({name})" for n, name in enumerate(names) if name != '""']
    results = ", ".join(line.split(" = ")[0] for line in made)
    text = (
        f'<ir_version: 8, opset_import: ["" : 17]> rk ({form.inputs}, {COMPANION[0]}, {COMPANION[1]})'
        f" => ({results}, {COMPANION[3]}) {{ {COMPANION[2]} "
        f"[probe] {', '.join(names)} = {form.op}{attributes}({inputs}) {' '.join(made)} }}"
    )
    rank = form.inputs.split("]", maxsplit=1)[0].count(",") + 1
    words = "".join("-" if name == '""' else "y" for name in names)
    return Case(
        f"{form.op}/outputs-{words},r{rank},{'computed' if 'x1' in form.inputs else 'constant'},alone", form.op, text
    )
