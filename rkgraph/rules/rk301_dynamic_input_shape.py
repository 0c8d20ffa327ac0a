"""RK301: an input whose shape is not fixed."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, PinShapes, Refusal
from rkgraph.graph.view import Dim
from rkgraph.rulebook.rule import Finding, LintContext, Options


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input with a dimension that is no number, or of unknown rank.

    An input that no node reads, dead ones included, is dropped by the toolkit before it looks at its shape.
    """
    main = lint.model.main
    for name in main.inputs:
        value = main.value(name)
        if value.held is None and not value.is_static and lint.is_read(name):
            yield Finding(
                f"the input shape {_text(value.shape)} of '{name}' is not supported: fix it before the build",
                value=name,
                observed={"shape": None if value.shape is None else list(value.shape)},
                limit={"shape": "fixed"},
                evidence=("session:dynamic_shape_2.3.2",),
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Pin the input to what --shape and --dim say; without them, name the option that is missing."""
    name = finding.value or ""
    shape = lint.model.main.value(name).shape
    pinned = _pinned(name, shape, lint.options)
    if pinned is not None:
        return PinShapes({name: pinned})
    return Refusal(
        f"the shape {_text(shape)} of '{name}' is not fixed, and nothing says to what it should be",
        needs=f"--shape {name}={'x'.join(map(str, _suggested(name, shape, lint.options)))}",
    )


def _pinned(name: str, shape: tuple[Dim, ...] | None, options: Options) -> tuple[int, ...] | None:
    """The shape that the user asked for, None where something is still open."""
    if name in options.shapes:
        return options.shapes[name]
    sizes = [options.dims.get(d) if isinstance(d, str) else d for d in shape or ()]
    known = tuple(size for size in sizes if size is not None)
    return known if shape is not None and len(known) == len(shape) else None


def _suggested(name: str, shape: tuple[Dim, ...] | None, options: Options) -> tuple[Dim, ...]:
    """A shape to try: from the files beside the model, else the known dimensions, 1 first and N for what is open."""
    if name in options.suggested_shapes:
        return options.suggested_shapes[name]
    sizes = [options.dims.get(d, d) if isinstance(d, str) else d for d in shape or ()]
    return tuple(size if isinstance(size, int) else ("N" if axis else 1) for axis, size in enumerate(sizes)) or ("N",)


def _text(shape: tuple[Dim, ...] | None) -> str:
    if shape is None:
        return "of unknown rank"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
