"""What targets exist, how those that do not are refused, and that the facts are those that were measured."""

from __future__ import annotations

import json

import pytest

from rkgraph import targets
from rkgraph.errors import TargetError
from rkgraph.resources import data_folder
from rkgraph.targets import Target, resolve_target

MEASURED = [
    json.loads(line) for line in (data_folder("op_tables") / "evidence" / "targets.jsonl").read_text().splitlines()
]


def test_a_target_that_exists():
    assert resolve_target("rk3588", "2.3.2", "fp16") == Target("rk3588", "2.3.2", "fp16")
    assert str(Target()) == "rk3588 · rknn-toolkit2 2.3.2 · fp16"


def test_spelling_is_forgiven_for_case_and_space_only():
    assert resolve_target(" RK3588", "2.3.2", "FP16") == Target()
    with pytest.raises(TargetError):
        resolve_target("rk-3588")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("rk3558",), "unknown platform 'rk3558'", "did you mean rk3588?"),
        (("rk3588", "2.3.3"), "unknown toolkit '2.3.3'", "did you mean 2.3.2?"),
        (("rk3588", "2.3.2", "fp61"), "unknown precision 'fp61'", "did you mean fp16?"),
        (("zzz",), "unknown platform 'zzz'", "there are: rk2118, rk3562"),
        (("rv1126b", "2.2.0"), "toolkit 2.2.0 does not know the platform rv1126b", "these do: 2.3.2, 2.5.0"),
        (("rk3588", "2.3.2", "w4a16"), "rk3588 with toolkit 2.3.2 has no precision w4a16", "fp16 or w8a8 or w16a16i"),
        (("rk3588", "2.5.0", "w16a16i"), "rk3588 with toolkit 2.5.0 has no precision w16a16i", "fp16 or w8a8"),
        (("rv1103", "2.3.2", "fp16"), "(it runs quantized models only)", "w8a8 or w16a16i"),
        (("rk2118", "2.3.2", "w8a8"), "the compiler dies", "fp16"),
    ],
)
def test_what_does_not_exist_is_refused_with_alternatives(arguments, message, hint):
    with pytest.raises(TargetError) as caught:
        resolve_target(*arguments)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_no_guess_where_nothing_is_near():
    with pytest.raises(TargetError) as caught:
        targets.max_opset("latest")
    assert "did you mean" not in caught.value.hint


@pytest.mark.parametrize("version", targets.toolkits())
def test_platforms_and_precisions_are_those_that_were_built(version):
    lines = [line for line in MEASURED if line["toolkit"] == version and line["opset"] == 13]
    built = {(line["platform"], line["precision"]) for line in lines if line["outcome"] == "ok"}
    assert built == {(p, q) for p in targets.platforms(version) for q in targets.precisions(p, version)}


@pytest.mark.parametrize("version", targets.toolkits())
def test_max_opset_is_the_newest_that_was_built(version):
    lines = [line for line in MEASURED if line["toolkit"] == version and line["platform"] == "rk3588"]
    assert targets.max_opset(version) == max(line["opset"] for line in lines if line["outcome"] == "ok")
    assert min(line["opset"] for line in lines if line["outcome"] == "load-failed") == targets.max_opset(version) + 1


def test_how_a_precision_is_asked_for():
    assert targets.precision_config(Target()) == {"quantized_dtype": "", "do_quantization": False}
    assert targets.precision_config(Target(precision="w8a8")) == {"quantized_dtype": "w8a8", "do_quantization": True}


def test_only_fp16_bounds_activations_by_itself():
    assert targets.largest_activation(Target()) == 65504.0
    assert targets.largest_activation(Target(precision="w8a8")) is None


def test_cores_and_their_masks():
    assert targets.platform_facts("rk3588").cores == 3
    assert "0_1_2" in targets.platform_facts("rk3588").core_masks
    assert targets.platform_facts("rk3566").core_masks == ("auto", "0")
    assert targets.platform_facts("rv1106").quantized_only
    with pytest.raises(TargetError):
        targets.platform_facts("rk9999")
