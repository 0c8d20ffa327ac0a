"""What a build depends on: model, target, options, samples, and what is to be verified; and the keys made of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import digest_files, key_of
from rkgraph.compile.calibration import Samples, read_calibration, require_calibration
from rkgraph.compile.defects import avoiding, defects_of
from rkgraph.compile.feeds import generate_feeds, generate_images
from rkgraph.compile.islands import Goal
from rkgraph.compile.model_files import model_files
from rkgraph.compile.tensors import check_channels, check_feeds, read_npz, static_shape, tensors_of
from rkgraph.errors import UsageError
from rkgraph.targets import Target

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.analysis.defects import Defect
    from rkgraph.graph.view import ModelView

    Feeds = dict[str, npt.NDArray[Any]]

__all__ = ["Plan", "PreparedPlan", "Verify"]

_GENERATED_CASES = 2


@dataclass(frozen=True)
class Verify:
    """How to verify: `inputs` (.npz; None: generated), `against` (None: the model itself), lowest cosine allowed."""

    threshold: float = 0.999
    inputs: Path | None = None
    against: Path | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold <= 1.0:
            raise UsageError(f"--threshold {self.threshold:g}: is no cosine to ask for", "give one above 0, up to 1")


@dataclass(frozen=True)
class Plan:
    """What to build. `calibration` is needed by quantized precisions and refused by fp16.

    `islands`: what fp16 islands of a quantized build are to reach; None: there are those of `config` only.
    `layer_errors`: measure what fp16 or 8 bits do to the result of each layer.
    """

    model: Path
    target: Target
    config: BuildConfig = field(default_factory=BuildConfig)
    calibration: Path | None = None
    verify: Verify | None = None
    islands: Goal | None = None
    layer_errors: bool = False

    def prepare(self, view: ModelView) -> PreparedPlan:
        """Read and check all that the plan names, before minutes are spent.

        Rules of the toolkit that are known to be wrong for the model are switched off in the plan that comes back.

        Raises:
            UsageError: samples or feeds are missing, superfluous or do not fit.
        """
        require_calibration(self.calibration, self.target)
        inputs, outputs = tensors_of(view.main)
        if self.calibration is not None or self.verify is not None:
            for tensor in inputs:
                static_shape(tensor)
        samples = read_calibration(self.calibration, inputs) if self.calibration is not None else None
        feeds = None
        if self.verify is not None and self.verify.inputs is not None:
            feeds = read_npz(self.verify.inputs)
            check_feeds(feeds, inputs, str(self.verify.inputs))
        for name in ("mean_values", "std_values"):
            check_channels(name, getattr(self.config, name), inputs)
        names = tuple(tensor.name for tensor in outputs)
        found = defects_of(view.main, self.target)
        plan = replace(self, config=avoiding(self.config, found))
        return PreparedPlan(plan, view, tuple(tensor.name for tensor in inputs), names, samples, feeds, found)


@dataclass(frozen=True)
class PreparedPlan:
    """A plan whose files were read and found to fit; `defects` of the toolkit are avoided by its options."""

    plan: Plan
    view: ModelView
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    samples: Samples | None
    feeds: Feeds | None
    defects: tuple[Defect, ...] = ()

    @cached_property
    def weights_sha256(self) -> str:
        """Digest of all files of the model, weights included."""
        return digest_files(model_files(self.plan.model))

    @property
    def build_key(self) -> str:
        """The same key means the same .rknn and the same log."""
        plan = self.plan
        return key_of(
            {
                "what": "build",
                "model": self.weights_sha256,
                "target": [plan.target.platform, plan.target.toolkit, plan.target.precision],
                "options": plan.config.of_build,
                "samples": None if self.samples is None else self.samples.digest,
            }
        )

    @property
    def verify_key(self) -> str | None:
        """The same key means the same simulated and expected outputs; None where nothing is to be verified."""
        verify = self.plan.verify
        if verify is None:
            return None
        return key_of(
            {
                "what": "verify/2",
                "build": self.build_key,
                "inputs": self._made_of if verify.inputs is None else digest_files([verify.inputs]),
                "against": None if verify.against is None else digest_files(model_files(verify.against)),
            }
        )

    def cases(self) -> list[Feeds]:
        """The feeds to simulate. Empty where nothing is to be verified.

        They are those given, else samples that were calibrated on: for other numbers than these the scales of a
        quantized build were not made. Images, which only the toolkit decodes, are made up as whole numbers to 255.
        """
        if self.plan.verify is None:
            return []
        if self.feeds is not None:
            return [{name: self.feeds[name] for name in self.inputs}]
        if self.samples is not None and not self._images:
            rows = (self.samples.rows[0], self.samples.rows[-1])[: len(self.samples.rows)]
            return [self._feeds(row) for row in rows]
        tensors, _ = tensors_of(self.view.main)
        images = [tensors[position] for position in sorted(self._images)]
        return [
            {**generate_feeds(self.view.main, tensors, seed), **generate_images(images, seed)}
            for seed in range(_GENERATED_CASES)
        ]

    def _feeds(self, row: Iterable[Any]) -> Feeds:
        """A sample by input name."""
        return dict(zip(self.inputs, row, strict=True))

    @property
    def _images(self) -> frozenset[int]:
        """Positions of inputs that are fed with images: samples say so, or a mean or deviation that is taken off."""
        shown = self.samples.rows[0] if self.samples is not None else ()
        normalised = max(len(self.plan.config.mean_values or ()), len(self.plan.config.std_values or ()))
        return frozenset(i for i, item in enumerate(shown) if isinstance(item, Path)) | frozenset(range(normalised))

    @property
    def _made_of(self) -> Any:
        """What the cases are made of where none are given, for the key of a verification."""
        if self._images:
            return ["images", _GENERATED_CASES, sorted(self._images)]
        return ["samples", _GENERATED_CASES] if self.samples is not None else _GENERATED_CASES
