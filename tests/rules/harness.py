"""Models of rule tests are ONNX text; these functions write one down, read it as lint does, and run rules on it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser

from rkgraph.analysis.fp16_trouble import Trouble, fp16_troubles
from rkgraph.analysis.observed import NOTHING_OBSERVED, Observations
from rkgraph.diagnostics import Diagnostic
from rkgraph.engine.lint import find, lint_view, make_context
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.graph.view import ModelView
from rkgraph.results import Result
from rkgraph.rulebook.one_layer import values_within_layers
from rkgraph.rulebook.rule import LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet, load_ruleset
from rkgraph.targets import Target

HEADER = '<ir_version: 8, opset_import: ["" : 17]>'


def parse(text: str) -> onnx.ModelProto:
    """The model of an ONNX text; a header of opset 17 is put before a text that has none."""
    whole = text.strip()
    model = onnx.parser.parse_model(whole if whole.startswith("<") else f"{HEADER}\n{whole}")
    onnx.checker.check_model(model)
    return model


def view_of(
    text: str | onnx.ModelProto,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> ModelView:
    """The view that lint has of a model (a text, or a proto)."""
    model = parse(text) if isinstance(text, str) else text
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return read_view(path, shapes=shapes or {}, dims=dims or {})


def context_of(
    text: str | onnx.ModelProto,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    dims: Mapping[str, int] | None = None,
    target: Target | None = None,
    options: Options | None = None,
    samples: float | None = None,
) -> LintContext:
    """The context that rules get, to test `check` and `fix` directly; `samples` is the scale of made-up ones."""
    given = options or Options(shapes=shapes or {}, dims=dims or {})
    seen = NOTHING_OBSERVED if samples is None else observed(text, samples)
    return make_context(view_of(text, shapes, dims), target or Target(), given, observed=seen)


def made_up(text: str | onnx.ModelProto, scale: float, count: int = 3) -> list[dict[str, np.ndarray]]:
    """Samples: normally distributed inputs of standard deviation `scale`."""
    model, random = parse(text) if isinstance(text, str) else text, np.random.default_rng(0)
    shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    return [
        {name: (random.normal(size=shape) * scale).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(count)
    ]


def observed(text: str | onnx.ModelProto, scale: float, count: int = 3) -> Observations:
    """What a (small) model holds on made-up samples, and what goes wrong in fp16 on them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes((parse(text) if isinstance(text, str) else text).SerializeToString())
        seen = Observations(Model.load(path), made_up(text, scale, count))
        held = Model.load(path)
        return seen.with_troubles(fp16_troubles(held, seen.samples, values_within_layers(held.view().main)))


def troubles_of(text: str | onnx.ModelProto, scale: float, count: int = 3) -> tuple[Trouble, ...]:
    """What goes wrong in fp16 on made-up samples."""
    return observed(text, scale, count).troubles


def lint_text(
    text: str | onnx.ModelProto,
    *codes: str,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    dims: Mapping[str, int] | None = None,
    target: Target | None = None,
) -> Result:
    """The result for a model, from the rules whose codes (or prefixes) are named; all rules if none is."""
    ruleset = RuleSet("test", "2.3.2", codes) if codes else load_ruleset("rknn-2.3.2")
    options = Options(shapes=shapes or {}, dims=dims or {})
    return lint_view(view_of(text, shapes, dims), target or Target(), ruleset, options)


def diagnostics(text: str | onnx.ModelProto, code: str, **how: object) -> tuple[Diagnostic, ...]:
    """What the rule `code` says of a model; further arguments are those of `context_of`."""
    context = context_of(text, **how)  # type: ignore[arg-type]
    return tuple(found.diagnostic for found in find(context, RuleSet("test", "2.3.2", (code,))))
