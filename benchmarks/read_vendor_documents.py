"""Read the vendor's operator lists and write what they say to op_tables/documented.toml: facts, never their text.

    git clone --bare https://github.com/airockchip/rknn-toolkit2
    python benchmarks/read_vendor_documents.py rknn-toolkit2.git            # writes the file
    python benchmarks/read_vendor_documents.py rknn-toolkit2.git --check    # says whether it is what the documents say

Needs git and poppler's pdftotext. The documents are taken from the commits that released each toolkit version.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from vendor_documents.cpu import cpu_limits, cpu_notes, cpu_platforms
from vendor_documents.markdown import read_rows, row_claim
from vendor_documents.merge import Said, merge, to_toml
from vendor_documents.names import fused, named
from vendor_documents.npu import limits, notes, types
from vendor_documents.sections import Section, read_body, read_sections

from rkgraph.derived import derive
from rkgraph.resources import data_folder
from rkgraph.tables.statement_reading import index_document

REPOSITORY = "airockchip/rknn-toolkit2"
RELEASES = {
    "2.2.0": "7efa763",
    "2.3.0": "a8dd54d",
    "2.3.2": "42aa1d4",
}
"""The commits of the releases that rkgraph knows and that came with documents; 2.5.0 has none."""

MORE_PLATFORMS = {("2.3.2", "5.1.7"): ["rv1103b", "rv1106b"]}
"""Sections whose content names more platforms than their title."""

HEADER = """\
# What the vendor's documents say of operators: facts with a citation, none of their text. Written by
# benchmarks/read_vendor_documents.py out of the files named below; not edited by hand. What users reported beyond them
# is in reported.toml. How statements are meant: rkgraph/tables/statement.py; how far they are right:
# benchmarks/vendor_list.md.

