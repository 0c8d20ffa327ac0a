"""What lines of the compiler's log mean. The one place where log text becomes codes.

Patterns are regular expressions searched in one line (prefix, time and colours removed); the first that
matches decides. Measured with rknn-toolkit2 2.2.0 to 2.5.0 unless an entry says otherwise. A line that no entry
knows keeps its text: RK901 if the toolkit calls it an error, RK902 if a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rkgraph.diagnostics import Severity

__all__ = ["LOG_TABLE", "OUTCOME_TABLE", "UNKNOWN_ERROR", "UNKNOWN_WARNING", "LogPattern"]


@dataclass(frozen=True)
class LogPattern:
    """One kind of line: what it looks like, what it means on RKNN, what to do about it."""

    code: str
    severity: Severity
    pattern: re.Pattern[str]
    meaning: str
    mend: str = ""


def _entry(code: str, severity: Severity, pattern: str, meaning: str, mend: str = "") -> LogPattern:
    return LogPattern(code, severity, re.compile(pattern), meaning, mend)


UNKNOWN_ERROR = "RK901"
UNKNOWN_WARNING = "RK902"

_NEEDS_FIX = "run `rkgraph lint` on the model; `rkgraph fix` may rewrite it"

LOG_TABLE: tuple[LogPattern, ...] = (
    _entry(
        "RK910",
        Severity.ERROR,
        r"need to be constant",
        "A shape depends on a value that is computed at run time; the compiler wants an initializer.",
        "pin the dynamic inputs (`rkgraph fix --shape NAME=DIMS`), so that the chain folds to a constant; what "
        "depends on data (NonZero, NonMaxSuppression …) has to leave the model",
    ),
    _entry(
        "RK911",
        Severity.ERROR,
        r"[Uu]nsupport\w* onnx opset",
        "The model's opset is newer than the toolkit reads (19 for 2.x).",
        "rkgraph fix lowers the opset",
    ),
    _entry(
        "RK912",
        Severity.ERROR,
        r"input shape .* is not support",
        "An input has a dynamic, empty or scalar shape.",
        "pin it: `rkgraph fix --shape NAME=DIMS`",
    ),
    _entry(
        "RK913",
        Severity.ERROR,
        r"Not support input data type",
        "An input or initializer has a dtype that the toolkit does not read (string, float8, complex …).",
        "convert that part of the model to float or integer tensors",
    ),
    _entry(
        "RK914",
        Severity.ERROR,
        r"All outputs .* of model are constants",
        "Nothing is left after constant folding: no output depends on an input.",
        "check which inputs were frozen or pinned",
    ),
    _entry(
        "RK915",
        Severity.ERROR,
        r"NOT_IMPLEMENTED|\[ONNXRuntimeError\]",
        "The toolkit folds constants in ONNX Runtime, which has no kernel for this operator and dtype.",
        "rewrite the operator with float32 or int64 tensors, or fold it before (`rkgraph fix`)",
    ),
    _entry(
        "RK916",
        Severity.ERROR,
        r"Unable to handle object of type",
        "A sequence or optional value, which RKNN does not have.",
        "rewrite the model with plain tensors",
    ),
    _entry(
        "RK917",
        Severity.ERROR,
        r"will cause the graph to be a dynamic graph",
        "The output shape of this operator depends on data (Loop, NonZero …).",
        "move it out of the model: " + _NEEDS_FIX,
    ),
    _entry(
        "RK918",
        Severity.ERROR,
        r"assertInVersionRange|invalid version",
        "An operator of a domain or version that the toolkit does not know.",
        _NEEDS_FIX,
    ),
    _entry(
        "RK920",
        Severity.ERROR,
        r"No lowering found for|Meet RKNN unsupport Operator",
        "No kernel on NPU or CPU: the node becomes a custom operator and the board refuses the model, "
        "although build and simulator succeed.",
        _NEEDS_FIX,
    ),
    _entry(
        "RK921",
        Severity.WARNING,
        r"(?i)fall ?back (to )?cpu",
        "The operator runs on the CPU, mostly for a dimension beyond what the NPU takes (8192).",
        _NEEDS_FIX,
    ),
    _entry(
        "RK922",
        Severity.WARNING,
        r"(?i)regtask.*limit|exceeded hardware limitation",
        "A dimension does not fit a hardware register (8191). The build goes on; users report anything from no "
        "consequence to all-zero output.",
        "split or reshape so that each dimension is at most 8191, and verify on the board",
    ),
    _entry(
        "RK923",
        Severity.ERROR,
        r"Not Support Dtype|(?i:unsupport\w* (output |dst )?dtype)|Unsupport tyep bits",
        "The compiler has no lowering for this dtype; often the process aborts next.",
        "cast to float32 or int64 before the operator",
    ),
    _entry(
        "RK924",
        Severity.WARNING,
        r"has been corrected to -?\d+ or \d+",
        "A constant beyond fp16 was replaced by ±10000 (optimization level 3).",
        "rkgraph fix makes mask constants fit fp16",
    ),
    _entry(
        "RK925",
        Severity.WARNING,
        r"out of the float16",
        "Values of this tensor exceed fp16 (65504); the NPU computes infinities or NaN (from field reports).",
        "scale the tensor down before this operator, or verify with `rkgraph compile --verify`",
    ),
    _entry(
        "RK926",
        Severity.ERROR,
        r"The Op of '.*' is not supported yet",
        "The toolkit's reader does not know the operator.",
        "rewrite it, or move it out of the model",
    ),
    _entry(
        "RK927",
        Severity.ERROR,
        r"No Adapter From Version",
        "The toolkit converts the opset and onnx has no conversion for this operator (from field reports).",
        "convert it before: `rkgraph fix`",
    ),
    _entry(
        "RK928",
        Severity.ERROR,
        r"Invalid target_platform|Invalid '?\w+'? (value|parameter)",
        "A configuration value that this toolkit or platform does not have.",
        "choose one of the values that the message names",
    ),
    _entry(
        "RK919",
        Severity.ERROR,
        r"^(AttributeError|KeyError|IndexError|TypeError|ValueError|RuntimeError|ZeroDivisionError|AssertionError): ",
        "A defect inside the toolkit's optimiser, met on this model.",
        "look for the last rule in the toolkit's log (`--log FILE`), switch it off (`disable_rules`), "
        "or find the operators that it takes (`rkgraph reduce`)",
    ),
    _entry("RK990", Severity.NOTE, r"^rknn-toolkit2 version:|Traceback \(most recent", "The frame around an error."),
    _entry("RK990", Severity.NOTE, r"=+ WARN\(\d+\) =+$", "A heading before repeated warnings."),
    _entry("RK990", Severity.NOTE, r"(Set|Restore) temperate env rknn_compute_order", "2.5.0 says so in each build."),
    _entry("RK990", Severity.NOTE, r"config\.(mean|std)_values is None", "No normalisation was asked for."),
    _entry("RK990", Severity.NOTE, r"Unkown op target: 0", "Printed by healthy builds too; no verdict."),
    _entry("RK990", Severity.NOTE, r"needs? parameter qtype", "A tensor without quantization parameters stays fp16."),
    _entry("RK990", Severity.NOTE, r"is already in IndependentMap", "A weight is shared; no consequence."),
    _entry("RK990", Severity.NOTE, r"The 'data_format' is not set", "The simulator was called without a layout."),
    _entry("RK990", Severity.NOTE, r"pkg_resources is deprecated", "Python packaging; no consequence."),
)
"""Order matters: specific before general."""

OUTCOME_TABLE = {
    "died": _entry(
        "RK903",
        Severity.ERROR,
        "",
        "The toolkit's process died.",
        "lint the model for operators that crash the compiler; `rkgraph compile` keeps the whole log",
    ),
    "timed-out": _entry("RK904", Severity.ERROR, "", "The toolkit did not end in time.", "give it a longer --timeout"),
    "out-of-memory": _entry(
        "RK905", Severity.ERROR, "", "The toolkit used more memory than allowed.", "give it more with --memory"
    ),
}
"""Entries for jobs that did not end by themselves, by `JobResult.outcome`."""
