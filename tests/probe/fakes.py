"""Executors and toolkits that are not real, for tests of what stands around them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from rkgraph.probe.case import Case, case, computed
from rkgraph.probe.facts import Facts
from rkgraph.targets import Target
from rkgraph.toolkit import worker as worker_module
from rkgraph.toolkit.locate import Toolkit

FAKE_PACKAGES = Path(__file__).parent.parent / "toolkit" / "fake_rknn"
SCRIPT = "RKGRAPH_TEST_TOOLKIT"

_START = f"""
import json, os, runpy, sys
sys.path.insert(0, {str(FAKE_PACKAGES)!r})
import rknn.api

def once():
    # the first job ends well at once
    path = os.environ["RKGRAPH_TEST_ONCE"]
    if not os.path.exists(path):
        open(path, "w").close()
        os._exit(0)

rknn.api.ACTIONS["once"] = lambda _: once()

class Scripted(rknn.api.RKNN):
    def load_onnx(self, model, **options):
        self.script = json.loads(os.environ[{SCRIPT!r}])
        return self.act("load")

rknn.api.RKNN = Scripted
sys.argv[0] = {worker_module.__file__!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""

SCRIPTED_TOOLKIT = Toolkit("2.3.2", Path(sys.executable), (sys.executable, "-c", _START))
"""The real worker over a toolkit that does what the environment variable SCRIPT says, whatever the model."""


def relu(size: int, slug: str = "") -> Case:
    """A small case; another model for each size."""
    return case("Relu", slug or f"made-{size}", [computed(1, size)])


def npu() -> Facts:
    """The facts of a build that went well."""
    return Facts("ok", "build", layers=(("Relu", "NPU", "probe"),))


class FakeExecutor:
    """Answers from a table of facts by text; `before` is called before each answer, and may raise."""

    def __init__(
        self, facts: Mapping[str, Facts] | None = None, before: Callable[[str], None] = lambda _text: None
    ) -> None:
        self.facts = facts or {}
        self.before = before
        self.asked: list[str] = []

    def run(self, texts: Iterable[str], target: Target) -> Iterator[tuple[str, Facts]]:
        for text in texts:
            self.before(text)
            self.asked.append(text)
            yield text, self.facts.get(text, npu())
