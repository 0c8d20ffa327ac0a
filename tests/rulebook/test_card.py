from __future__ import annotations

import pytest

from rkgraph.diagnostics import FixOffer, Safety, Severity
from rkgraph.rulebook.card import HEADINGS, CardError, parse_card
from rkgraph.rulebook.registry import Rule

STEM = "rk999_bad_thing"
FRONT = """code = "RK999"
name = "bad-thing"
severity = "warning"
applies_to = ["Relu", "Tan"]
"""
FIX = """[fix]
title = "Do it right"
safety = "shape"
equivalence = "restricted"
"""
MODEL = "g (float[4] x) => (float[4] y) { y = Relu(x) }"


def card_text(front: str = FRONT, **sections: str) -> str:
    parts = [f"## {heading}\n\n{sections.get(heading.replace(' ', '_'), 'Text.')}\n" for heading in HEADINGS]
    return f"+++\n{front}+++\n" + "\n".join(parts)


def test_the_front_matter_becomes_the_card() -> None:
    card = parse_card(card_text(FRONT + 'after = ["RK101"]\nevidence = ["probe:relu"]\n' + FIX), STEM)
    assert (card.code, card.name, card.severity) == ("RK999", "bad-thing", Severity.WARNING)
    assert card.applies_to == ("Relu", "Tan")
    assert (card.after, card.evidence) == (("RK101",), ("probe:relu",))
    assert (card.fix, card.equivalence) == (FixOffer("Do it right", Safety.SHAPE), "restricted")


def test_a_rule_may_need_what_only_some_runs_have() -> None:
    card = parse_card(card_text(FRONT + 'needs = ["samples"]\n'), STEM)
    assert card.needs == ("samples",)
    offered = Rule(card, lambda _lint: iter(()))
    assert offered.applies_to({"Relu"}, {"samples", "quantized"})
    assert not offered.applies_to({"Relu"}, {"quantized"})
    assert not offered.applies_to({"Abs"}, {"samples"})
    with pytest.raises(CardError, match="must be some of samples, quantized"):
        parse_card(card_text(FRONT + 'needs = ["sample"]\n'), STEM)


@pytest.mark.parametrize("word", ["*", "model"])
def test_a_rule_may_apply_to_all(word: str) -> None:
    card = parse_card(card_text(FRONT.replace('["Relu", "Tan"]', f'"{word}"')), STEM)
    assert card.applies_to == (word,)
    assert card.fix is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('code = "RK999"\n', "", "code is missing"),
        ('"RK999"', '"RK9999"', "code = 'RK9999' must be"),
        ('"RK999"', '"RK998"', "must be called rk998_bad_thing.md"),
        ('"bad-thing"', '"BadThing"', "name = 'BadThing' must be"),
        ('"bad-thing"', '"good-thing"', "must be called rk999_good_thing.md"),
        ('"warning"', '"fatal"', "severity = 'fatal' must be one of error, warning, note"),
        ('["Relu", "Tan"]', '"Relu"', "applies_to = 'Relu' must be a list"),
        ('["Relu", "Tan"]', "[]", "neither empty"),
        ('["Relu", "Tan"]', '["Relu", "Relu"]', "doubles"),
        ("code =", "extra = 1\ncode =", "unknown keys ['extra']"),
        ("code =", "code", "is not TOML"),
        ("+++\n##", "##", "not closed"),
        ("+++\ncode", "code", "the first line must be"),
    ],
)
def test_a_broken_front_matter_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    text = card_text()
    assert old in text
    with pytest.raises(CardError) as error:
        parse_card(text.replace(old, new, 1), STEM)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{STEM}.md")


@pytest.mark.parametrize("key", ["title", "safety", "equivalence"])
def test_a_fix_says_everything(key: str) -> None:
    lines = [line for line in FIX.splitlines() if not line.startswith(key)]
    with pytest.raises(CardError, match=f"fix: {key} is missing"):
        parse_card(card_text(FRONT + "\n".join(lines) + "\n"), STEM)


def test_sections_are_split_by_heading() -> None:
    card = parse_card(card_text(Fixed="How it\n\nis done."), STEM)
    assert tuple(card.sections) == HEADINGS
    assert card.sections["Fixed"] == "How it\n\nis done."


@pytest.mark.parametrize("change", [("## Fixed\n", ""), ("## Fixed\n", "## Cured\n"), ("## Fixed\n", "## Example\n")])
def test_other_headings_are_refused_when_somebody_reads_them(change: tuple[str, str]) -> None:
    card = parse_card(card_text().replace(*change), STEM)
    with pytest.raises(CardError, match="the headings are"):
        _ = card.sections


def test_blocks_have_line_text_and_options() -> None:
    block = f'```onnx {{shape = "x=1x4", finds = 2}}\n{MODEL}\n```'
    text = card_text(Example=f"Look:\n\n{block}\n\n```\nno model\n```\n\n```onnx\n{MODEL}\n```")
    first, second = parse_card(text, STEM).blocks("Example")
    assert text.splitlines()[first.line - 1].startswith("```onnx {")
    assert first.text == f"{MODEL}\n"
    assert (first.shapes, first.dims, first.options["finds"]) == (("x=1x4",), (), 2)
    assert text.splitlines()[second.line - 1] == "```onnx"
    assert second.options == {}


def test_several_pins_are_a_list() -> None:
    text = card_text(Example=f'```onnx {{dim = ["a=1", "b=2"]}}\n{MODEL}\n```')
    (block,) = parse_card(text, STEM).blocks("Example")
    assert block.dims == ("a=1", "b=2")


@pytest.mark.parametrize(
    ("options", "message"), [("{shpae = 1}", "unknown options ['shpae']"), ("{shape}", "not TOML")]
)
def test_bad_options_are_refused_with_their_line(options: str, message: str) -> None:
    text = card_text(Example=f"```onnx {options}\n{MODEL}\n```")
    with pytest.raises(CardError) as error:
        parse_card(text, STEM).blocks("Example")
    line = next(i for i, content in enumerate(text.splitlines(), 1) if content.startswith("```onnx"))
    assert f"{STEM}.md:{line}: " in str(error.value)
    assert message in str(error.value)


def test_an_unknown_heading_has_no_blocks() -> None:
    with pytest.raises(CardError, match="no heading 'Examples'"):
        parse_card(card_text(), STEM).blocks("Examples")


WITH_OPTION = """
[options.least]
type = "int"
default = 5
least = 1
most = 9
meaning = "Less is not told."
"""


def test_options_are_declared_with_type_default_and_bounds() -> None:
    card = parse_card(card_text(FRONT + WITH_OPTION + FIX), STEM)
    (option,) = card.options
    assert (option.name, option.type, option.default, option.meaning) == ("least", "int", 5, "Less is not told.")
    assert option.objection(9) is None
    assert option.objection(10) == "must be at most 9"
    assert option.objection(0) == "must be at least 1"
    assert option.objection("5") == "must be of type int"
    assert option.objection(True) == "must be of type int"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default = 5", "default = 'x'"),
        ("default = 5", "default = 10"),
        ("default = 5\n", ""),
        ('type = "int"', 'type = "number"'),
        ('meaning = "Less is not told."\n', ""),
        ("least = 1", "lowest = 1"),
    ],
)
def test_a_broken_option_is_our_mistake(old: str, new: str) -> None:
    with pytest.raises(CardError):
        parse_card(card_text(FRONT + WITH_OPTION.replace(old, new) + FIX), STEM)
