"""One dashboard for all tests of this folder, and a browser for those of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.dashboard.logs import evil_events, fleet_store
from tests.dashboard.serving import HUB, Proxy, Served, proxied, served
from tests.dashboard.watching import PICTURES, Watch, shown


@pytest.fixture(scope="session")
def hub() -> Iterator[Proxy]:
    """A proxy that takes its own part of the path away, as JupyterHub's does."""
    with proxied(HUB, strips=True) as running:
        yield running


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory, hub) -> Iterator[Served]:
    """A dashboard of a small fleet with an evil node."""
    folder = tmp_path_factory.mktemp("dashboard")
    store = fleet_store(folder)
    store.append(evil_events())
    with served(store.uri, folder, "--allow-origin", f"127.0.0.1:{hub.port}") as running:
        hub.target = running.port
        yield running


@pytest.fixture(scope="module")
def chromium(require_tool) -> Iterator[Browser]:
    """No longer than the file: while Playwright is at work, its thread can run no other loop of asyncio."""
    tool = require_tool("chromium", mend="apt-get install chromium fonts-dejavu-core")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=tool, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium) -> Iterator[Callable[..., Page]]:
    """Opens tabs, each in a browser of its own; what went wrong in one of them fails the test."""
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_(address: str, width: int = 1300, theme: str = "light", wait: bool = True) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        watches.append(Watch(context))
        page = watches[-1].on(context.new_page())
        page.goto(address)
        if wait:
            shown(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    for watch in watches:
        watch.check()
