"""The fits that ship are those of the evidence that ships, and say how far off they are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rkgraph.cost.features import Features, Product
from rkgraph.cost.fits import FITTED, Fit, fit_of, load_fits
from rkgraph.induction.cost_evidence import evidence_file, read_evidence, to_line
from rkgraph.induction.cost_fit import fit_target
from rkgraph.targets import Target


def test_every_target_of_the_evidence_has_a_fit_with_its_errors() -> None:
    evidence = read_evidence(evidence_file())
    counts = {fit.target: sum(each.target == fit.target for each in evidence) for fit in load_fits()}
    assert {each.target for each in evidence} == set(counts)
    for fit in load_fits():
        assert fit.models == counts[fit.target] >= 40
        assert set(fit.errors) == set(FITTED)
        for error in fit.errors.values():
            assert 1.0 <= error["median"] <= error["p90"]


def test_the_errors_are_worth_stating() -> None:
    """On targets that nobody fitted by hand: half of the models within a fifth or so, but for internal memory."""
    for fit in load_fits():
        medians = {name: error["median"] for name, error in fit.errors.items()}
        assert max(medians["layers"], medians["cycles"], medians["rw_kb"], medians["weight_kb"]) < 1.3
        assert medians["internal_kb"] < 2.0


def test_a_fit_comes_again_out_of_the_evidence() -> None:
    base, small = load_fits()[0], min(load_fits(), key=lambda fit: fit.models)
    own = [each for each in read_evidence(evidence_file()) if each.target == small.target]
    again = fit_target(own, base)
    assert again.layers == pytest.approx(small.layers, abs=2e-3)
    assert again.bytes_per_cycle == pytest.approx(small.bytes_per_cycle)
    assert again.weight == pytest.approx(small.weight, abs=2e-3)


def test_a_line_of_evidence_comes_back() -> None:
    first = read_evidence(evidence_file())[0]
    assert json.loads(to_line(first)) == json.loads(evidence_file().read_text().splitlines()[0])


def test_the_nearest_fit_stands_in() -> None:
    def of(*words: str) -> Target:
        fit = fit_of(Target(*words))
        assert fit is not None
        return fit.target

    assert of("rk3588", "2.3.2", "fp16") == Target()
    assert of("rk3576", "2.5.0", "fp16") == Target("rk3576", "2.3.2", "fp16")
    assert of("rk3562", "2.5.0", "fp16") == Target("rk3588", "2.5.0", "fp16")
    assert of("rv1106", "2.3.2", "w8a8").precision == "w8a8"


def test_the_estimate_is_arithmetic() -> None:
    fit = Fit(Target(), 1, {"Conv": 0.5}, {"Conv": 2.0}, 100.0, 10.0, 0.5, 2.0, 3.0, 1.0, {})
    features = Features(
        products=[Product(1000.0, 5000.0, True), Product(1000.0, 5000.0, False)],
        peak=1024.0, weights=2048.0, tables=1024.0, interface=2,
    )  # fmt: skip
    features.counts.update({"Conv": 4, "Never": 1})
    features.reads.update({"Conv": 1024, "Never": 1024})
    assert fit.estimate(features) == {
        "layers": 2 + 4 * 0.5 + 1,
        "cycles": 100 + 50,  # bytes decide, and a product of two computed values counts half
        "rw_kb": 3.0,
        "internal_kb": 2.0,
        "weight_kb": 7.0,
    }


def test_linting_needs_no_numpy_for_it() -> None:
    code = "import rkgraph.cost.estimate, sys; print('numpy' in sys.modules, 'networkx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
