"""LSTM, GRU and RNN: directions, states, lengths, layouts, activations, computed weights, batches and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rkgraph.probe.case import ABSENT, Arg, Case, case, computed, const, positions, weight

__all__ = ["cases"]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in GATES:
        yield from _common(op)
        yield from _inputs(op)
        yield from _attributes(op)
        yield from _sizes(op)
        yield from _outputs(op)
    yield from _types()


def _common(op: str) -> Iterator[Case]:
    gates, hidden = GATES[op], 8
    outputs = 3 if op == "LSTM" else 2
    for direction, ways in (("forward", 1), ("bidirectional", 2), ("reverse", 1)):
        base = [computed(12, 1, 24), weight(ways, gates * hidden, 24), weight(ways, gates * hidden, hidden)]
        bias, initial = weight(ways, 2 * gates * hidden), weight(ways, 1, hidden)
        attributes = f'hidden_size = {hidden}, direction = "{direction}"'
        zero = [initial, initial] if op == "LSTM" else [initial]
        yield from positions(op, f"{direction},bias", [*base, bias], attributes, outputs=outputs)
        yield from positions(op, f"{direction},bias,initial", [*base, bias, ABSENT, *zero], attributes, outputs=outputs)
        yield from positions(op, f"{direction},no-bias", base, attributes, outputs=outputs)
        if direction == "forward":
            state = [computed(ways, 1, hidden)] * len(zero)
            yield from positions(op, "forward,state", [*base, bias, ABSENT, *state], attributes, outputs=outputs)
            lengths = const(12, dtype="int32")
            yield from positions(op, "forward,lengths", [*base, bias, lengths], attributes, outputs=outputs)
            batch = [computed(12, 3, 24), *base[1:], bias]
            yield from positions(op, "forward,batch3", batch, attributes, outputs=outputs)
            linear = ", linear_before_reset = 1" if op == "GRU" else ""
            one = [computed(1, 1, 24), *base[1:], bias, ABSENT, *zero]
            yield from positions(op, "forward,one-step", one, attributes + linear, outputs=outputs)


def _model(
    op: str,
    *,
    steps: int = 7,
    batch: int = 1,
    width: int = 20,
    hidden: int = 16,
    ways: int = 1,
    weights: tuple[Callable[..., Arg], Callable[..., Arg], Callable[..., Arg] | None] = (weight, weight, weight),
    extra: tuple[Arg, ...] = (),
    dtype: str = "float",
    batch_first: bool = False,
) -> list[Arg]:
    """The inputs of a recurrent operator: data, W, R and, unless None, B; then `extra` ones in ONNX's order."""
    of_input, of_state, of_bias = weights
    rows = GATES[op] * hidden
    shape = (batch, steps, width) if batch_first else (steps, batch, width)
    args = [
        computed(*shape, dtype=dtype),
        of_input(ways, rows, width, dtype=dtype),
        of_state(ways, rows, hidden, dtype=dtype),
    ]
    if of_bias is not None:
        args.append(of_bias(ways, 2 * rows, dtype=dtype))
    elif extra:
        args.append(ABSENT)
    return [*args, *extra]


def _count(op: str) -> int:
    return 3 if op == "LSTM" else 2


def _inputs(op: str) -> Iterator[Case]:
    """Which inputs are computed, left out or constant."""
    states = 2 if op == "LSTM" else 1
    for slug, chosen in {
        "computed-W": (computed, weight, weight),
        "computed-R": (weight, computed, weight),
        "computed-B": (weight, weight, computed),
        "computed-WR": (computed, computed, weight),
        "computed-WR,no-bias": (computed, computed, None),
        "computed-WRB": (computed, computed, computed),
        "no-bias": (weight, weight, None),
    }.items():
        for direction, ways in (("forward", 1), ("bidirectional", 2)):
            args = _model(op, ways=ways, weights=chosen)
            yield case(
                op, f"{slug},{direction}", args, f'hidden_size = 16, direction = "{direction}"', outputs=_count(op)
            )
    for slug, extra in {
        "initial": (ABSENT, *[weight(1, 1, 16)] * states),
        "state": (ABSENT, *[computed(1, 1, 16)] * states),
        "lengths": (const(7, dtype="int32"),),
        "short": (const(5, dtype="int32"),),
        "computed-lengths": (computed(1, dtype="int32"),),
        "lengths,state": (const(7, dtype="int32"), *[computed(1, 1, 16)] * states),
    }.items():
        for bias in (weight, None):
            args = _model(op, weights=(weight, weight, bias), extra=extra)
            words = f"{slug}{'' if bias else ',no-bias'}"
            yield case(op, f"with-{words}", args, "hidden_size = 16", outputs=_count(op))
            if bias is None:
                attributes = 'hidden_size = 16, direction = "reverse"'
                yield case(op, f"with-{words},reverse", args, attributes, outputs=_count(op))
    for slug, attributes in {"bare": "hidden_size = 16", "reverse": 'hidden_size = 16, direction = "reverse"'}.items():
        args = _model(op, weights=(weight, weight, None))
        yield from positions(op, f"no-bias,{slug}", args, attributes, outputs=_count(op))
    if op == "LSTM":
        yield case(op, "first-state-only", _model(op, extra=(ABSENT, weight(1, 1, 16))), "hidden_size = 16", outputs=3)
        for how in (weight, computed):
            args = _model(op, extra=(ABSENT, weight(1, 1, 16), weight(1, 1, 16), how(1, 48)))
            yield case(op, f"peepholes,{how.__name__}", args, "hidden_size = 16", outputs=3)


