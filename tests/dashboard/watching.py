"""A tab of a real browser: what must not happen in it, and how a test reads it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Page, Route

from tests.conftest import REPOSITORY

PICTURES = REPOSITORY / "build" / "screenshots"
WAIT_MS = 120_000


class Watch:
    """What must not happen in a browser: a request to another host, an error of a script, markup of users that runs."""

    def __init__(self, context: BrowserContext) -> None:
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        context.route("**/*", self._home_only)

    def on(self, page: Page) -> Page:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("websocket", lambda opened: self._note(opened.url))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        return page

    def _note(self, url: str) -> bool:
        home = urlsplit(url).hostname in ("127.0.0.1", None) or url.startswith(("data:", "blob:", "file:"))
        if not home:
            self.foreign.append(url)
        return home

    def _home_only(self, route: Route) -> None:
        if self._note(route.request.url):
            route.continue_()
        else:
            route.abort()

    def check(self) -> None:
        assert self.foreign == []
        assert self.complaints == []


def shown(page: Page) -> None:
    """Wait until the whole view is there."""
    page.wait_for_selector("#page[data-number]", timeout=WAIT_MS)
    page.wait_for_selector("body:not(.asking)", timeout=WAIT_MS)
    page.wait_for_selector(".plot:not([data-drawn])", state="detached", timeout=WAIT_MS)


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query, keep_blank_values=True)


def fact(page: Page, section: str, name: str) -> str:
    return page.locator(f"#{section} dl.facts div", has=page.locator("dt", has_text=re.compile(f"^{name}$"))).locator(
        "dd"
    ).inner_text()  # fmt: skip


def picture(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"dashboard-{name}.png", full_page=True)
