"""Fixing a fixed model changes nothing: over the examples of all cards, and over parts of real models."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from rkgraph.cli.common import parse_dims, parse_shapes
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.probe.case import parse as read_case
from rkgraph.probe.plan import all_cases
from rkgraph.rulebook.card import Block
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.rules.harness import parse

# A model that is cut is as it was: it would be cut again.
EVERYTHING = frozenset(Safety) - {Safety.MANUAL, Safety.SPLIT}

# As real models put them together: text, vision, detection, speech, recurrent, quantized.
PARTS = (
    *("attention-eager", "attention-sdpa-guarded", "attention-gpt2", "embeddings-bert", "mask-bert", "rotary"),
    *("norm-rms-t5", "conv-mish-exp", "yolo8-head", "ssd-head", "ctc-head", "lstm-torch-both-ways", "gru-keras"),
    *("pairs-matmul", "squeeze-excite", "statistics-pooling"),
)


def examples() -> list[object]:
    return [
        pytest.param(block, id=f"{rule.card.stem}:{block.line}")
        for rule in load_rules()
        for block in rule.card.blocks("Example")
    ]


def fixed(path: Path, target: Target, options: Options) -> FixOutcome:
    settings = FixSettings(whole=True)
    rules = load_ruleset(f"rknn-{target.toolkit}")
    return fix_model(Model.load(path), target, rules, options, EVERYTHING, proof="local", settings=settings)


def same_again(model: onnx.ModelProto, folder: Path, target: Target, options: Options) -> FixOutcome:
    """Fix a model, and what comes out once more; assert that nothing happened the second time."""
    once, twice = folder / "once.onnx", folder / "twice.onnx"
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    first = fixed(folder / "model.onnx", target, options)
    first.model.save(once)
    left = first.model.view().main
    shapes = {name: shape for name, shape in options.shapes.items() if name in left.inputs}
    second = fixed(once, target, Options(shapes))
    second.model.save(twice)
    assert [(fix.code, str(fix.at), fix.detail) for fix in second.fixes.applied] == []
    assert once.read_bytes() == twice.read_bytes()
    assert {fix.code for fix in second.fixes.refused} <= {fix.code for fix in first.fixes.refused}
    return first


@pytest.mark.parametrize("block", examples())
def test_an_example_that_was_fixed_stays_as_it_is(block: Block, tmp_path: Path) -> None:
    how = block.options
    target = Target(how.get("platform", "rk3588"), "2.3.2", how.get("precision", "fp16"))
    same_again(parse(block.text), tmp_path, target, Options(parse_shapes(block.shapes), parse_dims(block.dims)))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_real_model_that_was_fixed_stays_as_it_is(part: str, tmp_path: Path) -> None:
    case = next(case for name, case in all_cases().items() if f"/in-{part}," in name)
    same_again(read_case(case.text), tmp_path, Target(), Options())


def test_most_examples_are_fixed_at_all(tmp_path: Path) -> None:
    """Otherwise the tests above say nothing."""
    rule = next(rule for rule in load_rules() if rule.code == "RK401")
    assert same_again(parse(rule.card.blocks("Example")[0].text), tmp_path, Target(), Options()).fixes.applied
