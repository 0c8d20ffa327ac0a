"""Every rule has card, module and test of one stem, and every model of every card does what its heading says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.cli.common import parse_allow, parse_dims, parse_shapes
from rkgraph.engine.fix import FixSettings, fix_model
from rkgraph.engine.fix_choices import Choices
from rkgraph.graph.model import Model
from rkgraph.graph.view import GraphView
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import HEADINGS, Block, read_card
from rkgraph.rulebook.registry import MODULES, Rule, load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, made_up, parse, view_of

ROOT = Path(__file__).resolve().parents[2]
RULES = {rule.code: rule for rule in load_rules()}


def blocks(heading: str) -> list[object]:
    return [
        pytest.param(rule, block, id=f"{rule.card.stem}:{block.line}")
        for rule in RULES.values()
        for block in rule.card.blocks(heading)
    ]


def fixable() -> list[object]:
    """Example and Fixed of the rules that have a fix, pair by pair."""
    return [
        pytest.param(rule, example, fixed, id=f"{rule.card.stem}:{example.line}")
        for rule in RULES.values()
        if rule.fix is not None
        for example, fixed in zip(rule.card.blocks("Example"), rule.card.blocks("Fixed"), strict=False)
    ]


def told(block: Block) -> dict[str, object]:
    default = Target()
    target = Target(*(block.options.get(key, getattr(default, key)) for key in ("platform", "toolkit", "precision")))
    return {
        "shapes": parse_shapes(block.shapes),
        "dims": parse_dims(block.dims),
        "target": target,
        "samples": block.options.get("samples"),
    }


@pytest.mark.parametrize("folder", ["rules/{}.md", "rkgraph/rules/{}.py", "tests/rules/test_{}.py"])
def test_card_module_and_test_have_the_same_stems(folder: str) -> None:
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(folder.format("rk[0-9]*"))}
    assert found == {folder.format(stem) for stem in MODULES}


@pytest.mark.parametrize("path", sorted(data_folder("rules").glob("*.md")), ids=lambda path: path.stem)
def test_a_card_has_all_sections_with_text(path: Path) -> None:
    card = read_card(path)
    assert tuple(card.sections) == HEADINGS
    assert all(text.strip() for text in card.sections.values())
    for heading in ("Example", "Not an error"):
        assert card.blocks(heading), f"{heading} shows no model"


@pytest.mark.parametrize(("rule", "block"), blocks("Example"))
def test_an_example_is_found(rule: Rule, block: Block) -> None:
    found = diagnostics(block.text, rule.code, **told(block))
    assert len(found) == block.options.get("finds", len(found) or 1)
    applies = rule.card.applies_to
    assert applies in (("*",), ("model",)) or {d.at.op for d in found} <= set(applies)


@pytest.mark.parametrize(("rule", "block"), [*blocks("Fixed"), *blocks("Not an error")])
def test_what_is_fixed_or_no_error_is_not_found(rule: Rule, block: Block) -> None:
    assert diagnostics(block.text, rule.code, **told(block)) == ()


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.card.stem) for rule in RULES.values() if rule.fix])
def test_a_card_with_a_fix_shows_examples_fixed_in_their_order(rule: Rule) -> None:
    assert 1 <= len(rule.card.blocks("Fixed")) <= len(rule.card.blocks("Example"))


@pytest.mark.parametrize(("rule", "example", "fixed"), fixable())
def test_the_fix_makes_what_is_shown_as_fixed(rule: Rule, example: Block, fixed: Block, tmp_path: Path) -> None:
    """The options of Fixed are those that the fix is run with; structure is compared, names are not.

    Of a model that is cut into stages, the first one for the NPU is shown.
    """
    path = tmp_path / "example.onnx"
    path.write_bytes(parse(example.text).SerializeToString())
    how = told(fixed)
    options = Options(shapes=how["shapes"], dims=how["dims"])
    allow = parse_allow(fixed.options.get("allow", ())) | {rule.card.fix.safety}
    outcome = fix_model(
        Model.load(path),
        how["target"],
        RuleSet("card", "2.3.2", (rule.code, *fixed.options.get("with", ()))),
        options,
        allow=allow,
        settings=settings_of(example),
    )
    assert outcome.fixes.refused == ()
    deployed = next((stage.model for stage in outcome.stages if stage.kind == "rknn"), outcome.model)
    assert interface(deployed.view().main) == interface(view_of(fixed.text).main)


def settings_of(example: Block) -> FixSettings:
    """With all candidates made, and made-up calibration samples, where the example asks for some."""
    scale = example.options.get("samples")
    every = Choices(candidates=frozenset(RULES))
    return FixSettings(choices=every, samples=() if scale is None else made_up(example.text, scale))


def interface(graph: GraphView) -> list[object]:
    """Inputs with their shapes, and how each output is computed from them."""
    inputs = [(name, graph.value(name).dtype, graph.value(name).shape) for name in graph.inputs]
    return [inputs, *(expression(graph, name) for name in graph.outputs)]


def expression(graph: GraphView, name: str) -> object:
    """How a value is computed, without the names of nodes and values in between."""
    constant = graph.constant(name) if name else None
    if constant is not None:
        return (constant.dtype, constant.shape, constant.values)
    node = graph.producer(name)
    if node is None:
        return name
    attributes = tuple(sorted((key, repr(value)) for key, value in node.attributes.items()))
    return (node.op, node.outputs.index(name), attributes, tuple(expression(graph, source) for source in node.inputs))
