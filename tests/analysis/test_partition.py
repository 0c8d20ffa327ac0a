"""Partitions: small graphs against every assignment there is, and the shapes of real models."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.analysis.coarsening import MOST, Piece, coarsened
from rkgraph.analysis.partition import HOST, MOST_STAGES, NPU, Costs, Part, partition

STAGE = 1000.0


def chain(kinds: str, npu: float = 20.0, host: float = 500.0) -> list[Piece]:
    """A chain of nodes: "n" may run on the NPU, "h" must run on the host, "m" only moves data."""
    return [
        Piece((f"v{i - 1}",), (f"v{i}",), None if kind == "h" else npu, host, works=kind != "m")
        for i, kind in enumerate(kinds)
    ]


def prices(pieces: list[Piece], price: float | None = 100.0) -> Costs:
    return Costs({name: price for piece in pieces for name in piece.makes}, STAGE)


def shape(parts: tuple[Part, ...]) -> list[tuple[str, int]]:
    return [(part.device, len(part.pieces)) for part in parts]


def test_what_fits_is_one_stage() -> None:
    pieces = chain("nnmn")
    assert shape(partition(pieces, prices(pieces))) == [(NPU, 4)]


def test_a_head_goes_to_the_host() -> None:
    pieces = chain("nnnnnh")
    assert shape(partition(pieces, prices(pieces))) == [(NPU, 5), (HOST, 1)]


def test_little_behind_a_head_stays_on_the_host_and_much_does_not() -> None:
    little, much = chain("nnnhn"), chain("nnnhnnnnnn")
    assert shape(partition(little, prices(little))) == [(NPU, 3), (HOST, 2)]
    assert shape(partition(much, prices(much))) == [(NPU, 3), (HOST, 1), (NPU, 6)]


def test_the_cut_is_where_little_crosses() -> None:
    pieces = chain("nnnnh", npu=20.0, host=30.0)
    costs = Costs({"v0": 900.0, "v1": 900.0, "v2": 100.0, "v3": 900.0}, STAGE)
    assert shape(partition(pieces, costs)) == [(NPU, 3), (HOST, 2)]


def test_a_value_that_cannot_cross_moves_the_cut() -> None:
    pieces = chain("nnnh")
    costs = Costs({"v0": 100.0, "v1": 100.0, "v2": None}, STAGE)
    assert shape(partition(pieces, costs)) == [(NPU, 2), (HOST, 2)]


def test_what_such_a_value_binds_to_the_host_goes_with_it() -> None:
    """Also the piece that would gain most by the NPU; what is bound to nothing stays."""
    pieces = [*chain("nhn", host=50_000.0), Piece(("a",), ("b",), 20.0, 500.0)]
    costs = Costs({"v0": None, "v1": None, "v2": 100.0, "b": 100.0}, STAGE)
    assert shape(partition(pieces, costs)) in ([(HOST, 3), (NPU, 1)], [(NPU, 1), (HOST, 3)])
    assert shape(partition(pieces[:3], costs)) == [(HOST, 3)]


def test_a_stage_that_only_moves_data_is_not_made() -> None:
    pieces = chain("mmhmmnnnnn")
    assert shape(partition(pieces, prices(pieces, 1.0))) == [(HOST, 3), (NPU, 7)]


def test_nothing_for_the_npu_is_one_stage_on_the_host() -> None:
    for kinds in ("h", "hh", "mhm"):
        pieces = chain(kinds)
        assert shape(partition(pieces, prices(pieces))) == [(HOST, len(kinds))]


def test_tiny_work_stays_on_the_npu_where_nothing_else_is_there() -> None:
    pieces = chain("nh", npu=20.0, host=10.0)
    assert shape(partition(pieces, prices(pieces, 1e6))) == [(NPU, 1), (HOST, 1)]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Piece], Costs]:
    """Up to six nodes that read earlier ones, some of which cannot run on the NPU."""
    count = draw(st.integers(1, 6))
    pieces, price = [], {}
    for i in range(count):
        reads = tuple(f"v{j}" for j in range(i) if draw(st.booleans()))
        npu = draw(st.sampled_from([None, 10.0, 100.0, 700.0]))
        pieces.append(Piece(reads, (f"v{i}",), npu, draw(st.sampled_from([20.0, 300.0, 3000.0]))))
        price[f"v{i}"] = draw(st.sampled_from([50.0, 400.0, 2000.0]))
    return pieces, Costs(price, STAGE)


def total(pieces: list[Piece], costs: Costs, devices: tuple[str, ...], levels: tuple[int, ...]) -> float | None:
    """What an assignment costs, counted out; None where it is not allowed."""
    makers = {name: index for index, piece in enumerate(pieces) for name in piece.makes}
    time = STAGE * len({level for level in levels if devices[level] == NPU})
    furthest = list(levels)
    for index, piece in enumerate(pieces):
        own = piece.npu if devices[levels[index]] == NPU else piece.host
        if own is None or any(levels[makers[name]] > levels[index] for name in piece.reads):
            return None
        time += own
        for name in piece.reads:
            furthest[makers[name]] = max(furthest[makers[name]], levels[index])
    crossed = zip(pieces, levels, furthest, strict=True)
    return time + sum((costs.crossing[p.makes[0]] or 0.0) * (last - first) for p, first, last in crossed)


@settings(max_examples=25, deadline=None)
@given(graphs())
def test_no_assignment_is_cheaper(drawn: tuple[list[Piece], Costs]) -> None:
    pieces, costs = drawn
    parts = partition(pieces, costs)
    able = [i for i, piece in enumerate(pieces) if piece.npu is not None]
    if not able:
        assert shape(parts) == [(HOST, len(pieces))]
        return
    assert sorted(index for part in parts for index in part.pieces) == list(range(len(pieces)))
    pin = max(able, key=lambda i: (pieces[i].host or 0) - (pieces[i].npu or 0))
    level_of = {index: level for level, part in enumerate(parts) for index in part.pieces}
    found = total(pieces, costs, tuple(p.device for p in parts), tuple(level_of[i] for i in range(len(pieces))))
    assert found is not None
    best = found
    for length in range(1, 5):
        for devices in ([NPU, HOST] * 3, [HOST, NPU] * 3):
            for levels in itertools.product(range(length), repeat=len(pieces)):
                other = total(pieces, costs, tuple(devices), levels) if devices[levels[pin]] == NPU else None
                best = best if other is None else min(best, other)
    assert found <= best + 1e-6 or len(parts) > 4


def test_a_large_graph_is_cut_at_the_same_place_as_a_small_one() -> None:
    for before, after in ((40, 1), (2000, 1), (1500, 700)):
        pieces = chain("n" * before + "h" + "n" * after)
        expected = [(NPU, before), (HOST, 2)] if after == 1 else [(NPU, before), (HOST, 1), (NPU, after)]
        assert shape(partition(pieces, prices(pieces))) == expected


def test_coarsening_joins_what_is_far_and_loses_nothing() -> None:
    pieces = chain("n" * 1000 + "h")
    coarse, places = coarsened(pieces)
    assert len(coarse) <= MOST + 2
    assert len(places) == 1001
    assert sum(piece.npu or 0.0 for piece in coarse) == 20.0 * 1000
    assert coarsened(pieces[:10])[0] == pieces[:10]


def test_ever_alternating_devices_end() -> None:
    pieces = chain("nh" * 20)
    assert len(partition(pieces, prices(pieces))) <= MOST_STAGES
