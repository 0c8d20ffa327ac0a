"""Every rule has card, module and test of one stem, and every model of every card does what its heading says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.cli.common import parse_dims, parse_shapes
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import HEADINGS, Block, read_card
from rkgraph.rulebook.registry import MODULES, Rule, load_rules
from rkgraph.targets import Target
from tests.rules.harness import diagnostics

ROOT = Path(__file__).resolve().parents[2]
RULES = {rule.code: rule for rule in load_rules()}


def blocks(heading: str, *, fixable: bool = False) -> list[object]:
    return [
        pytest.param(rule, block, id=f"{rule.card.stem}:{block.line}")
        for rule in RULES.values()
        for block in rule.card.blocks(heading)
        if not fixable or rule.fix is not None
    ]


def told(block: Block) -> dict[str, object]:
    default = Target()
    platform, precision = (block.options.get(key, getattr(default, key)) for key in ("platform", "precision"))
    return {
        "shapes": parse_shapes(block.shapes),
        "dims": parse_dims(block.dims),
        "target": Target(platform, default.toolkit, precision),
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
