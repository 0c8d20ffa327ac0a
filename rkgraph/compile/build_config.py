"""The options of `build.toml`; which exist, for which toolkit and platform, is data: `op_tables/build_options.toml`."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from rkgraph.compile.tensors import did_you_mean
from rkgraph.derived import read_toml
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.targets import Target, precision_config, precisions

__all__ = ["BuildConfig", "OptionSpec", "load_build_config", "option_specs", "options_beside"]

_KEYS = {
    "call",
    "type",
    "help",
    "evidence",
    "choices",
    "low",
    "high",
    "positive",
    "toolkits",
    "platforms",
    "needs",
    "only",
}


@dataclass(frozen=True)
class OptionSpec:
    """One option as `op_tables/build_options.toml` describes it; the meaning of each key is told there."""

    name: str
    call: str
    type: str
    help: str
    evidence: tuple[str, ...]
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    positive: bool = False
    toolkits: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    needs: str | None = None
    only: Mapping[str, Mapping[str, list[str]]] | None = None


@dataclass(frozen=True)
class BuildConfig:
    """How to build, beyond the target: every option is None unless given. Create it with `load_build_config` or `of`.

    Each field is the option of that name in `op_tables/build_options.toml`, which describes it.
    """

    mean_values: tuple[tuple[float, ...], ...] | None = None
    std_values: tuple[tuple[float, ...], ...] | None = None
    input_layout: str | None = None
    optimization_level: int | None = None
    quantized_algorithm: str | None = None
    quantized_method: str | None = None
    auto_hybrid: bool | None = None
    auto_hybrid_cos_thresh: float | None = None
    auto_hybrid_euc_thresh: float | None = None
    quant_img_RGB2BGR: bool | None = None  # noqa: N815 - the toolkit's spelling
    op_target: Mapping[str, str] | None = None
    disable_rules: tuple[str, ...] | None = None
    enable_flash_attention: bool | None = None
    single_core_mode: bool | None = None
    compress_weight: bool | None = None
    sparse_infer: bool | None = None
    model_pruning: bool | None = None
    memory_plan_strategy: str | None = None
    compute_order: str | None = None
    custom_string: str | None = None
    fp16_islands: tuple[str, ...] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], target: Target, where: str = "build options") -> BuildConfig:
        """Check values as read from TOML against types, limits and target.

        Raises:
            UsageError: an unknown option (did you mean …), a wrong type or value, or one that this toolkit, platform
                or precision does not have.
        """
        specs = option_specs()
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name not in specs:
                raise UsageError(f"{where}: there is no option {name}", did_you_mean(name, specs))
            found[name] = _check_value(specs[name], value, f"{where}: {name}")
            _check_target(specs[name], found[name], target, f"{where}: {name}")
        return cls(**found)

    def given(self, *calls: str) -> dict[str, Any]:
        """The options that were given, as plain data; only those of `calls` ("config" …), if any are named."""
        specs = option_specs()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: _plain(value)
            for name, value in values.items()
            if value is not None and (not calls or specs[name].call in calls)
        }

    @property
    def of_build(self) -> dict[str, Any]:
        """The options that change what is built, as plain data: part of every key."""
        return self.given("config", "build", "hybrid")

    def config_arguments(self, target: Target) -> dict[str, Any]:
        """Keyword arguments of `RKNN.config`, the platform aside."""
        dtype = precision_config(target)["quantized_dtype"]
        return {**({"quantized_dtype": dtype} if dtype else {}), **self.given("config")}

    def build_arguments(self, target: Target) -> dict[str, Any]:
        """Keyword arguments of `RKNN.build`, the dataset aside."""
        return {"do_quantization": bool(precision_config(target)["do_quantization"]), **self.given("build")}


def load_build_config(path: Path, target: Target) -> BuildConfig:
    """Read and check a build.toml. Raises UsageError naming file and option."""
    try:
        values = read_toml(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})", "check --config, or leave it out") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text", "build options are TOML: check --config") from error
    return BuildConfig.of(values, target, str(path))


def options_beside(model: Path) -> Path:
    """Where the options lie that belong to a model or bundle: MODEL.build.toml beside it, build.toml in the bundle."""
    return model.with_suffix(".build.toml") if model.suffix in (".onnx", ".rknn") else model / "build.toml"


@lru_cache(maxsize=1)
def option_specs() -> Mapping[str, OptionSpec]:
    """All options by name, in the order of the data file."""
    data = read_toml(data_folder("op_tables") / "build_options.toml")
    return {name: _spec(name, facts) for name, facts in data.items()}


def _spec(name: str, facts: Mapping[str, Any]) -> OptionSpec:
    if not facts.keys() <= _KEYS:
        raise ValueError(f"build_options.toml: {name} has unknown keys {facts.keys() - _KEYS}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return OptionSpec(name, **values)


def _check_value(spec: OptionSpec, value: Any, where: str) -> Any:
    """The value in its immutable form, or UsageError."""
    return _CHECKS[spec.type](spec, value, where)


def _check_flag(_spec: OptionSpec, value: Any, where: str) -> Any:
    return _require(value, isinstance(value, bool), where, "true or false")


def _check_text(_spec: OptionSpec, value: Any, where: str) -> Any:
    return _require(value, isinstance(value, str), where, "text")


def _check_names(_spec: OptionSpec, value: Any, where: str) -> tuple[str, ...]:
    names = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    return tuple(_require(value, names, where, 'a list of names, e.g. ["convert_layernorm_to_exnorm"]'))


def _check_placement(spec: OptionSpec, value: Any, where: str) -> Mapping[str, str]:
    _require(value, isinstance(value, dict) and bool(value), where, 'a table, e.g. { Softmax = "cpu" }')
    return {key: _check_choice(spec, device, f"{where}.{key}") for key, device in value.items()}


def _check_number(spec: OptionSpec, value: Any, where: str) -> Any:
    types = (int,) if spec.type == "integer" else (int, float)
    low = "" if spec.low is None else f" from {spec.low:g}"
    high = "" if spec.high is None else f" up to {spec.high:g}"
    right = isinstance(value, types) and not isinstance(value, bool)
    inside = right and (spec.low is None or value >= spec.low) and (spec.high is None or value <= spec.high)
    return _require(value, inside, where, f"a{'n integer' if spec.type == 'integer' else ' number'}{low}{high}")


def _check_channels(spec: OptionSpec, value: Any, where: str) -> tuple[tuple[float, ...], ...]:
    lists = isinstance(value, list) and bool(value) and all(isinstance(row, list) and row for row in value)
    _require(value, lists, where, "a list of channel values for each input, e.g. [[127.5, 127.5, 127.5]]")
    for row in value:
        for number in row:
            right = isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < float("inf")
            _require(
                number, right and (not spec.positive or number > 0), where, f"a{' positive' * spec.positive} number"
            )
    return tuple(tuple(float(number) for number in row) for row in value)


def _check_choice(spec: OptionSpec, value: Any, where: str) -> Any:
    if value not in spec.choices:
        raise UsageError(f"{where} is {value!r}", did_you_mean(str(value), spec.choices))
    return value


_CHECKS: Mapping[str, Callable[[OptionSpec, Any, str], Any]] = {
    "flag": _check_flag,
    "integer": _check_number,
    "number": _check_number,
    "text": _check_text,
    "choice": _check_choice,
    "channels": _check_channels,
    "names": _check_names,
    "placement": _check_placement,
}


def _require(value: Any, right: bool, where: str, wanted: str) -> Any:
    if not right:
        raise UsageError(f"{where} is {value!r}", f"it is to be {wanted}")
    return value


def _check_target(spec: OptionSpec, value: Any, target: Target, where: str) -> None:
    """Raise UsageError where toolkit, platform or precision of the target do not have the option or the choice."""
    _one_of(spec.toolkits, target.toolkit, where, "toolkit")
    _one_of(spec.platforms, target.platform, where, "platform")
    quantized = bool(precision_config(target)["do_quantization"])
    if spec.needs == "quantized" and not quantized:
        raise UsageError(
            f"{where}: has no effect with precision {target.precision}", "drop it, or give --precision w8a8"
        )
    if spec.call == "hybrid" and "fp16" not in precisions(target.platform, target.toolkit):
        raise UsageError(f"{where}: {target.platform} computes in integers only", "drop it")
    for pattern, limits in (spec.only or {}).items():
        if isinstance(value, str) and fnmatch.fnmatchcase(value, pattern):
            _one_of(limits.get("toolkits", ()), target.toolkit, f"{where} = {value}", "toolkit")
            _one_of(limits.get("precisions", ()), target.precision, f"{where} = {value}", "precision")


def _one_of(allowed: tuple[str, ...] | list[str], have: str, where: str, what: str) -> None:
    if allowed and have not in allowed:
        raise UsageError(f"{where}: does not exist for {what} {have}", f"it does for: {', '.join(allowed)}")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value
