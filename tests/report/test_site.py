"""The documentation site: complete, consistent, built strictly, and fetching nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest

from rkgraph.cli.app import COMMANDS, GROUPS
from rkgraph.cli.reference import reference
from rkgraph.report.messages import explained, message_codes
from rkgraph.report.operators import name_of
from rkgraph.report.page.categories import FAMILIES
from rkgraph.report.site.__main__ import pages, write
from rkgraph.report.site.text import linked, slug
from rkgraph.rulebook.registry import MODULES
from rkgraph.tables.table import load_table
from rkgraph.targets import platforms, toolkits

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return pages()


def test_every_rule_operator_platform_and_command_has_a_page(site: dict[str, str]) -> None:
    wanted = {f"rules/{stem[:5]}.md" for stem in MODULES}
    wanted |= {f"operators/{slug(name_of(entry))}.md" for v in toolkits() for entry in load_table(v).entries()}
    wanted |= {f"platforms/{name}.md" for v in toolkits() for name in platforms(v)}
    wanted |= {f"commands/{name}.md" for name in COMMANDS}
    wanted |= {f"{part}/index.md" for part in ("rules", "operators", "platforms", "commands")}
    assert wanted <= site.keys()
    groups = [name for name in site if name.startswith("commands/") and name.split("/")[1].split("-")[0] in GROUPS]
    assert len(groups) >= len(GROUPS)


def test_every_rule_is_in_the_index_below_its_family(site: dict[str, str]) -> None:
    index = site["rules/index.md"]
    for stem in MODULES:
        code = stem[:5].upper()
        family = index.index(f"## {code[:3]}xx {FAMILIES[code[:3]][0]}")
        assert family < index.index(f"[{code}](")


def test_every_message_is_explained(site: dict[str, str]) -> None:
    for code in message_codes():
        assert f"## {code}\n\n{explained(code)}" in site["rules/messages.md"]


def test_pages_are_the_same_when_they_are_made_again(site: dict[str, str]) -> None:
    assert pages() == site


def test_links_lead_to_pages_that_are_there(site: dict[str, str]) -> None:
    followed = 0
    for name, text in site.items():
        prose = re.sub(r"^(```+).*?^\1[ \t]*$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
        for address in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if address.startswith("https://"):
                continue
            assert os.path.normpath(PurePosixPath(name).parent / address) in site, f"{name}: {address}"
            followed += 1
    assert followed > 1000


def test_codes_become_links_in_prose_only() -> None:
    text = "See RK101, `RK101`, [RK101](x.md) and RK999.\n\n# RK101\n\n```text\nRK101\n```\n\n    RK101\n\nRK101."
    done = linked(text, lambda code: f"{code.lower()}.md" if code == "RK101" else None)
    assert done == text.replace("See RK101", "See [RK101](rk101.md)").replace("\n\nRK101.", "\n\n[RK101](rk101.md).")


def test_the_reference_has_every_option_of_lint() -> None:
    (lint,) = [record for record in reference() if record["name"] == "lint"]
    names = {parameter["name"].split()[0].rstrip(",") for parameter in lint["parameters"]}
    assert {"--target", "--sarif-output", "--fail-on", "-o", "MODEL…"} <= names
    assert lint["examples"][0] == "rkgraph lint model.onnx"
    assert all(parameter["help"] for record in reference() for parameter in record["parameters"])


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(SystemExit, match="is not empty"):
        write(tmp_path, {"index.md": "# x\n"})
    write(tmp_path / "new", {"index.md": "# x\n", "a/b.md": "# y\n"})
    write(tmp_path / "new", {"index.md": "# z\n"})
    assert not (tmp_path / "new" / "a").exists()
    assert (tmp_path / "mine.txt").read_text() == "keep"


class Loaded(HTMLParser):
    """What a browser would load for a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(told.get("src", ""))
        if tag == "link" and told.get("rel") not in ("canonical", "prev", "next", "alternate"):
            self.addresses.append(told.get("href", ""))


def test_mkdocs_builds_it_strictly_and_it_fetches_nothing(site: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "site_src", site)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"],
        cwd=tmp_path,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = sorted((tmp_path / "site").rglob("*.html"))
    assert len(built) >= len(site)
    for path in built:
        loaded = Loaded(path.read_text())
        assert loaded.addresses
        assert "md-source" not in path.read_text(), "the reader's browser would ask the forge for its stars"
        assert not [a for a in loaded.addresses if a.startswith(("http:", "https:", "//"))], path
    styles = "".join(path.read_text() for path in (tmp_path / "site").rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//|@import", styles)
