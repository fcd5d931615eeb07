"""Every page is reached from the first one, and none fetches anything from another host."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
from extension.hosts import outside

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = {str(page.relative_to(DOCS).with_suffix("")) for end in ("*.md", "*.rst") for page in DOCS.rglob(end)}


def entries_of(name: str) -> set[str]:
    """The pages that the tables of contents of a page name."""
    page = next(page for end in (".md", ".rst") if (page := DOCS / f"{name}{end}").is_file())
    found: set[str] = set()
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        entries = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")]
        folder = name.rpartition("/")[0]
        for entry in entries:
            wanted = f"{folder}/{entry}" if folder else entry
            level = wanted.count("/")
            found |= {one for one in NAMES if fnmatch.fnmatch(one, wanted) and one.count("/") == level}
    return found - {name}


def test_every_page_is_reached_from_the_first_one() -> None:
    reached, ahead = set[str](), ["index"]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += entries_of(name)
    assert NAMES - reached == set(), "Mend: name it in a toctree of docs/index.md"


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/a.js"></script>',
        "<img src='//example/a.png'>",
        '<link href="https://fonts.example/a.css" rel="stylesheet">',
        "@import url(https://fonts.example/a.css);",
        "body { background: url('http://example/a.png') }",
    ],
)
def test_what_would_be_fetched_from_another_host_is_noticed(text: str) -> None:
    assert outside(text)


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://example/">an address to follow</a>',
        '<script src="_static/a.js"></script><img src="_images/report.png">',
        '<link rel="canonical" href="https://example/">',
        "url(data:image/png;base64,AAAA)",
        '<svg xmlns="http://www.w3.org/2000/svg">',
    ],
)
def test_what_is_not_fetched_is_let_be(text: str) -> None:
    assert outside(text) == []