schema = "rkgraph.documented/1"
"""


def git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", repository, *arguments], check=True, capture_output=True).stdout


def document(repository: Path, toolkit: str, ending: str) -> tuple[dict[str, Any], bytes]:
    """What identifies the one document of a release whose name ends so, and its bytes."""
    commit = git(repository, "rev-parse", RELEASES[toolkit]).decode().strip()
    listing = git(repository, "ls-tree", "-r", commit, "doc").decode().splitlines()
    entry = next(line for line in listing if line.endswith(ending))
    blob, file = entry.split()[2], entry.split("\t")[1]
    found = {"repository": REPOSITORY, "commit": commit, "file": file, "blob": blob, "toolkit": toolkit}
    return found, git(repository, "cat-file", "blob", blob)


def text_of(pdf: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        done = subprocess.run(["pdftotext", "-layout", file.name, "-"], check=True, capture_output=True)
    return done.stdout.decode()


def from_list(text: str, toolkit: str, source: str) -> Iterator[Said]:
    for op, remark in read_rows(text):
        yield Said({"op": op, **row_claim(op, remark)}, toolkit, ("",), f"doc:{source}/{op}")


def from_operator_list(sections: list[Section], toolkit: str, source: str) -> Iterator[Said]:
    """Statements of the NPU sections, of what may be fused, and of the CPU sections."""
    platforms = {s.number: s.title.lower().split("/") for s in sections if s.number.count(".") == 1}
    for part, there in platforms.items():
        if part.startswith("3."):
            own = [s for s in sections if s.number.startswith(f"{part}.")]
            yield from _npu(own, toolkit, tuple(there), source)
            yield from _fused(own, toolkit, tuple(there), source)
    everywhere = sorted({p for part, there in platforms.items() if part.startswith("3.") for p in there})
    cpu = [s for s in sections if s.number.startswith("4.")]
    for section in cpu[1:]:
        there = cpu_platforms(cpu[0], section.title, everywhere)
        for name in named(section.title):
            content = {
                "op": name.op,
                "layer": name.layer,
                "internal": name.internal,
                "claim": "cpu",
                "limits": list(cpu_limits(name.op, section)),
                "note": cpu_notes(section),
            }
            yield Said(content, toolkit, tuple(there), f"doc:{source}/{section.number}")


def _npu(sections: list[Section], toolkit: str, platforms: tuple[str, ...], source: str) -> Iterator[Said]:
    for section in sections:
        if fused(section.title):
            continue
        body = read_body(section)
        bare = not (body.inputs or body.types)
        for name in named(section.title):
            content: dict[str, Any] = {"op": name.op, "layer": name.layer, "internal": name.internal}
            content["claim"] = "unsupported" if bare and "不支持" in " ".join(section.lines) else "npu"
            content["note"] = notes(section.lines)
            content["types"] = types(body)
            content["limits"] = limits(name.layer or name.op, body)
            if section.title.startswith("Depthwise"):
                content["when"] = [
                    {"kind": "dimension", "index": 1, "axis": 1, "high": 1},
                    {"kind": "attribute-range", "attribute": "group", "low": 2, "default": 1},
                ]
            if content["claim"] == "unsupported" and content["note"]:
                content["claim"] = "supported"
            yield Said(content, toolkit, platforms, f"doc:{source}/{section.number}")


def _fused(sections: list[Section], toolkit: str, platforms: tuple[str, ...], source: str) -> Iterator[Said]:
    pairs = [(s.number, *found) for s in sections if (found := fused(s.title))]
    for base in dict.fromkeys(name for _, name, _ in pairs):
        numbers = [number for number, name, _ in pairs if name == base]
        after = [op for _, name, ops in pairs if name == base for op in ops]
        content = {"op": base.op, "internal": base.internal, "claim": "npu", "fuses": after}
        place = numbers[0] if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
        yield Said(content, toolkit, platforms, f"doc:{source}/{place}")


def read_everything(repository: Path) -> str:
    """The text of op_tables/documented.toml."""
    sources: list[dict[str, Any]] = []
    said: list[Said] = []
    for toolkit in RELEASES:
        found, data = document(repository, toolkit, f"OP_Support-{toolkit}.md")
        sources.append({"name": f"op-support-{toolkit}", **found})
        said += from_list(data.decode(), toolkit, f"op-support-{toolkit}")
        found, data = document(repository, toolkit, f"Operator_List_V{toolkit}.pdf")
        sections = read_sections(text_of(data))
        counted = Counter(
            s.number.rpartition(".")[0] for s in sections if s.number.count(".") == 2 or s.number[0] == "4"
        )
        about = {
            s.number: MORE_PLATFORMS.get((toolkit, s.number), s.title.lower().split("/"))
            for s in sections
            if s.number.startswith("5.1.") or (s.number.startswith("3.") and s.number in counted)
        }
        parts = {"sections": dict(sorted(counted.items())), "platforms": about}
        sources.append({"name": f"operator-list-{toolkit}", **found, **parts})
        said += from_operator_list(sections, toolkit, f"operator-list-{toolkit}")
    return to_toml(HEADER, sources, merge(said))


def main() -> int:
    """Read, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path, help="a clone of airockchip/rknn-toolkit2, bare or not")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file says otherwise")
    arguments = parser.parse_args()
    path = data_folder("op_tables") / "documented.toml"
    try:
        text = read_everything(arguments.repository)
    except FileNotFoundError as error:
        parser.error(f"{error.filename} is not there (git, and pdftotext of poppler, are needed)")
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        parser.error(f"{arguments.repository}: is not a whole clone of {REPOSITORY}: {said}")
    if arguments.check:
        same = path.read_text(encoding="utf-8") == text
        print(f"{path.name}: {'what the documents say' if same else 'differs from what the documents say'}")
        return 0 if same else 1
    path.write_text(text, encoding="utf-8")
    derive(path, lambda document: index_document(document, path.name))
    print(f"{path.name}: {text.count('[[statement]]')} statements of {text.count('[[source]]')} documents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
