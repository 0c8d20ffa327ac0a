"""A page for each platform: its NPU, its toolkits and precisions, and which operators do not run on the NPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rkgraph.report.explain.evidence import described
from rkgraph.report.operators import DEVICE
from rkgraph.report.site.operators import names, outcome, tables
from rkgraph.report.site.text import page, slug, table
from rkgraph.targets import model_facts, platform_facts, platforms, precisions, toolkits

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """platforms/index.md and platforms/NAME.md."""
    every = sorted({platform for version in toolkits() for platform in platforms(version)})
    made = {"platforms/index.md": page("Platforms", _index(every))}
    return made | {f"platforms/{slug(name)}.md": page(name, _platform(name)) for name in every}


def _index(every: list[str]) -> Iterator[str]:
    yield "Rockchip's chips with an NPU that rknn-toolkit2 builds for. `--target NAME` chooses one."
    versions = tuple(reversed(toolkits()))
    rows = [
        (
            f"[{name}]({slug(name)}.md)",
            str(platform_facts(name).cores),
            *(", ".join(precisions(name, v)) if name in platforms(v) else "" for v in versions),
        )
        for name in every
    ]
    yield from table(("platform", "NPU cores", *(f"precisions, {version}" for version in versions)), rows)
    yield "## Toolkits\n"
    facts = [(version, model_facts(version)) for version in versions]
    yield from table(
        ("rknn-toolkit2", "newest opset that loads", "its ONNX Runtime", "dtypes of inputs that end the build"),
        ((v, str(f.max_opset), f.onnxruntime, ", ".join(sorted(f.refused_inputs)) or "none known") for v, f in facts),
    )


def _platform(name: str) -> Iterator[str]:
    facts = platform_facts(name)
    kinds = "quantized models only" if facts.quantized_only else "fp16 and quantized models"
    yield f"{facts.cores} NPU core{'' if facts.cores == 1 else 's'}, for {kinds}."
    if facts.twin is not None:
        twin = f"[{facts.twin}]({slug(facts.twin)}.md)"
        yield f"\nThe compilers make the same of every case that was built for both this and {twin}."
    rows = []
    for found in tables():
        if name in platforms(found.version):
            cases = {p: n for (platform, p), n in found.measured.items() if platform == name}
            built = ", ".join(f"{count:,} ({precision})" for precision, count in cases.items()) or "none"
            rows.append((found.version, ", ".join(precisions(name, found.version)), built))
    yield from table(("rknn-toolkit2", "precisions", "models built for it"), rows)
    if facts.evidence:
        yield "What this rests on:\n"
        yield from (f"- {line}" for line in described(facts.evidence))
    for found in tables():
        if name not in platforms(found.version):
            continue
        said = {op: outcome(found, op, name) for op in names()}
        counts = Counter(said.values())
        yield f"\n## Operators with {found.version}\n"
        told = ", ".join(f"{count} {word}" for word, count in counts.most_common() if word != "–")
        if not any(platform == name for platform, _ in found.measured):
            yield "Nothing was built for it with this version: what is said of other platforms is carried over.\n"
        yield f"Where all limits hold: {told}. Not on the NPU:\n"
        away = [(op, word) for op, word in said.items() if word not in (DEVICE["npu"], "–")]
        linked = ((f"[{op}](../operators/{slug(op)}.md)", word) for op, word in away)
        yield from table(("operator", "what becomes of it"), linked)
