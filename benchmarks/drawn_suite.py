"""A suite in the layout of onnx's own, of random single-operator models with parameters that nobody chose.

    python -m benchmarks.drawn_suite FOLDER --seed 41 [--rounds 2] [--families NAME …] [--versions 2.3.2 …]
    python -m benchmarks.fix_rate --suite FOLDER

Each round draws one model of each family (benchmarks/drawn): operator, ranks, shapes, types, opset, attributes and
which inputs are constants. What ONNX Runtime makes of a model is what is expected of it; one that it does not run is
drawn again. With the same numpy and ONNX Runtime a seed always makes the same models, and a family the same ones
whatever others are drawn. Take a seed that no fix was written for: `fix_rate` then tells how well fixes do on models
that nobody has seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.drawn.case import Draw, Family
from benchmarks.drawn.families import FAMILIES
from benchmarks.drawn.model import DrawnModel, Refused, build, name_of
from benchmarks.probed_suite import keep
from benchmarks.suite_cases import DATA

ATTEMPTS = 12
"""Draws of one model before a family counts as having none in this round."""


def main() -> None:
    """Write the suite and say how many models it has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="new or empty")
    parser.add_argument("--seed", type=int, required=True, help="any whole number")
    parser.add_argument("--rounds", type=int, default=2, help="models of each family (2)")
    parser.add_argument(
        "--families", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="NAME", help="only these"
    )
    parser.add_argument(
        "--versions",
        nargs="+",
        default=["2.3.2"],
        metavar="VERSION",
        help="toolkits whose fix_rate counts all models, whatever their own ONNX Runtime knows of (2.3.2)",
    )
    args = parser.parse_args()
    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        parser.error(
            f"{args.folder} is not an empty folder, and its models would be counted with these: take a new one"
        )
    if args.rounds < 1:
        parser.error("--rounds: one or more")
    names = write_suite(args.folder, args.seed, args.rounds, {name: FAMILIES[name] for name in args.families})
    for version in args.versions:
        (args.folder / f"reference-{version}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    print(f"{len(names)} models in {args.folder}")


def write_suite(folder: Path, seed: int, rounds: int, families: Mapping[str, Family]) -> list[str]:
    """Write one model of each family in each round; the ids of them as `fix_rate` has them."""
    names: list[str] = []
    for number in range(rounds):
        for family, draw_case in families.items():
            _progress(f"{len(names)} of {rounds * len(families)} models: {family}")
            found = drawn(draw_case, f"{seed}/{family}/{number}")
            if found is None:
                _progress("")
                print(f"{family}: nothing that ONNX Runtime runs in {ATTEMPTS} draws", file=sys.stderr)
                continue
            name, model = found
            names.append(f"drawn/{number}_{family}_{name}")
            home = folder / DATA / names[-1]
            home.mkdir(parents=True)
            (home / "model.onnx").write_bytes(model.model.SerializeToString())
            keep(home / "test_data_set_0", model.model, model.feeds, model.expected)
    _progress("")
    return names


def _progress(text: str) -> None:
    """One line that is written over, in a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def drawn(draw_case: Family, key: str) -> tuple[str, DrawnModel] | None:
    """The first model of `ATTEMPTS` draws that ONNX Runtime runs, and a name for it; None where it runs none."""
    for attempt in range(ATTEMPTS):
        case = draw_case(Draw.seeded(f"{key}/{attempt}"))
        try:
            return name_of(case), build(case)
        except Refused:
            continue
    return None


if __name__ == "__main__":
    main()
