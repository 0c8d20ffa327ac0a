"""Chromium for the tests of the page: the system's own, headless. Where it is missing they fail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Opened", "chromium", "opened"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Opened:
    """A page, and what it complained about or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def tab(self, name: str) -> None:
        """Opens a part of the first story."""
        self.page.click(f"#s1-{name}-tab")

    def chosen(self, view: str) -> list[int]:
        """The chosen nodes of a view ("original", "fixed", "compiled")."""
        text = self.page.get_attribute(f'[data-view="{view}"]', "data-chosen") or ""
        return [int(word) for word in text.split()]

    def find(self, words: str) -> None:
        """Searches the graph, and goes to the first hit."""
        self.page.fill(".search input", words)
        self.page.press(".search input", "Enter")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser. Raises AssertionError, with the command that mends it, where there is none."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    assert path is not None, "Chromium is missing: `make browser`, or apt-get install --no-install-recommends chromium"
    with sync_playwright() as driver:
        # The sandbox needs rights that containers do not give; the pages are our own.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, **context: Any) -> Iterator[Opened]:
    """The page of a file once its script is done, in a context of its own; whatever it asks for is noted."""
    with browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **context}) as fresh:
        page = fresh.new_page()
        page.set_default_timeout(10_000)
        seen = Opened(page)
        page.on("console", lambda message: seen.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (seen.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        yield seen
