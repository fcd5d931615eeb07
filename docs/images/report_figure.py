"""The figure of the README: the top of the report that `make demo` writes, as a browser shows it.

    python docs/images/report_figure.py [CHROMIUM]

makes the demo anew in a folder of its own (seed 0, 200,000 events) and writes docs/images/report.png.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).with_name("report.png")
WIDTH, LARGEST = 1200, 200_000


def picture(chromium: str) -> bytes:
    """A PNG of the report's first section and what stands above it."""
    with tempfile.TemporaryDirectory() as folder:
        demo = [str(Path(sys.executable).with_name("onex-analytics")), "demo"]
        subprocess.run(demo, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            page = browser.new_page(viewport={"width": WIDTH, "height": 1200}, color_scheme="light")
            page.goto((Path(folder) / "report.html").as_uri())
            page.wait_for_selector("#events .main-svg")
            page.wait_for_timeout(1_000)  # fonts and the last resize
            until = page.locator("#errors").bounding_box()
            assert until is not None
            found = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": until["y"] - 20})
            browser.close()
    return found


if __name__ == "__main__":
    found = picture(sys.argv[1] if sys.argv[1:] else "/usr/bin/chromium")
    if len(found) >= LARGEST:
        sys.exit(f"{len(found):,} bytes; wanted less than {LARGEST:,}. Mend: show less of the page")
    PICTURE.write_bytes(found)
