"""`python -m rkgraph.induction.cost_fit`: fits the cost estimate on the evidence, writes `op_tables/cost.json`.

Coefficients are at least 0 and drawn towards a first guess (that of the target with the most builds, and 1 for that
one), by least squares of relative errors. Errors are held-out ones: architectures are dealt to ten groups, and each
group is estimated by a fit that has seen none of its architectures in any export.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from rkgraph.cost.fits import FITTED, Fit
from rkgraph.files import write_text
from rkgraph.induction.cost_evidence import Measured, evidence_file, read_evidence
from rkgraph.resources import data_folder
from rkgraph.targets import Target

__all__ = ["GROUPS", "fit_all", "fit_target", "held_out", "main"]

GROUPS = 10
_PULL = 0.02
"""How strongly coefficients are drawn to the first guess, in models: found by the held-out error."""

_ROUNDS, _SWEEPS = 5, 40
_FAR = 0.1
"""Relative errors well beyond this hardly count (Cauchy's weights)."""

_SCALES = np.geomspace(0.25, 4.0, 97)
_FIRST = Fit(Target(), 0, {}, {}, 512.0, 23.65, 1.0, 1.0, 1.0, 0.0, {})
"""512 multiplications and 23.65 bytes in a cycle: of rk3588, see `cost.products`."""


def main() -> None:
    """Fit every target of the evidence and write the file."""
    fits = fit_all(read_evidence(evidence_file()))
    text = json.dumps({"fits": [asdict(fit) for fit in fits]}, indent=1) + "\n"
    write_text(data_folder("op_tables") / "cost.json", text)
    for fit in fits:
        errors = ", ".join(f"{name} {each['median']:.2f} ({each['p90']:.2f})" for name, each in fit.errors.items())
        sys.stdout.write(f"{fit.target}: {fit.models} builds; held-out ratio at the median (90 %): {errors}\n")


def fit_all(evidence: Sequence[Measured]) -> tuple[Fit, ...]:
    """A fit for each target, that with the most builds first: it is the first guess of the others."""
    counts = Counter(each.target for each in evidence)
    order = sorted(counts, key=lambda target: (-counts[target], str(target)))
    first, fits = _FIRST, []
    for target in order:
        own = [each for each in evidence if each.target == target]
        fits.append(replace(fit_target(own, first), errors=held_out(own, first)))
        first = fits[0]
    return tuple(fits)


def fit_target(own: Sequence[Measured], first: Fit) -> Fit:
    """The fit of builds for one target."""
    layers = _coefficients(
        own, [m.features.counts for m in own], "layers", first.layers, [m.features.interface for m in own]
    )
    kb = [{kind: size / 1024 for kind, size in m.features.reads.items()} for m in own]
    reads = _coefficients(own, kb, "rw_kb", first.reads, [0.0] * len(own))
    fit = replace(first, target=own[0].target, models=len(own), layers=layers, reads=reads, errors={})
    fit = _with_cycles(fit, own)
    internal = _ratio((m.totals["internal_kb"], (m.features.peak or 0.0) / 1024) for m in own)
    return _with_weights(replace(fit, internal=internal), own)


def held_out(own: Sequence[Measured], first: Fit) -> dict[str, dict[str, float]]:
    """By number: the ratio of estimate and build, the larger by the smaller, of builds that the fit has not seen."""
    ratios: dict[str, list[float]] = {name: [] for name in FITTED}
    for group in range(GROUPS):
        seen = [each for each in own if _group(each) != group]
        unseen = [each for each in own if _group(each) == group]
        if not seen or not unseen:
            continue
        fit = fit_target(seen, first)
        for each in unseen:
            guesses = fit.estimate(each.features)
            for name in FITTED:
                real, guess = each.totals[name], guesses[name]
                if real >= 1:
                    ratios[name].append(max(real, guess) / max(min(real, guess), 1e-9))
    return {
        name: {"median": round(float(np.median(each)), 3), "p90": round(float(np.quantile(each, 0.9)), 3)}
        for name, each in ratios.items()
        if each
    }


def _group(each: Measured) -> int:
    return hashlib.sha256(each.architecture.encode()).digest()[0] % GROUPS


def _coefficients(
    own: Sequence[Measured],
    features: Sequence[Mapping[str, float]],
    number: str,
    first: Mapping[str, float],
    base: Sequence[float],
) -> dict[str, float]:
    """Coefficients by class, at least 0, of the sums of `features` that come nearest to what was measured."""
    kinds = sorted({kind for each in features for kind in each})
    real = np.array([max(m.totals[number], 1.0) for m in own])
    rows = np.array([[each.get(kind, 0.0) for kind in kinds] for each in features]) / real[:, None]
    wanted = (real - np.array(base)) / real
    start = np.array([first.get(kind, 1.0) for kind in kinds])
    found = _least_squares(rows, wanted, start)
    return {kind: round(float(value), 4) for kind, value in zip(kinds, found, strict=True)}


def _least_squares(
    rows: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], start: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Coefficients of at least 0 for the least |rows·c - wanted|² + pull·|c - start|², by coordinate descent.

    Rows that are far off count less, round by round: some models lose half their layers for reasons of their own.
    """
    found: npt.NDArray[np.float64] = start.copy()
    for _ in range(_ROUNDS):
        off = np.abs(rows @ found - wanted)
        trust = 1.0 / (1.0 + (off / _FAR) ** 2)
        weighted = rows * np.sqrt(trust)[:, None]
        rest = (wanted - rows @ found) * np.sqrt(trust)
        squares = (weighted**2).sum(axis=0) + _PULL
        for _ in range(_SWEEPS):
            for k in range(len(found)):
                step = (weighted[:, k] @ rest + _PULL * (start[k] - found[k])) / squares[k]
                value = max(0.0, found[k] + step)
                rest += weighted[:, k] * (found[k] - value)
                found[k] = value
    return found


def _with_cycles(fit: Fit, own: Sequence[Measured]) -> Fit:
    """The two speeds and the weight of computed products with the least absolute error of the logarithm."""
    own = [m for m in own if m.totals["cycles"] >= 1 and m.features.products]
    if not own:
        return fit
    table = [np.array([(p.moved, p.padded, p.constant) for p in m.features.products]) for m in own]
    real = np.log([m.totals["cycles"] for m in own])

    def error(macs: float, moved: float, computed: float) -> float:
        guesses = [
            float((np.maximum(t[:, 0] / moved, t[:, 1] / macs) * np.where(t[:, 2] > 0, 1.0, computed)).sum())
            for t in table
        ]
        return float(np.abs(np.log(np.maximum(guesses, 1e-9)) - real).mean())

    macs, moved, computed = fit.macs_per_cycle, fit.bytes_per_cycle, fit.computed
    for _ in range(4):
        macs = min((macs * s for s in _SCALES), key=lambda v: error(v, moved, computed))
        moved = min((moved * s for s in _SCALES), key=lambda v: error(macs, v, computed))
        computed = min((0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5), key=lambda v: error(macs, moved, v))
    return replace(fit, macs_per_cycle=round(macs, 2), bytes_per_cycle=round(moved, 3), computed=computed)


def _with_weights(fit: Fit, own: Sequence[Measured]) -> Fit:
    """Memory for a byte of weights, and what one that the CPU reads takes besides."""
    rows = np.array([((m.features.weights or 0.0) / 1024, m.features.tables / 1024) for m in own])
    real = np.array([max(m.totals["weight_kb"], 1.0) for m in own])
    found = _least_squares(rows / real[:, None], np.ones(len(own)), np.array([fit.weight, fit.table]))
    return replace(fit, weight=round(float(found[0]), 4), table=round(float(found[1]), 4))


def _ratio(pairs: Iterable[tuple[float, float]]) -> float:
    """The median of real by guess."""
    known = [real / guess for real, guess in pairs if real > 0 and guess > 0]
    return round(float(np.median(known)), 4) if known else 1.0


if __name__ == "__main__":
    main()
