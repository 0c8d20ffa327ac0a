"""The command that comes next for a result: fix what can be fixed, or compile what is ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from rkgraph.diagnostics import Safety, Severity, Verdict
from rkgraph.results import Result, TensorInfo
from rkgraph.rulebook.rule import Options

__all__ = ["allowing", "as_argument", "compiled_name", "next_words"]


_ASKED_FOR = (Safety.INTERFACE, Safety.APPROXIMATE)


def next_words(result: Result, rules: str, options: Options, bundle: PurePath | None = None) -> list[str]:
    """The words of the complete command; none where there is nothing to fix and nothing to compile.

    Sizes that only the user knows are words like "<batch>". A model that lies in a bundle is compiled there.
    """
    if result.error is not None or not PurePath(result.model.path).name:
        return []
    offers = {d.fix.safety for d in result.diagnostics if d.fix is not None} - {Safety.MANUAL}
    # What changes the interface or the numbers is asked for where nothing else mends an error, and never in passing.
    errors = {d.fix.safety for d in result.diagnostics if d.fix is not None and d.severity is Severity.ERROR}
    needed = [safety.value for safety in _ASKED_FOR if safety in errors]
    if result.verdict is Verdict.DEPLOYABLE and not needed:
        offers -= set(_ASKED_FOR)
    # Elsewhere a cut is a gain at most: nothing is in the way that no other fix mends.
    errors_left = [d for d in result.diagnostics if d.severity is Severity.ERROR and d.cause and d.fix is None]
    kept = (Safety.SPLIT, Safety.MANUAL)
    mended = {str(d.at) for d in result.diagnostics if d.fix is not None and d.fix.safety not in kept}
    left = any(str(d.at) not in mended for d in errors_left)  # the compiler may say again what a fix mends
    cut = Safety.SPLIT in offers and left
    fixable = bool(offers - {Safety.SPLIT}) or cut
    if not fixable and result.verdict is not Verdict.DEPLOYABLE:
        return []
    subject = str(bundle) if bundle is not None and not fixable else result.model.path
    words = ["rkgraph", "fix" if fixable else "compile", as_argument(subject), "--rules", rules]
    words += ["--target", result.target.platform]
    if result.target.precision != "fp16":
        words += ["--precision", result.target.precision]
        words += [] if fixable else ["--calibration", "samples.npz"]
    words += _pins(result.model.inputs, options) if fixable else []
    words += [word for name in (*needed, *(["split"] if cut else [])) for word in ("--allow", name)] if fixable else []
    if subject == result.model.path:
        path = PurePath(subject)
        wanted = path.with_suffix(".rk" if cut else ".rk.onnx") if fixable else compiled_name(path)
        words += ["-o", as_argument(wanted)]
    return words


def allowing(words: Sequence[str], classes: Iterable[str]) -> list[str]:
    """The words of a fix command with further classes allowed; stages go into a bundle, where they are."""
    more = [name for name in classes if name not in words]
    if not more:
        return list(words)
    where = words.index("-o") if "-o" in words else len(words)
    last = [word.removesuffix(".onnx") if "split" in more else word for word in words[where:]]
    return [*words[:where], "--allow", ",".join(more), *last]


def compiled_name(model: PurePath) -> PurePath:
    """What a model is called when it is compiled: "m.onnx" and its fixed form "m.rk.onnx" become "m.rknn"."""
    bare = model.with_suffix("")
    return bare.with_suffix(".rknn") if bare.suffix == ".rk" else model.with_suffix(".rknn")


def as_argument(path: PurePath | str) -> str:
    """A path as a word that no command takes for an option or a list: "./-x.onnx", "./@x.onnx"."""
    return f"./{path}" if str(path).startswith(("-", "@")) else str(path)


def _pins(inputs: Iterable[TensorInfo], options: Options) -> list[str]:
    shapes = {name: [str(size) for size in shape] for name, shape in options.shapes.items()}
    for tensor in inputs:
        if tensor.name not in shapes and not _is_static(tensor):
            told = options.suggested_shapes.get(tensor.name)
            sizes = told if told is not None else [_placeholder(size) for size in tensor.shape or ("?",)]
            shapes[tensor.name] = [str(size) for size in sizes]
    words = [word for name, sizes in shapes.items() for word in ("--shape", f"{name}={'x'.join(sizes)}")]
    return words + [word for name, size in options.dims.items() for word in ("--dim", f"{name}={size}")]


def _placeholder(size: int | str | None) -> str:
    return str(size) if isinstance(size, int) else f"<{size or '?'}>"


def _is_static(tensor: TensorInfo) -> bool:
    return tensor.shape is not None and all(isinstance(size, int) for size in tensor.shape)
