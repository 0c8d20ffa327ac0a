"""RK720: an image that goes into a quantized model as it is, where something has to normalize it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext

_CHANNELS = (1, 3, 4)
_FLOATS = ("float16", "float32")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that looks like an image, and that only convolutions and paddings read."""
    main = lint.model.main
    if lint.target.precision == "fp16":
        return
    least = lint.settings["least_pixels"]
    for name in main.inputs:
        value, readers = main.value(name), main.consumers(name)
        if value.shape is None or len(value.shape) != 4 or value.dtype not in _FLOATS or not readers:
            continue
        _, channels, *plane = value.shape
        is_image = channels in _CHANNELS and all(isinstance(size, int) and size >= least for size in plane)
        if is_image and all(node.op in ("Conv", "Pad") and node.inputs[0] == name for node in readers):
            yield Finding(
                f"the image '{name}' goes into {readers[0].label} as it is: say mean_values and std_values in the "
                "build options if the program feeds 0 to 255, and calibrate with what the program feeds",
                value=name,
                observed={"shape": list(value.shape)},
                confidence=Confidence.FIELD_REPORT,
            )
