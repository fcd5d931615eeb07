"""No page fetches anything from outside: whatever a built page would load is looked at, and an address is an error."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_FETCHED = "script|img|iframe|source|video|audio|embed"
_LINKED = "stylesheet|icon|preload|preconnect"
_HOST = r"[\"']?(?:[a-z]+:)?//[^\"' >]*"
_LOADED = (
    re.compile(rf"<(?:{_FETCHED})\b[^>]*\bsrc={_HOST}", re.I),
    re.compile(rf"<link\b(?=[^>]*\brel=[\"']?(?:{_LINKED}))[^>]*\bhref={_HOST}", re.I),
    re.compile(r"(?:@import\s+|url\()[\"']?(?:https?:)?//[^\"')]*", re.I),
)


def outside(text: str) -> list[str]:
    """What a page or a style sheet would load from another host."""
    return [found for pattern in _LOADED for found in pattern.findall(text)]


def _checked(app: Sphinx, problem: Exception | None) -> None:
    if problem is not None or app.builder.format != "html":
        return
    pages = [page for end in ("*.html", "*.css") for page in Path(app.outdir).rglob(end)]
    found = [f"{page.relative_to(app.outdir)}: {one}" for page in pages for one in outside(page.read_text("utf-8"))]
    if found:
        raise ExtensionError("pages load from outside:\n" + "\n".join(found))


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _checked)
