"""The command that comes next."""

from __future__ import annotations

from dataclasses import replace

from rkgraph.diagnostics import Diagnostic, FixOffer, Location, Safety, Severity, Verdict
from rkgraph.report.next_step import next_words
from rkgraph.results import Result
from rkgraph.rulebook.rule import Options
from tests.report.samples import journey, unreadable


def result(verdict: Verdict, *offers: tuple[Severity, Safety | None]) -> Result:
    """A result with one finding an offer."""
    _, fixed, _ = journey("/n", "a.onnx")
    found = tuple(
        Diagnostic("RK101", severity, Location(), "m", f"{n:016x}", fix=FixOffer("t", safety) if safety else None)
        for n, (severity, safety) in enumerate(offers)
    )
    return replace(fixed, verdict=verdict, diagnostics=found)


def words(found: Result) -> str:
    return " ".join(next_words(found, "rknn-2.3.2", Options()))


def test_what_deploys_is_compiled_and_what_can_be_mended_is_fixed() -> None:
    assert (
        words(result(Verdict.DEPLOYABLE))
        == "rkgraph compile fixed.onnx --rules rknn-2.3.2 --target rk3588 -o fixed.rknn"
    )
    note = result(Verdict.DEPLOYABLE, (Severity.NOTE, Safety.SAFE))
    assert words(note) == "rkgraph fix fixed.onnx --rules rknn-2.3.2 --target rk3588 -o fixed.rk.onnx"
    assert words(result(Verdict.BUILD_FAILS, (Severity.ERROR, None))) == ""
    assert words(unreadable()) == ""


def test_the_interface_is_changed_only_where_an_error_asks_for_it() -> None:
    assert words(result(Verdict.DEPLOYABLE, (Severity.NOTE, Safety.INTERFACE))).startswith("rkgraph compile ")
    both = result(Verdict.DEPLOYABLE, (Severity.NOTE, Safety.INTERFACE), (Severity.NOTE, Safety.SAFE))
    assert words(both) == "rkgraph fix fixed.onnx --rules rknn-2.3.2 --target rk3588 -o fixed.rk.onnx"
    error = result(Verdict.BUILD_FAILS, (Severity.ERROR, Safety.INTERFACE))
    assert "--allow interface" in words(error)
    approximate = result(Verdict.BUILD_FAILS, (Severity.ERROR, Safety.APPROXIMATE), (Severity.ERROR, Safety.SAFE))
    assert "--allow approximate" in words(approximate)


def test_a_cut_is_proposed_where_nothing_else_mends() -> None:
    cut = result(Verdict.NO_BOARD_KERNEL, (Severity.ERROR, None), (Severity.WARNING, Safety.SPLIT))
    assert words(cut).endswith("--allow split -o fixed.rk")
    assert words(result(Verdict.NO_BOARD_KERNEL, (Severity.WARNING, Safety.SPLIT))) == ""
