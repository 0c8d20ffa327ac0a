"""A target: platform, toolkit version and precision. What exists is data (`op_tables/toolkits.toml`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rkgraph.derived import read_derived
from rkgraph.errors import TargetError
from rkgraph.resources import data_folder

__all__ = [
    "ModelFacts",
    "PlatformFacts",
    "Target",
    "constant_inputs",
    "largest_activation",
    "max_opset",
    "model_facts",
    "platform_facts",
    "platforms",
    "precision_config",
    "precisions",
    "refused_inputs",
    "resolve_target",
    "toolkits",
]


_LEGACY = frozenset({"rk1808", "rk1806", "rv1109", "rv1126", "rk3399pro"})
"""Platforms of rknn-toolkit 1."""
_ALIASES = {"float16": "fp16", "fp32": "fp16", "int8": "w8a8", "i8": "w8a8", "asymmetric_quantized-8": "w8a8"}
"""What other tools call a precision."""


@dataclass(frozen=True)
class Target:
    """What a model is to run on, e.g. Target("rk3588", "2.3.2", "fp16")."""

    platform: str = "rk3588"
    toolkit: str = "2.3.2"
    precision: str = "fp16"

    def __str__(self) -> str:
        return f"{self.platform} · rknn-toolkit2 {self.toolkit} · {self.precision}"


@dataclass(frozen=True)
class PlatformFacts:
    """A platform: its NPU cores, the core masks of the board's runtime, and whether it only runs quantized models.

    `twin` is another platform for which the compilers make the same of every case that was built for both.
    """

    name: str
    cores: int
    core_masks: tuple[str, ...]
    quantized_only: bool
    evidence: tuple[str, ...]
    twin: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What a toolkit version does with models as a whole, whatever the operators.

    Attributes:
        max_opset: the newest opset of the standard domain that loads.
        ir_versions: the first and last that load, None where no limit was found.
        refused_inputs, refused_scalars: dtypes of inputs, and of inputs of rank 0, that end the build if a node reads
            them.
        stale_scalars: any other input of rank 0 ends the build as soon as a rule of the optimiser fires.
        folds_random: random numbers that depend on constants only become constants.
        onnxruntime: the version in which the toolkit runs every node by itself.
    """

    max_opset: int
    ir_versions: tuple[int, int] | None
    refused_inputs: frozenset[str]
    refused_scalars: frozenset[str]
    stale_scalars: bool
    folds_random: bool
    onnxruntime: str


def resolve_target(platform: str = "rk3588", toolkit: str = "2.3.2", precision: str = "fp16") -> Target:
    """The target that is meant; spelling is forgiven for case and surrounding space only.

    Raises:
        TargetError: the toolkit, the platform or the precision does not exist, or not in this combination; the hint
            has the nearest name and the alternatives.
    """
    platform, toolkit, precision = (word.strip().lower() for word in (platform, toolkit, precision))
    if toolkit not in toolkits():
        raise _unknown("toolkit", toolkit, toolkits())
    if platform not in platforms(toolkit):
        others = [t for t in toolkits() if platform in platforms(t)]
        if others:
            raise TargetError(
                f"toolkit {toolkit} does not know the platform {platform}", f"these do: {', '.join(others)}"
            )
        raise _unknown("platform", platform, platforms(toolkit))
    if precision not in _facts()["precisions"]:
        raise _unknown("precision", precision, precisions(platform, toolkit))
    if precision not in precisions(platform, toolkit):
        raise TargetError(
            f"{platform} with toolkit {toolkit} has no precision {precision}{_why_not(platform, toolkit, precision)}",
            f"give --precision {' or '.join(precisions(platform, toolkit))}",
        )
    return Target(platform, toolkit, precision)


def toolkits() -> tuple[str, ...]:
    """The toolkit versions that are known, oldest first."""
    return tuple(sorted(_facts()["toolkit"], key=lambda v: tuple(int(n) for n in v.split("."))))


def platforms(toolkit: str) -> tuple[str, ...]:
    """The platforms that a toolkit version builds for. Raises TargetError for an unknown version."""
    return tuple(_toolkit(toolkit)["platforms"])


