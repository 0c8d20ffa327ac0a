"""Reports whose every name and text is what somebody might write into a model to break what reads it."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from rkgraph.diagnostics import (
    Confidence,
    Device,
    Diagnostic,
    FixOffer,
    Location,
    Safety,
    Severity,
    Suppressed,
    Verdict,
    fingerprint,
)
from rkgraph.results import ModelInfo, PlacedNode, Report, Result, TensorInfo
from rkgraph.targets import Target

__all__ = ["FRAGMENTS", "reports", "texts"]

FRAGMENTS = (
    *("", " ", "\n", "\r", "\r\n", "\t", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\ud800"),
    *("\udcff", "::error::", "::stop-commands::x", "##[error]", "%0A::error::", "%", ":", ",", "::", "]]>", "<!--"),
    *("-->", "&amp;", "&#10;", "<script>alert(1)</script>", "</details>", "<img src=x onerror=y>", "|", "\\", "\\|"),
    *("`", "``", "```", "~~~", "*", "_", "#", "- ", "1. ", "> ", "[a](javascript:b)", "![a](b)", "{0}", "{", "}}"),
    *("@user", "@org/team", "#12", "GH-12", "https://evil.test", "www.evil.test", "'", '"', "$(touch x)", "\U000e0041"),
    *("../../etc", "/abs", "//host/x", "C:\\x", "file:///x", "~", "-rf", "--target", "a b", "é", "字", "🙂", "a" * 300),
)

texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5)), max_size=5).map("".join)
_CODES = st.one_of(st.sampled_from(["RK101", "RK301", "RK504", "RK912", "RK981"]), st.just("ZZ999"))


@st.composite
def _findings(draw: st.DrawFn, number: int) -> Diagnostic:
    name, code = draw(texts), draw(_CODES)
    at = draw(
        st.sampled_from(
            [Location("main", name, "Add"), Location(name, None, name), Location(value=name), Location("main", name)]
        )
    )
    return Diagnostic(
        *(code, draw(st.sampled_from(Severity)), at, draw(texts), fingerprint(code, str(number))),
        cause=draw(st.booleans()),
        induced_by=draw(st.sampled_from([None, fingerprint("RK101", "0"), "f" * 16])),
        observed={name: [name, float("inf"), float("nan"), 2**70, {"x": name}]},
        limit={"rule": name},
        evidence=(name,),
        fix=draw(st.sampled_from([None, FixOffer(name, Safety.SAFE), FixOffer("a", Safety.SHAPE)])),
        suppressed=draw(st.sampled_from([None, None, Suppressed(name, name)])),
        baseline=draw(st.sampled_from([None, "new", "unchanged"])),
    )


@st.composite
def _results(draw: st.DrawFn) -> Result:
    name, path = draw(texts), draw(texts)
    model = ModelInfo(path, "0" * 64, 17, 3, (TensorInfo(name, "float32", ("N", 3)),), ())
    findings = tuple(draw(_findings(number)) for number in range(draw(st.integers(0, 4))))
    return Result(
        model,
        Target(*draw(st.sampled_from([("rk3588", "2.3.2", "fp16"), (name, name, name)]))),
        verdict=draw(st.sampled_from(Verdict)),
        confidence=draw(st.sampled_from(Confidence)),
        error=draw(st.sampled_from([None, None, f"{path}: {name}"])),
        placement=(PlacedNode(0, name, name, (name,), Device.NPU),),
        diagnostics=findings,
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """One to three results, hostile throughout."""
    results = tuple(_different(draw(st.lists(_results(), max_size=3))))
    return Report(results, {"started": draw(texts)}, {"name": "rkgraph", "version": draw(texts)})


def _different(results: list[Result]) -> Iterator[Result]:
    yield from {(result.model.path, result.target): result for result in results}.values()
