"""How far the vendor's operator lists are right: against the compiler on single-operator models, and on our evidence.

    python benchmarks/vendor_list.py --suite DATA --truth 2.3.2/rk3588=TRUTH.jsonl.gz … [-o benchmarks/vendor_list.md]

DATA is the folder `onnx/backend/test/data` of the wheel of onnx 1.14.1. A truth file has one JSON object a line, what
the real toolkit made of a model: {"id": "node/test_abs", "outcome": "ok" (or why not), "lost": [[node, op], …]}; "lost"
are the nodes without a lowering, which the board refuses. Without truth only the comparison with our evidence is made.

Three readings of the documents are judged by "deployable or not":

- list: every operator of the graph stands in the Markdown list and not as unsupported; what it remarks is not read.
- remarks: the same, and its remarks (a batch of 1, a constant input) hold.
- both: where the PDF has the operator, its NPU or its CPU section must admit the node; elsewhere the list decides.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from vendor_documents.readings import DEPLOYS, READINGS, Documents

from rkgraph.graph.load import read_view, view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.probe.case import parse
from rkgraph.probe.evidence import lines_of, models_of
from rkgraph.tables.disputes import Weighed, weigh
from rkgraph.tables.documented import documented_versions, statements
from rkgraph.tables.entry import Outcome
from rkgraph.targets import platforms, resolve_target


def truth_lines(path: Path) -> Iterator[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from map(json.loads, data.decode().splitlines())


def suite_table(documents: Documents, suite: Path, truth: Path) -> Iterator[str]:
    """Rows of the readings against the toolkit, one a reading."""
    counts: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for line in truth_lines(truth):
        graph = read_view(suite / line["id"] / "model.onnx").main
        deployable = line["outcome"] == "ok" and not line["lost"]
        for reading in READINGS:
            said = all(documents.deploys(reading, node, graph) for node in graph.nodes)
            counts[reading][said, deployable] += 1
    for reading, count in counts.items():
        total = count.total()
        agree = count[True, True] + count[False, False]
        cells = (agree, count[True, False], count[False, True])
        shares = " | ".join(f"{100 * n / total:.1f} %" for n in cells)
        target = documents.target
        yield f"| {target.toolkit} | {target.platform} | {documents.version} | {reading} | {total} | {shares} |"


@dataclass
class Tally:
    """What was measured of an operator, and how often the documents say the same."""

    cases: int = 0
    deployable: int = 0
    verdict: int = 0
    placed: int = 0
    device: int = 0


Seen = tuple[str, Node, GraphView, Outcome]


def evidence(documents: Documents) -> dict[str, list[Seen]]:
    """The evidence of the target by operator. Patterns are left out: the documents know none."""
    models = models_of(documents.folder)
    found: dict[str, list[Seen]] = defaultdict(list)
    for name, line in lines_of(documents.target, documents.folder).items():
        if not models[name].is_pattern:
            graph = view_of(parse(models[name].text), Path("case"), "", {}, {}).main
            node = next(n for n in graph.nodes if n.name == "probe")
            found[models[name].op].append((name, node, graph, line["outcome"]))
    return dict(sorted(found.items()))


def tally(documents: Documents, cases: list[Seen]) -> Tally:
    """One operator's evidence against list and PDF."""
    found = Tally()
    for _, node, graph, outcome in cases:
        deployable = outcome in DEPLOYS
        found.cases += 1
        found.deployable += deployable
        found.verdict += documents.deploys("list", node, graph) == deployable
        said = documents.device(node, graph)
        if said is not None and deployable:
            found.placed += 1
            found.device += said == outcome
    return found


def limit_table(documents: Documents, seen: dict[str, list[Seen]]) -> Iterator[str]:
    """What became of models that break one documented limit of the NPU and no other."""
    platform = documents.target.platform
    lines = lines_of(documents.target, documents.folder)
    over = {name for name, line in lines.items() if "RK922" in line.get("warned", ())}
    weighed = [(op, w) for op, cases in seen.items() for w in weigh(documents.of(op).npu_limits, cases, platform, over)]
    states = Counter(map(state_of, (w for _, w in weighed)))
    yield ", ".join(f"{states[state]} {state}" for state in ("confirmed", "contradicted", "not asked")) + "."
    yield ""
    yield "| operator | the PDF's limit | beyond it | npu | npu, overflows | cpu | no kernel | build fails |"
    yield "|---|---|---|---|---|---|---|---|"
    for op, one in sorted(weighed, key=lambda item: (item[0], item[1].limit.describe())):
        if one.beyond:
            count = Counter((o, o == "npu" and name in one.overflows) for name, o in one.beyond)
            kinds = [("npu", False), ("npu", True), *((o, False) for o in ("cpu", "no-kernel", "build-fails"))]
            cells = " | ".join(str(count[kind] or "") for kind in kinds)
            yield f"| {op} | {one.limit.describe()} | {state_of(one)} | {cells} |"


def state_of(one: Weighed) -> str:
    return "contradicted" if one.contradicted else "confirmed" if one.confirmed else "not asked"


def operator_table(documents: Documents, found: dict[str, Tally]) -> Iterator[str]:
    """A row an operator, and the head."""
    yield "| operator | the list | PDF, NPU | PDF, CPU | cases | deployable | list agrees | device agrees |"
    yield "|---|---|---|---|---|---|---|---|"
    for op, t in found.items():
        said = documents.of(op)
        listed = said.listed.claim if said.listed else "-"
        npu = ("limits" if said.npu_limits else "yes") if said.npu else "-"
        device = f"{t.device} of {t.placed}" if t.placed else "-"
        cells = (
            op,
            listed,
            npu,
            "yes" if said.cpu else "-",
            t.cases,
            t.deployable,
            f"{t.verdict} of {t.cases}",
            device,
        )
        yield f"| {' | '.join(map(str, cells))} |"


