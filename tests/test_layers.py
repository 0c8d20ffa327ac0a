"""Imports go down the layers, heavy libraries stay where they belong, and `import rkgraph` is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rkgraph"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "resources", "interrupts", "records", "fp16"),
    ("files",),
    ("derived",),
    ("diagnostics", "targets"),
    ("results", "tables"),
    ("graph",),
    ("analysis",),
    ("rulebook",),
    ("rules", "cost"),
    ("proof", "config"),
    ("engine",),
    ("toolkit",),
    ("compile", "report", "export"),
    ("runtime", "probe", "gate"),
    ("induction", "oracle", "reduce", "boardcheck", "tune", "difference", "board"),
    ("tasks",),
    ("cli",),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}

# The registry of the rule book names the rules' modules and imports them by name, upwards, and nobody else does.
HOMES = {
    "onnx_graphsurgeon": {"graph"},
    "networkx": {"analysis"},
    "onnxruntime": {"analysis", "runtime"},
    "jinja2": {"report"},
    "onnxsim": {"graph"},
    "torch": {"export", "tasks"},
    "transformers": {"export", "tasks"},
    "distributed": {"probe"},
    "rknn": {"toolkit", "reduce"},  # reduce: in the script that a bug report carries
    "rknnlite": {"runtime", "boardcheck"},  # boardcheck: in the script that runs on a board
    "typer": {"cli"},
    "rich": {"cli"},
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_data" not in p.parts)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Absolute names of all modules that the file imports, anywhere in it, except for type checking only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            if node.module == "rkgraph":
                names |= {f"rkgraph.{alias.name}" for alias in node.names}
    return names


def test_every_part_has_a_layer() -> None:
    assert {part_of(p) for p in modules()} - {"__init__", "__main__"} == set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    own = LEVEL[part]
    for name in imports_of(path):
        words = name.split(".")
        if words[0] != "rkgraph" or len(words) == 1 or words[1] not in LEVEL:
            continue
        level = LEVEL[words[1]]
        assert level < own or words[1] == part, f"{path.name} ({part}) imports {name}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_stay_at_home(path: Path) -> None:
    for name in imports_of(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or part_of(path) in homes, f"{path.name} imports {name}, which belongs to {homes}"


def module_name(path: Path) -> str:
    words = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def circle(imports: dict[str, set[str]]) -> set[str]:
    """Modules that import each other, and what leads from one circle to another: all that cannot be sorted."""
    left = dict(imports)
    while leaves := {name for name, inner in left.items() if not inner & left.keys()}:
        left = {name: inner for name, inner in left.items() if name not in leaves}
    while roots := left.keys() - set().union(*left.values()):
        left = {name: inner for name, inner in left.items() if name not in roots}
    return set(left)


def test_no_modules_import_each_other() -> None:
    """Also not lazily, inside a function."""
    known = {module_name(path): path for path in modules()}
    imports = {name: {n for n in imports_of(path) if n in known and n != name} for name, path in known.items()}
    assert sum(map(len, imports.values())) > 300
    assert not circle(imports)


def test_the_circle_test_sees_circles() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == {"b", "c"}
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_rules_never_import_each_other() -> None:
    for path in (PACKAGE / "rules").glob("rk*.py"):
        assert not {n for n in imports_of(path) if n.startswith("rkgraph.rules.rk")}, path.name


def test_the_layer_test_sees_violations(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from rkgraph.cli import app\n    import torch\n")
    assert imports_of(bad) == {"rkgraph.cli", "torch"}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import rkgraph", {"onnx", "numpy", "typer", "rich", "onnxruntime", "torch"}),
        ("import rkgraph.cli.app", {"onnx", "numpy", "rich", "onnxruntime", "torch", "jinja2", "jsonschema"}),
        (
            "import rkgraph.engine.lint",
            {"onnx_graphsurgeon", "numpy", "onnxruntime", "torch", "networkx", "jsonschema"},
        ),
        ("import rkgraph.engine.fix", {"torch"}),
        ("import rkgraph.report.html", {"torch", "onnxruntime", "onnx_graphsurgeon"}),
    ],
)
def test_imports_are_cheap(statement: str, absent: set[str]) -> None:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "rkgraph" in loaded
    assert not loaded & absent
