"""Activations whose result multiplies something, as in gates: attributes written out or left out, on what, by what."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import COMPANION, Case

__all__ = ["cases"]

GATES = {
    "HardSigmoid": {
        "bare": "",
        "alpha": "<alpha = 0.2>",
        "beta": "<beta = 0.5>",
        "both": "<alpha = 0.2, beta = 0.5>",
        "sixth": "<alpha = 0.16666667, beta = 0.5>",
        "quarter": "<alpha = 0.25, beta = 0.4>",
    },
    "Sigmoid": {"bare": ""},
    "Tanh": {"bare": ""},
    "LeakyRelu": {"bare": "", "alpha": "<alpha = 0.2>"},
    "Elu": {"bare": "", "alpha": "<alpha = 0.5>"},
    "Softplus": {"bare": ""},
    "HardSwish": {"bare": ""},
    "ThresholdedRelu": {"bare": ""},
}

SHAPES = ((5, 9), (2, 7, 12), (1, 6, 8, 10), (3, 5, 7, 9))


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op, forms in GATES.items():
        for form, text in forms.items():
            for shape in SHAPES if op == "HardSigmoid" else SHAPES[:3:2]:
                dims = ",".join(map(str, shape))
                for joined, nodes in {
                    "itself": "y = Mul(x, q)",
                    "other": "y = Mul(q, z)",
                    "constant": "y = Mul(q, s)",
                    "sum": "y = Add(q, z)",
                    "twice": "t = Mul(q, z) y = Add(t, q)",
                }.items():
                    slug = f"{form},{dims.replace(',', 'x')},{joined}"
                    yield Case(f"{op}/in-gate-{slug}", op, _model(dims, f"[probe] q = {op}{text}(x) {nodes}"))


def _model(dims: str, nodes: str) -> str:
    first, stored, node, made = COMPANION
    head = f'<ir_version: 8, opset_import: ["" : 17]> rk ({first}, {stored}, float[{dims}] x, float[{dims}] z)'
    return f"{head} => (y, {made}) <float s = {{0.5}}> {{ {node} {nodes} }}"
