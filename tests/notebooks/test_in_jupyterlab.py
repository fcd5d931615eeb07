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
from tests.notebooks.lab_page import HEIGHT, PLOTLY, WIDTH, LabPage

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
    folder = own / "notebooks"
    shutil.copytree(REPOSITORY / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    with jupyter_lab(folder, own) as lab, sync_playwright() as playwright:
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

    meant = {
        place: size for place, cell in enumerate(cells) for output in cell["outputs"]
        if (size := len(json.dumps(output.get("data", {}).get(PLOTLY, ""))) - 2)
    }  # fmt: skip
    assert max(meant.values(), default=0) < LARGEST_FIGURE
    opened.spread_out()
    drawn = {figure["cell"]: figure for figure in opened.figures()}
    for theme in ("Light", "Dark"):
        opened.picture(SCREENSHOTS / f"{Path(name).stem}.{theme.lower()}.png", theme)
    opened.leave()
    assert sorted(drawn) == sorted(meant)
    for place, figure in drawn.items():
        assert figure["width"] > 600 and figure["height"] > 100 and figure["marks"] > 0, (place, figure)
        assert figure["right"] <= 0, f"figure of cell {place} is wider than its cell"
        assert set(figure["buttons"]) <= BUTTONS, place


def test_nothing_was_complained_of_and_nothing_left_the_machine(opened: LabPage):
    """After all notebooks above: no script failed, and neither page, server nor kernel asked another host."""
    assert opened.complaints == []
    assert opened.foreign == []
    assert opened.lab.asked == []


def complaint(output: dict[str, Any]) -> str:
    """An error, or whatever was written to stderr: warnings come there."""
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    if output.get("name") == "stderr":
        return "".join(output["text"])
    return ""
