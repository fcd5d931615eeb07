"""Every notebook, in a real JupyterLab and a real browser: it runs, says no warning, draws, and asks no other host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import REPOSITORY
from tests.notebooks.lab import jupyter_lab
from tests.notebooks.lab_page import HEIGHT, PLOTLY, WIDGET, WIDTH, LabPage

NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
SCREENSHOTS = REPOSITORY / "build" / "screenshots" / "notebooks"
LARGEST_FIGURE = 2_000_000  # characters of JSON
BUTTONS = {
    "Download plot as a PNG", "Zoom", "Pan", "Box Select", "Lasso Select", "Zoom in", "Zoom out", "Autoscale",
    "Reset axes",
}  # fmt: skip
"""What a figure may offer. Plotly's logo and its share button would lead out of the notebook."""


@pytest.fixture(scope="module")
def opened(require_tool: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabPage]:
    """JupyterLab on copies of the notebooks, in one tab: what is run and saved there stays there."""
    chromium = require_tool("chromium", mend="apt-get install chromium")
    own = tmp_path_factory.mktemp("lab")
    served = own / "served"
    for folder in ("notebooks", "docs"):
        shutil.copytree(REPOSITORY / folder, served / folder, ignore=shutil.ignore_patterns(".*"))
    with jupyter_lab(served, own) as lab, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
        opened = LabPage(lab, page)
        opened.enter()
        yield opened
        browser.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_from_an_empty_kernel_and_every_figure_is_drawn(opened: LabPage, name: str):
    cells = [cell for cell in opened.run_all(name) if cell["cell_type"] == "code"]
    wrong = [text for cell in cells for output in cell["outputs"] if (text := complaint(output))]
    assert not wrong, "\n".join(wrong)
    assert all(cell["execution_count"] is not None for cell in cells)

    meant = shown_as(PLOTLY, cells)
    assert all(len(json.dumps(figure)) < LARGEST_FIGURE for figure in meant.values())
    opened.spread_out()
    drawn = {figure["cell"]: figure for figure in opened.figures()}
    handled = {widget["cell"]: widget for widget in opened.widgets()}
    for theme in ("Light", "Dark"):
        opened.picture(SCREENSHOTS / f"{Path(name).stem}.{theme.lower()}.png", theme)
    opened.pack_up()
    opened.leave()
    assert sorted(drawn) == sorted(meant)
    for place, figure in drawn.items():
        assert figure["width"] > 600 and figure["height"] > 100 and figure["marks"] > 0, (place, figure)
        assert figure["right"] <= 0, f"figure of cell {place} is wider than its cell"
        assert set(figure["buttons"]) <= BUTTONS, place
    assert sorted(handled) == sorted(shown_as(WIDGET, cells))
    for place, widget in handled.items():
        assert widget["width"] > 600 and widget["height"] > 100 and widget["marks"] > 10, (place, widget)


def test_nothing_was_complained_of_and_nothing_left_the_machine(opened: LabPage):
    """After all notebooks above: no script failed, and neither page, server nor kernel asked another host."""
    assert opened.complaints == []
    assert opened.foreign == []
    assert opened.lab.asked == []


WRONG = """\
import warnings; warnings.warn("this will change", DeprecationWarning)
import urllib.request; request = urllib.request.Request("http://elsewhere.invalid/"); urllib.request.urlopen(request)
import plotly.graph_objects as go; go.Figure().show(renderer="notebook_connected")
from IPython.display import HTML; HTML("<script>setTimeout(() => undefined_name(), 0)</script>")
"""


def test_what_is_wrong_would_be_seen(opened: LabPage):
    """A warning, an error, a request of the kernel, one of the page, a script that fails: none goes unnoticed."""
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{place}", "metadata": {"tags": ["raises-exception"]},
         "outputs": [], "source": line}
        for place, line in enumerate(WRONG.splitlines())
    ]  # fmt: skip
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (opened.lab.folder / "notebooks" / "wrong.ipynb").write_text(json.dumps(whole))
    opened.command("filebrowser:refresh")
    warning, error, *_ = opened.run_all("wrong.ipynb")
    opened.page.wait_for_timeout(1000)
    opened.leave()
    found, foreign, asked = (list(noted) for noted in (opened.complaints, opened.foreign, opened.lab.asked))
    for noted in (opened.complaints, opened.foreign, opened.lab.asked):
        noted.clear()
    assert "DeprecationWarning: this will change" in complaint(warning["outputs"][0])
    assert complaint(error["outputs"][0])
    assert asked == ["GET http://elsewhere.invalid/ HTTP/1.1"]
    assert any("plotly" in url for url in foreign), foreign
    assert any("ERR_FAILED" in text for text in found), found
    assert any("undefined_name" in text for text in found), found


def test_a_link_to_a_guide_opens_it(opened: LabPage):
    opened.open("02_where_does_the_time_go.ipynb")
    opened.page.get_by_role("link", name="the guide").click()
    opened.page.wait_for_selector(".lm-TabBar-tabLabel:text-is('profiling.md')")
    opened.leave()
    assert opened.foreign == []


def shown_as(kind: str, cells: list[dict[str, Any]]) -> dict[int, Any]:
    """What cells show of a kind, by their place; no cell of ours shows two."""
    return {
        place: output["data"][kind] for place, cell in enumerate(cells) for output in cell["outputs"]
        if kind in output.get("data", {})
    }  # fmt: skip


def complaint(output: dict[str, Any]) -> str:
    """An error, or whatever was written to stderr: warnings come there."""
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    if output.get("name") == "stderr":
        return "".join(output["text"])
    return ""
