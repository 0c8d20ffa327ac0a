"""The search keeps what the layer table likes better, in the order that is promised, and stops when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.toolkit.layers import Layer
from rkgraph.tune.score import Part, Score, score_of
from rkgraph.tune.search import Knob, Setting, Trial, search

KNOBS = (Knob.candidate("RK514"), Knob.candidate("RK515"), Knob.cut("RK603"), Knob.of("level", (0, 1, 2)))


def layer(target: str = "NPU", op: str = "Conv", ddr: int = 0, npu: int = 0, kb: float = 0.0) -> Layer:
    return Layer(0, op, "FLOAT16", target, "", "", ddr, npu, kb, "n")


def by(costs: Callable[[Setting], int]) -> Callable[[Setting], Trial]:
    return lambda setting: Trial(setting, Score(0, 0, 0, costs(setting), 0.0))


def never() -> bool:
    return False


def test_a_score_counts_what_it_says() -> None:
    layers = [
        layer("CPU", "InputOperator", kb=1.0),
        layer(ddr=5, npu=3, kb=2.0),
        layer("CPU", "Gather", kb=4.0),
        layer(ddr=1, npu=7),
        layer("CPU", "OutputOperator"),
    ]
    score = score_of([Part(layers, no_kernel=1), Part(host_nodes=2, crossing_kb=0.5)])
    assert score == Score(no_kernel=1, cpu=3, crossings=3, cycles=12, rw_kb=8.0)


@pytest.mark.parametrize("place", range(5))
def test_an_earlier_field_decides_whatever_the_later_ones_say(place: int) -> None:
    low, high = [1] * 5, [1] * 5
    low[place + 1 :] = [9] * (4 - place)
    high[place] = 2
    assert Score(*low) < Score(*high)


def test_what_is_cheaper_is_kept_and_built_upon() -> None:
    def costs(setting: Setting) -> int:
        return 10 - 2 * ("RK514" in setting.candidates) + 3 * ("RK515" in setting.candidates) - (setting.level == 1)

    found = search(Setting(), KNOBS, by(costs), never)
    assert found.best.setting == Setting(candidates=frozenset({"RK514"}), level=1)
    assert (found.build, found.stopped) == ({"optimization_level": 1}, "")
    assert len(found.trials) == 7
    assert [trial["kept"] for trial in found.record["trials"]].count(True) == 1
    assert found.record["kept"]["candidates"] == ["RK514"]


def test_what_is_as_good_changes_nothing() -> None:
    assert search(Setting(), KNOBS, by(lambda _s: 5), never).best.setting == Setting()


def test_a_build_that_fails_is_never_kept_and_any_build_beats_it() -> None:
    def measure(setting: Setting) -> Trial:
        return Trial(setting, None, "broken") if setting.level != 2 else Trial(setting, Score(0, 9, 9, 9, 9.0))

    found = search(Setting(), KNOBS, measure, never)
    assert found.best.setting == Setting(level=2)
    assert {trial["error"] for trial in found.record["trials"]} == {"broken", ""}


def test_time_and_ctrl_c_end_it_with_the_best_so_far() -> None:
    left = iter([False, False, True])
    late = search(Setting(), KNOBS, by(lambda s: 10 - len(s.candidates)), lambda: next(left))
    assert (late.stopped, len(late.trials)) == ("time", 3)
    assert late.best.setting.candidates == {"RK514", "RK515"}

    def interrupted(setting: Setting) -> Trial:
        if "RK515" in setting.candidates:
            raise KeyboardInterrupt
        return by(lambda s: 10 - len(s.candidates))(setting)

    found = search(Setting(), KNOBS, interrupted, never)
    assert (found.stopped, found.best.setting.candidates) == ("interrupted", {"RK514"})
    with pytest.raises(KeyboardInterrupt):
        search(Setting(candidates=frozenset({"RK515"})), KNOBS, interrupted, never)


def test_rules_that_were_switched_off_belong_to_the_options() -> None:
    found = search(Setting(), (), lambda s: replace(by(lambda _s: 1)(s), rules=("fuse_x",)), never)
    assert found.build == {"disable_rules": ["fuse_x"]}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=48, max_size=48))
def test_the_result_is_the_best_of_all_trials(numbers: list[int]) -> None:
    seen: dict[Setting, int] = {}

    def costs(setting: Setting) -> int:
        assert setting not in seen, "a setting is built twice"
        seen[setting] = numbers[len(seen)]
        return seen[setting]

    found = search(Setting(), KNOBS, by(costs), never)
    assert found.best.score is not None
    assert found.best.score.cycles == min(seen.values())
