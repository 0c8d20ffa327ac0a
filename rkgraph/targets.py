"""A target: platform, toolkit version and precision. What exists is data (`op_tables/toolkits.toml`)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """What a model is to run on, e.g. Target("rk3588", "2.3.2", "fp16")."""

    platform: str = "rk3588"
    toolkit: str = "2.3.2"
    precision: str = "fp16"

    def __str__(self) -> str:
        return f"{self.platform} · rknn-toolkit2 {self.toolkit} · {self.precision}"
