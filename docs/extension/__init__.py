"""What the pages need beside Sphinx: rooms from their `__all__`, fields of models, links from words in backticks."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from extension import commands, docstrings, hosts, links, rooms


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this once."""
    for part in (commands, docstrings, hosts, links, rooms):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
