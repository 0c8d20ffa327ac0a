"""Plans: what is written is read back, and what a plan decides is what happens, to renamed models too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings
from rkgraph.engine.fix_choices import ASK_THE_COMPILER, Choices
from rkgraph.engine.plan_file import SAYS_SO, PlanEntry, PlanFile, Request, entries_of, read_plan
from rkgraph.engine.plan_text import write_plan
from rkgraph.errors import UsageError
from rkgraph.graph.rewrite import Between
from rkgraph.rulebook.rule import Options
from tests.engine.fixing import fix_text
from tests.rules.harness import parse

# Six nodes that do nothing, alike but for their neighbours; the middle ones are twins to any radius.
TWINS = """<ir_version: 9, opset_import: ["" : 13]>
g (float[2, 8] x) => (float[2, 8] y)
{ a = Relu(x) b = Identity(a) c = Relu(b) d = Identity(c) e = Relu(d) f = Identity(e) h = Relu(f) i = Identity(h)
  j = Relu(i) k = Identity(j) l = Relu(k) m = Identity(l) n = Relu(m) o = Identity(n) y = Relu(o) }"""


def fixed(text: str | onnx.ModelProto, folder: Path, choices: Choices, *codes: str, **options: object) -> FixOutcome:
    folder.mkdir(exist_ok=True)
    settings = FixSettings(choices=choices)
    return fix_text(text, folder, *codes, settings=settings, proof="local", **options)  # type: ignore[arg-type]


def renamed(text: str) -> onnx.ModelProto:
    """The model with other names of nodes and inner values, as another export would give."""
    model = parse(text)
    outer = {value.name for value in (*model.graph.input, *model.graph.output)}
    for number, node in enumerate(model.graph.node):
        node.name = f"node/{number}"
        for names in (node.input, node.output):
            names[:] = [name if name in outer or not name else f"value/{name}/0" for name in names]
    return model


def operators(outcome: FixOutcome) -> list[str]:
    return [node.op for node in outcome.model.view().main.nodes]


def bytes_of(outcome: FixOutcome) -> bytes:
    return outcome.model.proto(weights=True).SerializeToString(deterministic=True)


def plan_of(outcome: FixOutcome, declined: set[str] | None = None) -> PlanFile:
    entries = entries_of(outcome.fixes, {})
    return PlanFile(
        fixes=tuple(
            PlanEntry(e.code, e.place, e.fingerprint, e.fingerprint not in (declined or set())) for e in entries
        )
    )


def test_all_that_a_plan_holds_survives_writing_and_reading(tmp_path: Path) -> None:
    request = Request(
        *("rk3576", "rknn-2.3.0", "w8a8", frozenset({Safety.SPLIT, Safety.SHAPE}), 4, True),
        *(tmp_path / "in.npz", tmp_path / "c.npz", {"a b": (1, 256), "s": ()}, {"n": 2}),
        {
            "use": np.asarray(0),
            "k": np.asarray(0.5),
            "on": np.asarray(True),
            "t/x": np.arange(6).reshape(2, 3),
            "cache": None,
        },
        {"mask": Between(0, 1, integer=True), "w": Between(-0.5, 1e30)},
    )
    done = PlanEntry("RK301", 'the "x" \\ ü \x7f', "0123456789abcdef#2", True, "Pin", "shape", "--dim n=2")
    no = PlanEntry("RK603", "lookup", "0123456789abcdef", False, "Host", reason="two\nlines")
    plan = PlanFile(request, (done, no), {"optimization_level": 1, "disable_rules": ["a"]}, ("RK603",))
    write_plan(tmp_path / "p.toml", plan, Path("model\n.onnx"))
    read = read_plan(tmp_path / "p.toml")
    assert "apply = false  # two lines" in (tmp_path / "p.toml").read_text()
    assert (read.build, read.left_out) == (plan.build, plan.left_out)
    assert read.fixes == (done, PlanEntry("RK603", "lookup", "0123456789abcdef", False, "Host"))
    for name in ("target", "rules", "precision", "allow", "lm_head_shards", "presimplify", "shapes", "dims", "assume"):
        assert getattr(read.request, name) == getattr(request, name)
    assert read.request.inputs == tmp_path / "in.npz"
    assert read.request.freeze.keys() == request.freeze.keys()
    for name, array in request.freeze.items():
        found = read.request.freeze[name]
        if array is None or found is None:
            assert (name, array, found) == ("cache", None, None)
            continue
        assert np.array_equal(found, array)
        assert found.dtype == array.dtype
    first = (tmp_path / "p.toml").read_text()
    write_plan(tmp_path / "p.toml", plan, Path("model\n.onnx"))
    assert (tmp_path / "p.toml").read_text() == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no plan of rkgraph"),
        ("x = [", "not TOML"),
        ('schema = "rkgraph.plan/2"', "no plan of rkgraph"),
        ("dims = { n = true }", "dims.n"),
        ("dims = { n = -1 }", "dims.n"),
        ("shapes = { x = [0] }", "shapes.x"),
        ('allow = ["safe"]', "no class"),
        ("freeze = { x = [1] }", "freeze.x"),
        ('freeze = { x = "gone.npy" }', "gone.npy"),
        ("assume = { x = [1, 0] }", "assume.x"),
        ("targets = 1", "targets"),
        ("target = 1", "target"),
        ("[[fix]]\napply = 1", "apply = 1"),
        ("[[fix]]\napply = true", "fingerprint"),
        ('[[fix]]\napply = true\nfingerprint = "a"\nwhy = 1', "why"),
    ],
)
def test_a_plan_that_is_none_is_refused_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text if said in ("no plan of rkgraph", "not TOML") else f'schema = "rkgraph.plan/1"\n{text}\n')
    with pytest.raises(UsageError) as caught:
        read_plan(path)
    assert said in str(caught.value)
    assert "p.toml" in str(caught.value)


def test_every_fix_has_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    outcome = fixed(TWINS, tmp_path / "a", Choices(), "RK401")
    names = [fix.fingerprint for fix in outcome.fixes.applied]
    assert len(names) == 7
    assert len(set(names)) == 7
    assert any(name is not None and "#" in name for name in names), "none of them are twins: the test tests nothing"


@pytest.mark.parametrize("index", range(7))
def test_a_declined_fix_is_left_out_and_no_other_one(index: int, tmp_path: Path) -> None:
    """Also where it is one of several that look alike, the first of which are gone after the first pass."""
    free = fixed(TWINS, tmp_path / "a", Choices(), "RK401")
    name = free.fixes.applied[index].fingerprint
    assert name is not None
    held = fixed(TWINS, tmp_path / "b", Choices(declined={name: SAYS_SO}), "RK401")
    assert operators(held).count("Identity") == 1
    (refused,) = held.fixes.refused
    assert (refused.fingerprint, refused.reason, refused.at) == (name, SAYS_SO, free.fixes.applied[index].at)
    assert held.strange == frozenset()


def test_a_plan_gives_the_same_model_to_the_byte_and_to_a_renamed_one_too(tmp_path: Path) -> None:
    free = fixed(TWINS, tmp_path / "a", Choices(), "RK401")
    plan = plan_of(free, {str(free.fixes.applied[index].fingerprint) for index in (1, 4)})
    first, again = (fixed(TWINS, tmp_path / word, plan.choices, "RK401") for word in ("b", "c"))
    assert bytes_of(first) == bytes_of(again)
    other = fixed(renamed(TWINS), tmp_path / "d", plan.choices, "RK401")
    assert operators(other) == operators(first)
    assert [fix.fingerprint for fix in other.fixes.refused] == [fix.fingerprint for fix in first.fixes.refused]


def test_what_matches_nothing_is_named(tmp_path: Path) -> None:
    choices = Choices(declined={"0" * 16: SAYS_SO}, approved=frozenset({"1" * 16}))
    assert fixed(TWINS, tmp_path / "a", choices, "RK401").strange == {"0" * 16, "1" * 16}


def test_a_plan_allows_one_fix_of_a_class_that_is_not_allowed(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["" : 13]>
g (float[n, 8] x, float[n, 8] b) => (float[n, 8] y) { y = Add(x, b) }"""
    refused = fixed(text, tmp_path / "a", Choices(), "RK301", options=Options())
    assert not refused.fixes.applied
    mask = """<ir_version: 9, opset_import: ["" : 13]>
g (int64[1, 8] m) => (float[1, 8] y) { f = Cast<to = 1>(m) y = Relu(f) }"""
    before = fixed(mask, tmp_path / "b", Choices(), "RK512")
    (open_,) = before.fixes.refused
    assert open_.needs == "--allow interface"
    after = fixed(mask, tmp_path / "c", Choices(approved=frozenset({str(open_.fingerprint)})), "RK512")
    assert [fix.allowed_by for fix in after.fixes.applied] == ["the plan"]


def test_a_candidate_waits_to_be_chosen(tmp_path: Path) -> None:
    from dataclasses import replace

    from rkgraph.rulebook.registry import load_rules

    (rule,) = (rule for rule in load_rules() if rule.code == "RK401")
    candidate = replace(rule, card=replace(rule.card, candidate=True))

    def run(word: str, choices: Choices) -> FixOutcome:
        (tmp_path / word).mkdir()
        settings = FixSettings(choices=choices, rules=[candidate])
        return fix_text(TWINS, tmp_path / word, "RK401", settings=settings, proof="local")

    waiting = run("a", Choices())
    assert {(fix.reason, fix.needs) for fix in waiting.fixes.refused} == {(ASK_THE_COMPILER, "--tune")}
    assert len(run("b", Choices(candidates=frozenset({"RK401"}))).fixes.applied) == 7
    name = str(waiting.fixes.refused[3].fingerprint)
    assert [fix.fingerprint for fix in run("c", Choices(approved=frozenset({name}))).fixes.applied] == [name]
