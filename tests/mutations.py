"""Damage to models, by chance and repeatable: what a fuzzer does to protobuf messages and to bytes.

Messages are changed by reflection, so that no field of the format is left out: any field may lose its value, take
one that means trouble, or take one from elsewhere in the model, which makes cycles, doubles and wrong kinds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

__all__ = ["damaged", "garbled", "mutated", "scrambled"]

WHOLE = (0, 1, 2, 3, 4, 7, -1, -2, -128, 100, 1025, 2**31 - 1, -(2**31), 2**31, 2**62, 2**63 - 1, -(2**63))
REAL = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3.4e38, float("inf"), float("-inf"), float("nan"))
WORDS = ("", "x", "ai.onnx", "com.microsoft", "axis", "axes", "value", "to", "\0", "/", "→", "a" * 300)
OPERATORS = tuple(sorted({schema.name for schema in onnx.defs.get_all_schemas()}))


def damaged(model: onnx.ModelProto, seed: int) -> bytes:
    """A model with a few faults, serialized; the same ones for the same seed.

    One in eight has faults of bytes, and one in eight a text that is no UTF-8.
    """
    chance = random.Random(seed)  # noqa: S311  # repeatable is what is wanted
    if seed % 8 == 1:
        return garbled(model, chance)
    changed = mutated(model, chance, chance.choice((1, 1, 1, 2, 3, 6)))
    try:
        data = changed.SerializeToString()
    except ValueError:  # a string that is no text cannot be written
        data = model.SerializeToString()
    return scrambled(data, chance) if seed % 8 == 0 else data


def mutated(model: onnx.ModelProto, chance: random.Random, count: int) -> onnx.ModelProto:
    """A copy of `model` in which `count` fields have changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for _ in range(count):
        places = list(_places(copy))
        # Fields of nodes are many, and each other kind has its turn only if kinds are chosen first.
        kind = chance.choice(sorted({(type(message).__name__, field.name) for message, field in places}))
        place = chance.choice([p for p in places if (type(p[0]).__name__, p[1].name) == kind])
        _change(*place, places, chance)
    return copy


def scrambled(data: bytes, chance: random.Random) -> bytes:
    """`data` with bytes changed, left out, doubled or cut off."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        start = chance.randrange(len(out) + 1)
        length = chance.choice((1, 1, 2, 16))
        way = chance.randrange(4)
        if way == 0:
            out[start : start + length] = bytes(chance.choice((0, 0x7F, 0x80, 0xFF)) for _ in out[start:][:length])
        elif way == 1:
            del out[start : start + length]
        elif way == 2:
            out[start:start] = out[start : start + length]
        elif chance.random() < 0.2:
            del out[start:]
    return bytes(out)


def garbled(model: onnx.ModelProto, chance: random.Random) -> bytes:
    """`model`, serialized, with a byte that no UTF-8 has in one of its texts."""
    data = bytearray(model.SerializeToString())
    word = chance.choice(sorted({word for word in _words(list(_places(model))) if word})).encode()
    starts = [i for i in range(len(data)) if data.startswith(word, i)]
    data[chance.choice(starts) + chance.randrange(len(word))] = 0xFF
    return bytes(data)


def _places(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    """Every field of a message and of all messages in it; of fields that are not set, those of a kind with others."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if _is_list(value) else (value,):
                yield from _places(inner)


def _change(
    message: Message, field: FieldDescriptor, places: Sequence[tuple[Message, FieldDescriptor]], chance: random.Random
) -> None:
    if _is_list(getattr(message, field.name)):
        _change_list(getattr(message, field.name), field, places, chance)
    elif chance.random() < 0.25:
        message.ClearField(field.name)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        _copy_over(getattr(message, field.name), places, chance)
    else:
        setattr(message, field.name, _scalar(field, places, chance))


def _change_list(
    items: Any, field: FieldDescriptor, places: Sequence[tuple[Message, FieldDescriptor]], chance: random.Random
) -> None:
    """Leave out, double, swap, change or add an item."""
    way = chance.choice(("drop", "double", "swap", "change", "add"))
    whole = field.type == FieldDescriptor.TYPE_MESSAGE
    if not items or way == "add":
        if whole:
            _copy_over(items.add(), places, chance)
        else:
            items.append(_scalar(field, places, chance))
        return
    at, other = chance.randrange(len(items)), chance.randrange(len(items))
    if way == "drop":
        del items[at]
    elif way == "double":
        items.append(items[at])
    elif whole:
        copy = type(items[at])()
        copy.CopyFrom(items[at])
        if way == "change":
            _copy_over(items[other], places, chance)
        else:
            items[at].CopyFrom(items[other])
            items[other].CopyFrom(copy)
    else:
        items[at] = items[other] if way == "swap" else _scalar(field, places, chance)


def _copy_over(message: Message, places: Sequence[tuple[Message, FieldDescriptor]], chance: random.Random) -> None:
    """Make `message` like another one of its kind in the model, or empty."""
    others = [found for found, field in places if found.DESCRIPTOR is message.DESCRIPTOR and field.number == 1]
    copy = type(message)()
    if others and chance.random() < 0.9:
        copy.CopyFrom(chance.choice(others))
    message.CopyFrom(copy)


def _scalar(field: FieldDescriptor, places: Sequence[tuple[Message, FieldDescriptor]], chance: random.Random) -> Any:
    """A troublesome value, or one that a field of this name has elsewhere."""
    if field.type == FieldDescriptor.TYPE_ENUM:
        return chance.choice([value.number for value in field.enum_type.values])
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = chance.choice((*WORDS, chance.choice(OPERATORS), *_words(places)))
        return text if field.type == FieldDescriptor.TYPE_STRING else text.encode()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return chance.choice(REAL)
    bits, least = _RANGES[field.cpp_type]
    return (chance.choice(WHOLE) - least) % 2**bits + least


def _words(places: Sequence[tuple[Message, FieldDescriptor]]) -> Iterator[str]:
    for message, field in places:
        if field.type == FieldDescriptor.TYPE_STRING:
            value = getattr(message, field.name)
            yield from value if _is_list(value) else (value,)


def _is_list(value: Any) -> bool:
    return hasattr(value, "extend")


# Width in bits, and the least number.
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (32, -(2**31)),
    FieldDescriptor.CPPTYPE_INT64: (64, -(2**63)),
    FieldDescriptor.CPPTYPE_UINT32: (32, 0),
    FieldDescriptor.CPPTYPE_UINT64: (64, 0),
}
