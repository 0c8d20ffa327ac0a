"""Text that comes from a model, made safe to show: characters that hide, reorder or break text are spelled out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rkgraph.report.codec import encode

__all__ = ["one_line", "plain_data", "visible"]

# Controls (C0 but tab and line feed, C1), soft hyphen, zero-width and bidirectional marks, separators, surrogates, and
# code points that are no characters: what terminals obey, XML 1.0 forbids, or nobody sees.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` with what cannot be seen written as \uXXXX; tabs and line feeds stay."""
    return _INVISIBLE.sub(_spelled, text)


def one_line(text: str) -> str:
    r"""`text` as one line: white space, line feeds among it, is one space each; the rest as in `visible`."""
    return visible(re.sub(r"[ \t\r\n]+", " ", text)).strip()


def plain_data(data: Any) -> Any:
    """JSON data with every string, keys too, made visible; numbers without a JSON token become strings."""
    if isinstance(data, str):
        return visible(data)
    if isinstance(data, Mapping):
        return {visible(str(key)): plain_data(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain_data(value) for value in data]
    return encode(data, {}) if isinstance(data, float) else data


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