def max_opset(toolkit: str) -> int:
    """The newest opset of the standard domain that a toolkit version loads. Raises TargetError if it is unknown."""
    return int(_toolkit(toolkit)["max_opset"])


def refused_inputs(toolkit: str) -> frozenset[str]:
    """Dtypes of model inputs that a toolkit version builds nothing with; empty where that was not measured.

    Raises TargetError if the version is unknown.
    """
    return frozenset(_toolkit(toolkit).get("refused_inputs", ()))


def constant_inputs() -> Mapping[str, tuple[int, ...]]:
    """Operator → positions of the inputs that every toolkit version refuses where they are computed."""
    return {op: tuple(positions) for op, positions in _facts()["constant_inputs"].items()}


def model_facts(toolkit: str) -> ModelFacts:
    """What a toolkit version does with models as a whole. Raises TargetError for an unknown version."""
    facts = _toolkit(toolkit)
    versions = facts.get("ir_versions")
    return ModelFacts(
        max_opset=facts["max_opset"],
        ir_versions=(versions[0], versions[1]) if versions else None,
        refused_inputs=frozenset(facts["refused_inputs"]),
        refused_scalars=frozenset(facts["refused_scalars"]),
        stale_scalars=facts["stale_scalars"],
        folds_random=facts["folds_random"],
        onnxruntime=facts["onnxruntime"],
    )


def precisions(platform: str, toolkit: str) -> tuple[str, ...]:
    """The precisions that a toolkit version accepts for a platform. Raises TargetError for unknown names."""
    needs_quantization = platform_facts(platform).quantized_only
    table: Mapping[str, list[str]] = _toolkit(toolkit)["precisions"]
    return tuple(
        name
        for name, where in table.items()
        if ("all" in where or platform in where)
        and not (needs_quantization and not _facts()["precisions"][name]["do_quantization"])
    )


def precision_config(target: Target) -> Mapping[str, Any]:
    """How the precision is asked for: `quantized_dtype` (text, "" for none) and `do_quantization` (bool)."""
    facts = _facts()["precisions"][target.precision]
    return {key: facts[key] for key in ("quantized_dtype", "do_quantization")}


def largest_activation(target: Target) -> float | None:
    """The largest finite activation value of the precision (65504 for fp16), None where scales adapt to the data."""
    largest = _facts()["precisions"][target.precision].get("largest")
    return None if largest is None else float(largest)


def platform_facts(platform: str) -> PlatformFacts:
    """What is known of a platform whatever the toolkit. Raises TargetError if it is unknown."""
    known = _facts()["platform"]
    if platform not in known:
        raise _unknown("platform", platform, known)
    facts = known[platform]
    return PlatformFacts(
        platform,
        facts["cores"],
        tuple(facts["core_masks"]),
        facts.get("quantized_only", False),
        tuple(facts["evidence"]),
        facts.get("twin"),
    )


def _why_not(platform: str, toolkit: str, precision: str) -> str:
    """Why a precision that exists is not one of the platform's, as a clause; "" where it just is refused."""
    if platform in _toolkit(toolkit).get("dies", {}).get(precision, ()):
        return " (the configuration is accepted, and the compiler dies of one convolution)"
    if platform_facts(platform).quantized_only and precision == "fp16":
        return " (it runs quantized models only)"
    return ""


def _toolkit(version: str) -> Mapping[str, Any]:
    known = _facts()["toolkit"]
    if version not in known:
        raise _unknown("toolkit", version, known)
    found: Mapping[str, Any] = known[version]
    return found


def _unknown(what: str, name: str, known: Iterable[str]) -> TargetError:
    import difflib

    names = list(known)
    if what == "platform" and name in _LEGACY:
        hint = f"its toolkit is rknn-toolkit 1, which rkgraph does not know; there are: {', '.join(names)}"
        return TargetError(f"{name} is a platform of the generation before rknn-toolkit2", hint)
    near = [_ALIASES[name]] if name in _ALIASES else difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return TargetError(f"unknown {what} {name!r}", f"{guess}there are: {', '.join(names)}")


@lru_cache(maxsize=1)
def _facts() -> Mapping[str, Any]:
    return read_derived(data_folder("op_tables") / "toolkits.toml")