def summary(documents: Documents, found: dict[str, Tally]) -> Iterator[str]:
    """The operators on which the list is plainly wrong, and the sums."""

    def named(ops: Iterable[str]) -> str:
        ops = list(ops)
        return f"{len(ops)}: {', '.join(ops)}" if ops else "none"

    claims = {op: said.claim if (said := documents.of(op).listed) else None for op in found}
    built = [op for op, t in found.items() if claims[op] == "unsupported" and t.deployable]
    never = [op for op, t in found.items() if claims[op] in ("supported", "restricted") and not t.deployable]
    some = [op for op, t in found.items() if claims[op] == "supported" and 0 < t.deployable < t.cases]
    cases, verdict = sum(t.cases for t in found.values()), sum(t.verdict for t in found.values())
    placed, device = sum(t.placed for t in found.values()), sum(t.device for t in found.values())
    yield f"- {len(found)} operators, {cases} models; the list is right for {share(verdict, cases)}."
    yield f"- The PDF admits {placed} of the models that run, and names the right device for {share(device, placed)}."
    yield f"- Listed as unsupported, and some form is deployable: {named(built)}."
    yield f"- Listed as supported, and no form is deployable: {named(never)}."
    yield f"- Listed as supported without a remark, and some forms are not deployable: {named(some)}."


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def documented_table() -> Iterator[str]:
    """How much the documents say of each platform."""
    yield "| toolkit | platform | operators on the NPU | on the CPU | statements | limits |"
    yield "|---|---|---|---|---|---|"
    for version in documented_versions():
        for platform in platforms(version):
            said = [
                s for s in statements(version, platform=platform) if s.platforms and s.sources[0].startswith("doc:")
            ]
            if said:
                npu, cpu = (len({s.op for s in said if s.claim == claim and not s.internal}) for claim in DEPLOYS)
                limits = sum(len(s.limits) for s in said)
                yield f"| {version} | {platform} | {npu} | {cpu} | {len(said)} | {limits} |"


def report(truths: dict[tuple[str, str], Path], suite: Path | None, documents: Documents) -> Iterator[str]:
    """The page, line by line."""
    target = documents.target
    yield "# The vendor's operator lists, held against the compiler"
    yield ""
    yield "Written by `python benchmarks/vendor_list.py`, which says what is compared. What the documents say is in"
    yield "`op_tables/documented.toml`, with the file, commit and section of each statement."
    yield ""
    yield "## What the documents say"
    yield ""
    newest = documented_versions()[-1]
    listed = Counter(s.claim for s in statements(newest) if "op-support" in s.sources[0])
    claims = ", ".join(f"{count} {claim}" for claim, count in listed.most_common())
    yield f"The Markdown list of {newest} has {listed.total()} ONNX operators: {claims}."
    yield "The PDF, by platform (ONNX operators, and statements on them and on the compiler's own layers):"
    yield ""
    yield from documented_table()
    if truths and suite:
        yield ""
        yield "## Deployable or not: the single-operator models of the ONNX 1.14.1 backend suite"
        yield ""
        yield "| toolkit | platform | documents of | reading | models | agrees | wrongly deployable | wrongly refused |"
        yield "|---|---|---|---|---|---|---|---|"
        for (version, platform), path in truths.items():
            yield from suite_table(Documents(resolve_target(platform, version)), suite, path)
    seen = evidence(documents)
    found = {op: tally(documents, cases) for op, cases in seen.items()}
    yield ""
    yield f"## Operator by operator: our evidence, {target}"
    yield ""
    yield "Deployable: it builds, and every node has a kernel. Device: of the models that run and that the PDF admits."
    yield ""
    yield from summary(documents, found)
    yield ""
    yield from operator_table(documents, found)
    yield ""
    yield f"## Beyond the limits of the PDF: our evidence, {target}"
    yield ""
    yield "Models that break one documented limit of the NPU and no other. The compiler splits and rewrites much that"
    yield "the hardware cannot do at once, so what the PDF gives as a limit often is none of the compiler. Where it"
    yield "does not, the build may say NPU and warn that a size overflows a register (RK922). Limits:"
    yield from limit_table(documents, seen)


def truth_argument(text: str) -> tuple[tuple[str, str], Path]:
    target, _, path = text.partition("=")
    version, _, platform = target.partition("/")
    if not (version and platform and path):
        raise argparse.ArgumentTypeError(f"{text!r} must be VERSION/PLATFORM=FILE")
    return (version, platform), Path(path)


def main() -> None:
    """Compare and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, help="the folder onnx/backend/test/data")
    parser.add_argument("--truth", type=truth_argument, action="append", default=[], metavar="VERSION/PLATFORM=FILE")
    parser.add_argument("--toolkit", default="2.3.2", help="of the evidence to compare with")
    parser.add_argument("--platform", default="rk3588")
    parser.add_argument("--precision", default="fp16")
    parser.add_argument("--evidence", type=Path, help="its folder, if not op_tables/evidence")
    parser.add_argument("-o", "--output", type=Path, help="write there; without it, print")
    given = parser.parse_args()
    target = resolve_target(given.platform, given.toolkit, given.precision)
    text = "\n".join(report(dict(given.truth), given.suite, Documents(target, given.evidence))) + "\n"
    if given.output:
        given.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
