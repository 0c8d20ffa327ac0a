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


def interpreter(*, as_file: bool = False) -> str:
    """A Python program that is the real worker over a toolkit that does what the environment variable SCRIPT says.

    `as_file`: as an executable it is an interpreter that has that toolkit. The action "once FILE" lets the first job
    end well at once.
    """
    where = (
        "sys.argv = [w for w in sys.argv[1:] if w != '-I']" if as_file else f"sys.argv[0] = {worker_module.__file__!r}"
    )
    return f"""#!{sys.executable}
import json, os, runpy, sys
sys.path.insert(0, {str(FAKE_PACKAGES)!r})
import rknn.api

def once(path):
    if not os.path.exists(path):
        open(path, "w").close()
        os._exit(0)

class Scripted(rknn.api.RKNN):
    def load_onnx(self, model, **options):
        self.script = json.loads(os.environ[{SCRIPT!r}])
        return self.act("load")

rknn.api.ACTIONS["once"] = once
rknn.api.RKNN = Scripted
{where}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


SCRIPTED_TOOLKIT = Toolkit("2.3.2", Path(sys.executable), (sys.executable, "-c", interpreter()))


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