def _attributes(op: str) -> Iterator[Case]:
    args = _model(op)
    plain = {"LSTM": '"Sigmoid", "Tanh", "Tanh"', "GRU": '"Sigmoid", "Tanh"', "RNN": '"Tanh"'}[op]
    other = {"LSTM": '"Sigmoid", "Relu", "Tanh"', "GRU": '"HardSigmoid", "Tanh"', "RNN": '"Relu"'}[op]
    forms = {
        "no-hidden-size": "",
        "activations": f"activations = [{plain}], hidden_size = 16",
        "other-activations": f"activations = [{other}], hidden_size = 16",
        "clip": "clip = 3.0, hidden_size = 16",
        "layout0": "layout = 0, hidden_size = 16",
    }
    forms |= {"forget": "input_forget = 1, hidden_size = 16"} if op == "LSTM" else {}
    forms |= {f"linear{n}": f"linear_before_reset = {n}, hidden_size = 16" for n in (0, 1)} if op == "GRU" else {}
    for slug, attributes in forms.items():
        yield from positions(op, slug, args, attributes, outputs=_count(op))
    for batch in (1, 4):
        for slug, how in {"constant": (weight, weight, weight), "computed": (computed, computed, None)}.items():
            model = _model(op, batch=batch, batch_first=True, weights=how)
            yield case(op, f"layout1,batch{batch},{slug}", model, "layout = 1, hidden_size = 16", outputs=_count(op))
    for opset in (7, 14, 19):
        yield case(op, f"opset{opset}", args, "hidden_size = 16", outputs=_count(op), opset=opset)


def _sizes(op: str) -> Iterator[Case]:
    for steps, batch, width, hidden in (
        *(
            (1, 1, 20, 16),
            (2, 1, 20, 16),
            (64, 1, 20, 16),
            (7, 2, 20, 16),
            (7, 3, 20, 16),
            (7, 4, 20, 16),
            (7, 5, 20, 16),
        ),
        *(
            (7, 8, 20, 16),
            (7, 16, 20, 16),
            (7, 1, 1, 16),
            (7, 1, 20, 1),
            (7, 1, 20, 5),
            (7, 1, 33, 31),
            (7, 1, 128, 256),
        ),
        *((1, 1, 20, 17), (1, 4, 20, 16), (300, 1, 8, 8)),
    ):
        if op == "RNN" and (steps, hidden) != (7, 16):
            continue
        args = _model(op, steps=steps, batch=batch, width=width, hidden=hidden)
        slug = f"steps{steps},batch{batch},{width}to{hidden}"
        yield case(op, slug, args, f"hidden_size = {hidden}", outputs=_count(op))
        if batch > 1:
            args = _model(op, steps=steps, batch=batch, width=width, hidden=hidden, ways=2)
            attributes = f'hidden_size = {hidden}, direction = "bidirectional"'
            yield case(op, f"{slug},bidirectional", args, attributes, outputs=_count(op))


def _outputs(op: str) -> Iterator[Case]:
    """The sequence alone is asked for."""
    for direction, ways in (("forward", 1), ("bidirectional", 2), ("reverse", 1)):
        attributes = f'hidden_size = 16, direction = "{direction}"'
        yield from positions(op, f"one-output,{direction}", _model(op, ways=ways), attributes)


def _types() -> Iterator[Case]:
    for op in GATES:
        for dtype in ("float16", "double"):
            yield case(op, dtype, _model(op, dtype=dtype), "hidden_size = 16", outputs=_count(op))
