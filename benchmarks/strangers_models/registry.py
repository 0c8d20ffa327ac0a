"""What an architecture is to the exporter: a function that builds it, the variants to export, and inputs by spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

Spec = dict[str, Any]

ARCHITECTURES: dict[str, Architecture] = {}


@dataclass(frozen=True)
class Built:
    """A module and what it takes: specs of inputs (as in `corpus.py`, with `free`: the axes that are dynamic)."""

    module: nn.Module
    inputs: tuple[Spec, ...]
    outputs: tuple[str, ...] = ("output",)


@dataclass(frozen=True)
class Architecture:
    """A name, the exports wanted of it (ts11 … ts20: legacy exporter, dy18 …: the new one; `d` at the end: dynamic)."""

    name: str
    build: Callable[[], Built]
    variants: tuple[str, ...]


def architecture(*variants: str, name: str = "") -> Callable[[Callable[[], Built]], Callable[[], Built]]:
    """Register a builder under its own name, or `name`."""

    def register(build: Callable[[], Built]) -> Callable[[], Built]:
        own = name or build.__name__
        ARCHITECTURES[own] = Architecture(own, build, variants)
        return build

    return register


def normal(name: str, *shape: int, scale: float = 1.0, free: Sequence[int] = ()) -> Spec:
    """A float input of normal numbers."""
    return {"name": name, "shape": shape, "dtype": "float32", "gen": "normal", "scale": scale, "free": free}


def uniform(name: str, *shape: int, low: float = 0.0, high: float = 1.0, free: Sequence[int] = ()) -> Spec:
    """A float input between two numbers."""
    return {"name": name, "shape": shape, "dtype": "float32", "gen": "uniform", "low": low, "high": high, "free": free}


def whole(name: str, *shape: int, high: int, low: int = 0, dtype: str = "int64", free: Sequence[int] = ()) -> Spec:
    """An input of whole numbers from `low` to `high` − 1."""
    return {"name": name, "shape": shape, "dtype": dtype, "gen": "randint", "low": low, "high": high, "free": free}


def constant(name: str, *shape: int, value: float = 1, dtype: str = "int64", free: Sequence[int] = ()) -> Spec:
    """An input that is one number everywhere, such as a mask of ones."""
    return {"name": name, "shape": shape, "dtype": dtype, "gen": "const", "value": value, "free": free}


def tensor(spec: Spec) -> torch.Tensor:
    """A sample of a spec, from numpy's generator seeded with its name."""
    rng = np.random.default_rng(sum(spec["name"].encode()))
    shape, kind = tuple(spec["shape"]), spec["gen"]
    if kind == "normal":
        values = rng.normal(0, spec["scale"], shape)
    elif kind == "uniform":
        values = rng.uniform(spec["low"], spec["high"], shape)
    elif kind == "randint":
        values = rng.integers(spec["low"], spec["high"], shape)
    else:
        values = np.broadcast_to(spec["value"], shape)
    return torch.from_numpy(np.array(values, dtype=spec["dtype"]))


class Called(nn.Module):
    """A module whose forward is a function of it and its inputs, for those that return more than tensors."""

    def __init__(self, module: nn.Module, function: Callable[..., Any]) -> None:
        super().__init__()
        self.module, self.function = module, function

    def forward(self, *arrays: torch.Tensor) -> Any:
        """What the function makes of the module and its inputs."""
        return self.function(self.module, *arrays)
