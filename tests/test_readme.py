"""Every Python block of the README and of every page runs, top to bottom, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))


def program_of(page: Path) -> str:
    """The page's Python blocks at their own lines, so that a traceback points into the page."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = re.match(r"\s*```(\w*)", line)
        if fence:
            inside = fence[1] == "python"
        lines.append(line if inside and not fence else "")
    return "\n".join(lines)


PROGRAMS = [
    pytest.param(page, program, id=str(page.relative_to(REPOSITORY)))
    for page in PAGES
    if (program := program_of(page)).strip()
]


@pytest.mark.parametrize(("page", "program"), PROGRAMS)
def test_the_examples_of_the_page_run(page, program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    try:
        exec(compile(program, str(page), "exec"), {"__name__": "__main__"})
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_the_readme_runs_in_a_process_of_its_own(tmp_path):
    run = f"import sys; exec(compile(sys.stdin.read(), {str(README)!r}, 'exec'), {{'__name__': '__main__'}})"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", run],
        input=program_of(README), cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_readme_shows_the_front_door():
    assert "import onex_analytics as ox" in program_of(README)
