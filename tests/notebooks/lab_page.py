"""JupyterLab as a person uses it: a notebook is opened by a double click and run from the menu, and looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Route

from tests.notebooks.lab import Lab

WIDTH = 1300
HEIGHT = 900
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
HARMLESS = (
    # JupyterLab's debugger asks each new kernel for its state; who closes the notebook at once takes the answer away
    "Could not restore the debugger state: Canceled future for debug_request message before replies were done",
)
"""What JupyterLab itself writes to the console as an error though nothing is wrong, word for word."""

_FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"

_STATE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = panel.content.model.toJSON().cells.filter(cell => cell.cell_type === 'code');
    const kernel = panel.context.sessionContext.session?.kernel;
    const failed = cells.some(cell => cell.outputs.some(output => output.output_type === 'error'));
    return kernel?.status === 'idle' && (failed || cells.every(cell => cell.execution_count !== null));
}"""

_FIGURES = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell')].flatMap(
    (cell, place) => [...cell.querySelectorAll('.js-plotly-plot')].map(plot => {
        const drawn = plot.querySelector('.main-svg').getBoundingClientRect();
        return {
            cell: place, width: drawn.width, height: drawn.height,
            marks: plot.querySelectorAll('.main-svg path, .main-svg rect, .main-svg image').length,
            right: drawn.right - cell.getBoundingClientRect().right,
            buttons: [...plot.querySelectorAll('.modebar-btn')].map(button => button.dataset.title || 'logo'),
        };
    }))"""

_WIDGETS = f"""() => [...document.querySelectorAll('{_FRONT} .jp-CodeCell')].flatMap(
    (cell, place) => [...cell.querySelectorAll('.onex')].map(output => {{
        const drawn = output.getBoundingClientRect();
        return {{ cell: place, width: drawn.width, height: drawn.height,
                  marks: output.querySelectorAll('svg *, canvas, input, button').length }};
    }}))"""


@dataclass
class LabPage:
    """One tab of the browser, with what went wrong in it since it was opened."""

    lab: Lab
    page: Page
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts, and what they wrote to the console as an error."""
    foreign: list[str] = field(default_factory=list)
    """Requests to another host than the server; none of them was let through."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(90_000)  # a machine with other work is slow
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route("**/*", self._let_home_only)
        self.page.on("websocket", lambda socket: self._note_foreign(socket.url.replace("ws://", "http://", 1)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and message.text not in HARMLESS:
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _note_foreign(self, url: str) -> bool:
        if url.startswith((f"{self.lab.url}/", "data:", "blob:")):
            return False
        self.foreign.append(url)
        return True

    def _let_home_only(self, route: Route) -> None:
        if self._note_foreign(route.request.url):
            route.abort()
        else:
            route.continue_()

    def enter(self) -> None:
        """The folder of the notebooks, as `make lab` shows it."""
        self.page.goto(f"{self.lab.url}/lab/tree/notebooks?token={self.lab.token}")
        self.page.wait_for_selector(".jp-DirListing-item")

    def command(self, name: str, **options: Any) -> None:
        """A command of JupyterLab by its name, awaited."""
        self.page.evaluate("([name, options]) => window.jupyterapp.commands.execute(name, options)", [name, options])

    def open(self, name: str) -> None:
        """A double click; the kernel is there when it returns."""
        self.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        self.page.wait_for_selector(f"{_FRONT} .jp-CodeCell")
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.context?.sessionContext.session?.kernel?.status === 'idle'"
        )

    def run_all(self, name: str, seconds: float = 240) -> list[dict[str, Any]]:
        """Open a notebook, run all its cells in an empty kernel, wait until it is idle, and save it: its cells."""
        self.open(name)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(_STATE, timeout=1000 * seconds, polling=250)
        self.command("docmanager:save")
        cells: list[dict[str, Any]] = json.loads((self.lab.folder / "notebooks" / name).read_text())["cells"]
        return cells

    def spread_out(self) -> None:
        """The whole notebook at once, without the bar at the left: what is out of sight is not drawn."""
        self.command("application:toggle-left-area")
        outer = f"document.querySelector('{_FRONT} .jp-WindowedPanel-outer')"
        inner = outer.replace("-outer", "-inner")
        for _ in range(2):  # figures that come into sight may make it longer
            height = self.page.evaluate(f"() => {inner}.getBoundingClientRect().height")
            self.page.set_viewport_size({"width": WIDTH, "height": int(height) + 200})
            self.page.evaluate(f"() => {{ {outer}.scrollTop = 0; }}")
            self.page.wait_for_timeout(400)

    def figures(self) -> list[dict[str, Any]]:
        """The figures that are drawn: the place of its cell among the code cells, its size, how many marks it has."""
        found: list[dict[str, Any]] = self.page.evaluate(_FIGURES)
        return found

    def widgets(self) -> list[dict[str, Any]]:
        """Our widgets that are there: the place of its cell, its size, how many marks and handles it has."""
        found: list[dict[str, Any]] = self.page.evaluate(_WIDGETS)
        return found

    def picture(self, target: Path, theme: str) -> None:
        """A picture of the notebook in "Light" or "Dark"."""
        self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(theme == 'Light').lower()}'")
        self.page.wait_for_timeout(400)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=target)

    def pack_up(self) -> None:
        """The window as it was before `spread_out`."""
        self.command("apputils:change-theme", theme="JupyterLab Light")
        self.command("application:toggle-left-area")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def leave(self) -> None:
        """Close all that is open, and end the kernels."""
        self.command("application:close-all")
        for session in self.lab.api("sessions"):
            self.lab.api(f"sessions/{session['id']}", "DELETE")
