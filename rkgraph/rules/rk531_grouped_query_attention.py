"""RK531: com.microsoft.GroupQueryAttention, the attention of models that ONNX Runtime GenAI exports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between
from rkgraph.rulebook.attention_heads import merge_heads, rotated, split_heads
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, real_dtype, unfused
from rkgraph.rulebook.grouped_attention import (
    LARGEST_WHOLE,
    Cache,
    Scores,
    attended,
    behind,
    hidden,
    present,
    shared,
)
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

USUAL = Between(-8.0, 8.0)
_NAMES = (
    "query", "key", "value", "past_key", "past_value", "seqlens_k", "total_sequence_length", "cos_cache", "sin_cache",
    "position_ids", "attention_bias", "head_sink",
)  # fmt: skip
_UNWRITTEN = {"qk_output": 0, "sliding_window_cache": 0, "kv_cache_bit_width": 0, "causal": 1}
"""Attributes that change what is computed, by the value at which they do not."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "products, a mask and a Softmax over a cache take its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Rotation, cache, scores, mask, Softmax, and what is attended to."""
    node, graph = finding.node, lint.model.main
    names = [] if node is None else [name for name in node.inputs[:5] if name and not graph.is_constant(name)]
    within = dict.fromkeys(names, USUAL)
    if node is not None and input_of(node, 5) and not graph.is_constant(node.inputs[5]):
        within |= _lengths(graph, node)
    return unfused(lint, finding, _WRITTEN, prefix="rk531", opset=11, within=within)


@dataclass(frozen=True)
class _Form:
    """Sizes of the operator, and its inputs by name: batch B, S steps, N heads, K groups, d wide, T rows of `past`."""

    inputs: Mapping[str, str]
    batch: int
    steps: int
    heads: int
    groups: int
    width: int
    past: int
    total: int

    @property
    def is_prompt(self) -> bool:
        """Whether nothing came before: ONNX Runtime looks at no cache then."""
        return self.steps == self.total

    @property
    def rows(self) -> int:
        """Of the cache that it hands out."""
        return max(self.total, self.past)


def _lengths(graph: GraphView, node: Node) -> Mapping[str, Between]:
    """The lengths that the operator is defined for: those that leave room for the steps in the cache."""
    try:
        form = _form(graph, node)
    except NotUnfused:
        return {}
    return {node.inputs[5]: Between(0 if form.is_prompt else form.steps - 1, form.total - 1, integer=True)}


def _form(graph: GraphView, node: Node) -> _Form:
    inputs = {name: input_of(node, place) for place, name in enumerate(_NAMES)}
    if any(node.inputs[len(_NAMES) :]):
        raise NotUnfused(f"{node.label} has scales of a quantised cache, or norms of queries and keys")
    for name, value in _UNWRITTEN.items():
        if node.attributes.get(name, value) != value:
            raise NotUnfused(f"{node.label} has {name} = {node.attributes[name]}")
    heads, groups = int(node.attributes["num_heads"]), int(node.attributes["kv_num_heads"])
    shape, past = static_shape(graph, inputs["query"]), tuple[int, ...]()
    if shape is None or len(shape) != 3:
        raise NotUnfused(f"the shape of {inputs['query']} is not static")
    if inputs["past_key"]:
        past = static_shape(graph, inputs["past_key"]) or ()
        if len(past) != 4:
            raise NotUnfused(f"the shape of {inputs['past_key']} is not static")
    total = graph.constant(inputs["total_sequence_length"])
    if total is None or len(total.values) != 1:
        raise NotUnfused(f"{inputs['total_sequence_length']} is computed; give it by --freeze")
    packed = not inputs["key"]
    width = shape[2] // (heads + 2 * groups if packed else heads)
    if heads % groups or shape[2] != width * (heads + 2 * groups if packed else heads):
        raise NotUnfused(f"{node.label} has {heads} heads in {groups} groups, and {shape[2]} columns")
    return _Form(inputs, shape[0], shape[1], heads, groups, width, past[2] if past else 0, int(total.values[0]))


def _grouped(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    form, dtype = _form(graph, node), real_dtype(graph, node.inputs[0])
    cache = _cache(graph, writer, form, dtype)
    query, key, value = _projected(writer, form)
    if node.attributes.get("do_rotary", 0):
        interleaved = bool(node.attributes.get("rotary_interleaved", 0))
        waves = _waves(writer, form, cache)
        turned = _turned_columns(graph, form)
        query, key = (_turned(writer, x, waves, (turned, form.width), interleaved) for x in (query, key))
    names = [form.inputs[name] if form.past else "" for name in ("past_key", "past_value")]
    taken = _taken(cache, form)
    sizes = (form.batch, form.groups, form.past, form.width)
    kept = [present(writer, taken, old, new, sizes) for old, new in zip(names, (key, value), strict=True)]
    keys, values = (shared(writer, x, form.heads, form.groups) for x in kept)
    scale = float(node.attributes.get("scale", 0.0)) or 1 / math.sqrt(form.width)
    scores = Scores(scale, float(node.attributes.get("softcap", 0.0)), dtype)
    biases = _biases(graph, writer, form, cache, int(node.attributes.get("local_window_size", -1)))
    sink = _sink(node, writer, form, dtype)
    result = merge_heads(writer, attended(writer, (query, keys, values), scores, biases, sink), form.heads * form.width)
    made = {node.outputs[0]: result}
    return made | {name: x for name, x in zip(node.outputs[1:3], kept, strict=False) if name}


def _cache(graph: GraphView, writer: Writer, form: _Form, dtype: str) -> Cache:
    """How many places are taken before the new ones. Of a prompt: how many tokens there are, less the steps."""
    name = form.inputs["seqlens_k"]
    known = graph.constant(name)
    if known is not None:
        filled = tuple(int(length) + 1 - form.steps for length in known.values)
        return Cache(form.rows, form.steps, filled, dtype)
    if form.rows > LARGEST_WHOLE:
        raise NotUnfused(f"{name} is computed, and fp16 counts to {LARGEST_WHOLE}, not to {form.rows}; freeze it")
    length = writer.reshape(writer.cast(name, dtype), (form.batch, 1, 1, 1))
    before = length if form.steps == 1 else writer.op("Sub", length, writer.constant(form.steps - 1.0, dtype, "steps"))
    return Cache(form.rows, form.steps, before, dtype)


def _taken(cache: Cache, form: _Form) -> Cache:
    """A prompt starts at the beginning of the cache, however many of its tokens are padding."""
    return replace(cache, filled=(0,) * form.batch) if form.is_prompt else cache


def _projected(writer: Writer, form: _Form) -> tuple[str, str, str]:
    """(B, N, S, d) queries, (B, K, S, d) keys and values."""
    names = tuple(form.inputs[name] for name in ("query", "key", "value"))
    counts = (form.heads, form.groups, form.groups)
    if not names[1]:
        names = writer.split(names[0], 2, [count * form.width for count in counts])
    query, key, value = (split_heads(writer, x, count, form.width) for x, count in zip(names, counts, strict=True))
    return query, key, value


def _biases(graph: GraphView, writer: Writer, form: _Form, cache: Cache, window: int) -> tuple[str, ...]:
    given = form.inputs["attention_bias"]
    biases = [_whole_bias(graph, writer, form, cache.dtype)] if given else []
    masks = _prompt_masks(writer, form, cache, window) if form.is_prompt else [hidden(writer, cache, window)]
    return (*biases, *(mask for mask in masks if mask))


def _whole_bias(graph: GraphView, writer: Writer, form: _Form, dtype: str) -> str:
    """What is given to be added, as long as the cache: what is behind the total is hidden anyway."""
    given = form.inputs["attention_bias"]
    shape = static_shape(graph, given)
    if shape is None or len(shape) != 4 or shape[3] != form.total:
        raise NotUnfused(f"{given} is {shape}, and not known to be as long as the {form.total} tokens")
    rest = form.rows - form.total
    if not rest:
        return given
    return writer.concat(
        (given, writer.constant([[[[0.0] * rest] * shape[2]] * shape[1]] * shape[0], dtype, "rest")), 3
    )


def _prompt_masks(writer: Writer, form: _Form, cache: Cache, window: int) -> list[str]:
    """Nobody sees what comes later, nor padding behind the last token."""
    first, filled = hidden(writer, _taken(cache, form), window), cache.filled
    if isinstance(filled, tuple) and not any(filled):
        return [first]
    if 0 < window < form.steps:
        raise NotUnfused(f"{form.inputs['seqlens_k']} may make padding of a part of the prompt, and there is a window")
    if isinstance(filled, tuple):
        last = tuple(before + form.steps - 1 for before in filled)
        return [first, hidden(writer, replace(cache, new=1, filled=last), 0)]
    more = writer.constant(form.steps - 1.0, cache.dtype, "steps")
    return [first, behind(writer, cache, writer.op("Add", filled, more) if form.steps > 1 else filled, 0)]


def _sink(node: Node, writer: Writer, form: _Form, dtype: str) -> str:
    """A score for each head that has no value (B, N, S, 1): given, or 0 where the Softmax is to be smooth."""
    given = form.inputs["head_sink"]
    if not given and node.attributes.get("smooth_softmax", -1) != 1:
        return ""
    score = writer.reshape(given, (1, form.heads, 1, 1)) if given else writer.constant([[[[0.0]]]], dtype, "sink")
    return writer.op("Expand", score, writer.integers((form.batch, form.heads, form.steps, 1), "rows"))


def _waves(writer: Writer, form: _Form, cache: Cache) -> tuple[str, str]:
    """Cosines and sines of the positions: (B or 1, 1, S, d/2)."""
    cosines, sines = form.inputs["cos_cache"], form.inputs["sin_cache"]
    places = _given_positions(writer, form) if form.inputs["position_ids"] else _positions(writer, form, cache)
    if not places:  # those of the batch are alike: rows that follow one another
        first = 0 if form.is_prompt else int(cache.filled[0])
        rows = [writer.slice(wave, (0,), (first,), (first + form.steps,)) for wave in (cosines, sines)]
        return rows[0], rows[1]
    cosine, sine = (writer.unsqueeze(writer.op("Gather", wave, places), (1,)) for wave in (cosines, sines))
    return cosine, sine


def _turned_columns(graph: GraphView, form: _Form) -> int:
    """How many columns of a head are rotated: two for each in the tables of cosines and sines."""
    table = static_shape(graph, form.inputs["cos_cache"]) if form.inputs["cos_cache"] else None
    if table is None or len(table) != 2 or table[1] * 2 > form.width or form.total > table[0]:
        raise NotUnfused(f"the table of cosines is {table}, which is not known, or not enough for {form.total} places")
    return table[1] * 2


def _given_positions(writer: Writer, form: _Form) -> str:
    """The positions that are given (B, S). Of several steps ONNX Runtime takes the first one, and counts on from it."""
    given = form.inputs["position_ids"]
    if form.steps == 1:
        return given
    if form.batch > 1:
        raise NotUnfused(f"of {given} ONNX Runtime takes one number for all of the batch")
    first = writer.slice(given, (1,), (0,), (1,))
    return writer.op("Add", first, writer.constant([list(range(form.steps))], "int64", "steps"))


def _positions(writer: Writer, form: _Form, cache: Cache) -> str:
    """Of the steps (B, S), counted from the first token; "" where they follow one another alike in all of the batch."""
    if form.is_prompt or (isinstance(cache.filled, tuple) and len(set(cache.filled)) == 1):
        return ""
    if isinstance(cache.filled, tuple):
        rows = [[filled + step for step in range(form.steps)] for filled in cache.filled]
        return writer.constant(rows, "int64", "positions")
    steps = writer.constant([[float(step) for step in range(form.steps)]], cache.dtype, "steps")
    return writer.cast(writer.op("Add", writer.reshape(cache.filled, (form.batch, 1)), steps), "int64")


def _turned(writer: Writer, x: str, waves: tuple[str, str], widths: tuple[int, int], interleaved: bool) -> str:
    """`x` with the first columns of each head turned: so many of so many."""
    turned, width = widths
    if turned == width:
        return rotated(writer, x, waves, width, interleaved=interleaved)
    first, rest = writer.split(x, 3, (turned, width - turned))
    return writer.concat((rotated(writer, first, waves, turned, interleaved=interleaved), rest), 3)


_WRITTEN: Mapping[str, Unfuse] = {"GroupQueryAttention": _grouped}
