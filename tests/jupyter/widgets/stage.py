"""A page that shows a widget: the browser's half as it is shipped, and Python's half in this process."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

SCREENSHOTS = Path(__file__).resolve().parents[3] / "build" / "screenshots" / "widgets"

HOST = "http://widgets.invalid/"
PAGE = """<!doctype html><meta charset="utf-8"><title>stage</title>
<style>body { margin: 0; background: var(--jp-layout-color0, #fff); }</style><body><div id="stage"></div></body>"""

DARK = {"--jp-ui-font-color1": "rgba(255,255,255,0.87)", "--jp-layout-color0": "#111111",
        "--jp-layout-color1": "#212121", "--jp-layout-color2": "#424242", "--jp-border-color1": "#616161"}  # fmt: skip
LIGHT = {"--jp-ui-font-color1": "rgba(0,0,0,0.87)", "--jp-layout-color0": "#ffffff", "--jp-layout-color1": "#ffffff",
         "--jp-layout-color2": "#eeeeee", "--jp-border-color1": "#bdbdbd"}  # fmt: skip
"""JupyterLab's own colours of its two themes."""

MODEL = """
async ([esm, css, state, theme]) => {
  const plain = (value) => value && value.__bytes__ !== undefined
    ? new DataView(Uint8Array.from(atob(value.__bytes__), (c) => c.charCodeAt(0)).buffer) : value;
  const listeners = {};
  const values = {};
  const emit = (name) => (listeners["change:" + name] || []).slice().forEach((one) => one());
  const take = (changed) => {
    for (const [name, value] of Object.entries(changed)) values[name] = plain(value);
    for (const name of Object.keys(changed)) emit(name);
  };
  const tell = async (kind, message) => {
    const news = JSON.parse(await window.toPython(kind, JSON.stringify(message)));
    await new Promise((done) => setTimeout(done, window.delay || 0));
    take(news);
  };
  let dirty = {};
  window.model = {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; dirty[name] = value; emit(name); },
    save_changes: () => { const sent = dirty; dirty = {}; return tell("state", sent); },
    send: (message) => tell("custom", message),
    on: (name, listener) => { (listeners[name] ||= []).push(listener); },
    off: (name, listener) => { listeners[name] = (listeners[name] || []).filter((one) => one !== listener); },
  };
  window.take = take;
  for (const [name, value] of Object.entries(theme)) document.documentElement.style.setProperty(name, value);
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const module = await import(address);
  take(state);
  const place = () => document.body.appendChild(document.createElement("div"));
  window.again = () => module.default.render({ model: window.model, el: place() });
  window.cleanup = await module.default.render({ model: window.model, el: document.getElementById("stage") });
}
"""


def told(state: dict[str, Any]) -> dict[str, Any]:
    """A state as JSON can hold it."""
    return {
        name: {"__bytes__": base64.b64encode(bytes(value)).decode()} if isinstance(value, bytes | memoryview) else value
        for name, value in state.items()
    }


class Theatre:
    """One page for all widgets, one after the other; it answers its own address alone."""

    def __init__(self, browser: Browser) -> None:
        self.page: Page = browser.new_page()
        self.stage: Stage | None = None
        self.page.on("pageerror", lambda problem: self._noted(str(problem)))
        self.page.on("console", lambda said: self._noted(said.text) if said.type in ("error", "warning") else None)
        self.page.route("**/*", self._answer)
        self.page.expose_function("toPython", lambda kind, text: self.stage.hear(kind, text) if self.stage else "{}")

    def _noted(self, problem: str) -> None:
        if self.stage is not None:
            self.stage.problems.append(problem)

    def _answer(self, route: Route) -> None:
        if route.request.url == HOST:
            route.fulfill(body=PAGE, content_type="text/html")
        else:
            self._noted(f"asked for {route.request.url}")
            route.abort()


class Stage:
    """A widget on the page. What either half changes, the other one is told."""

    def __init__(
        self, theatre: Theatre, widget: Any, size: tuple[int, int], theme: dict[str, str], system: str = "light"
    ) -> None:
        self.widget, self.page, self.problems = widget, theatre.page, []
        self._names = [name for name in widget.keys if not name.startswith(("_esm", "_css", "_model", "_view", "_dom"))
                       and name not in ("layout", "tabbable", "tooltip", "_anywidget_id")]  # fmt: skip
        self._changed: dict[str, Any] = {}
        widget.observe(lambda change: self._changed.update({change["name"]: change["new"]}), names=self._names)
        theatre.stage = self
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        self.page.goto(HOST)
        state = {name: getattr(widget, name) for name in self._names}
        self.page.evaluate(MODEL, [widget._esm, widget._css, told(state), theme])

    def hear(self, kind: str, text: str) -> str:
        """What the browser's half says, and what came of it."""
        message = json.loads(text)
        if kind == "custom":
            self.widget._handle_custom_msg(message, [])
        else:
            self.widget.set_state(message)
            for name, value in message.items():  # who said it is not told it, as in a notebook
                if self._changed.get(name) == value:
                    del self._changed[name]
        return self._news()

    def _news(self) -> str:
        changed, self._changed = self._changed, {}
        return json.dumps(told(changed))

    def tell(self) -> None:
        """Show what was changed from Python."""
        self.page.evaluate("(news) => window.take(JSON.parse(news))", self._news())

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def until(self, expression: str) -> None:
        """Wait until something is true on the page."""
        self.page.wait_for_function(expression, timeout=20_000)

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.locator(".onex").screenshot(path=SCREENSHOTS / f"{name}.png")


@contextmanager
def browser_of(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


Staged = Callable[..., Stage]
"""`staged(widget, size=(1300, 700), theme=LIGHT)` shows a widget; at the end the page must have had no problem."""
