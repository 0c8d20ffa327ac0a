"""build.toml is checked against types, limits, toolkit, platform and precision; the data has evidence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from rkgraph.compile.build_config import BuildConfig, load_build_config, option_specs
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.targets import Target

FP16 = Target("rk3588", "2.3.2", "fp16")
W8A8 = Target("rk3588", "2.3.2", "w8a8")

GOOD: list[tuple[Target, dict[str, Any]]] = [
    (FP16, {}),
    (FP16, {"mean_values": [[127.5, 127.5, 127.5]], "std_values": [[127.5, 1, 1]]}),
    (FP16, {"input_layout": "nhwc"}),
    (FP16, {"optimization_level": 0}),
    (FP16, {"optimization_level": 3}),
    (FP16, {"op_target": {"Softmax": "cpu", "out": "auto"}}),
    (FP16, {"disable_rules": ["convert_layernorm_to_exnorm"]}),
    (FP16, {"single_core_mode": True, "custom_string": "v1", "enable_flash_attention": False}),
    (W8A8, {"quantized_algorithm": "mmse", "quantized_method": "layer"}),
    (W8A8, {"auto_hybrid": True, "auto_hybrid_cos_thresh": 1.0}),
    (Target("rk3576", "2.3.2", "w4a16"), {"quantized_algorithm": "gdq", "quantized_method": "group256"}),
    (Target("rk3588", "2.5.0", "fp16"), {"compute_order": "DepthFirst"}),
]
BAD: list[tuple[Target, dict[str, Any], str]] = [
    (FP16, {"optimisation_level": 3}, "did you mean optimization_level"),
    (FP16, {"optimization_level": 4}, "from 0 up to 3"),
    (FP16, {"optimization_level": -1}, "from 0 up to 3"),
    (FP16, {"optimization_level": True}, "an integer"),
    (FP16, {"optimization_level": "3"}, "an integer"),
    (FP16, {"std_values": [[0]]}, "positive"),
    (FP16, {"std_values": [[float("inf")]]}, "number"),
    (FP16, {"mean_values": [1, 2, 3]}, "for each input"),
    (FP16, {"mean_values": [[True]]}, "number"),
    (FP16, {"input_layout": "nhcw"}, "did you mean nhwc"),
    (FP16, {"op_target": {"Softmax": "tpu"}}, "npu"),
    (FP16, {"op_target": {}}, "a table"),
    (FP16, {"op_target": ["cpu"]}, "a table"),
    (FP16, {"disable_rules": "x"}, "a list of names"),
    (FP16, {"disable_rules": [""]}, "a list of names"),
    (FP16, {"single_core_mode": 1}, "true or false"),
    (FP16, {"custom_string": 3}, "text"),
    (FP16, {"quantized_algorithm": "mmse"}, "no effect with precision fp16"),
    (W8A8, {"quantized_algorithm": "gdq"}, "precision w8a8"),
    (W8A8, {"quantized_algorithm": "KL"}, "known are"),
    (W8A8, {"quantized_method": "group32"}, "precision w8a8"),
    (W8A8, {"quantized_method": "group33"}, "did you mean group"),
    (W8A8, {"auto_hybrid_cos_thresh": 1.01}, "up to 1"),
    (Target("rk3566", "2.3.2", "fp16"), {"single_core_mode": True}, "platform rk3566"),
    (FP16, {"sparse_infer": True}, "rk3576"),
    (Target("rk3588", "2.2.0", "fp16"), {"disable_rules": ["x"]}, "toolkit 2.2.0"),
    (FP16, {"compute_order": "DepthFirst"}, "toolkit 2.3.2"),
]


@pytest.mark.parametrize(("target", "values"), GOOD)
def test_what_is_right_is_taken(target: Target, values: dict[str, Any]) -> None:
    assert BuildConfig.of(values, target).given() == values


@pytest.mark.parametrize(("target", "values", "said"), BAD)
def test_what_is_wrong_is_refused_with_a_mend(target: Target, values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        BuildConfig.of(values, target, "build.toml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("build.toml")
    assert next(iter(values)) in str(refused.value)


def test_the_dataclass_and_the_data_name_the_same_options() -> None:
    assert [field.name for field in fields(BuildConfig)] == list(option_specs())


def test_every_option_has_evidence_that_exists() -> None:
    text = (data_folder("op_tables") / "evidence" / "build_options.txt").read_text()
    for spec in option_specs().values():
        assert spec.evidence, spec.name
        for identifier in spec.evidence:
            kind = identifier.removeprefix("build_options:")
            assert kind in ("valid-arguments", "not-an-argument") or f"'{kind}'" in text, identifier
        for version in ("2.2.0", "2.3.0", "2.3.2", "2.5.0") if spec.call == "config" else ():
            listed = text.split(f"[{version}]\nvalid arguments: ")[1].splitlines()[0]
            known = not spec.toolkits or version in spec.toolkits
            assert (f"'{spec.name}'" in listed) is known, f"{spec.name} in {version}"


def test_arguments_go_to_their_calls() -> None:
    config = BuildConfig.of({"auto_hybrid": True, "optimization_level": 2, "input_layout": "nhwc"}, W8A8)
    assert config.config_arguments(W8A8) == {"quantized_dtype": "w8a8", "optimization_level": 2}
    assert config.build_arguments(W8A8) == {"do_quantization": True, "auto_hybrid": True}
    assert BuildConfig().config_arguments(FP16) == {}
    assert BuildConfig().build_arguments(FP16) == {"do_quantization": False}


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "build.toml"
    path.write_text('optimization_level = 2\nop_target = { Softmax = "cpu" }\n')
    assert load_build_config(path, FP16) == BuildConfig(optimization_level=2, op_target={"Softmax": "cpu"})


@pytest.mark.parametrize("content", [b"level = = 3", b"\xff\xfe"])
def test_files_that_are_no_toml_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "build.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"build\.toml"):
        load_build_config(path, FP16)
    with pytest.raises(UsageError, match="cannot be read"):
        load_build_config(tmp_path / "absent.toml", FP16)
