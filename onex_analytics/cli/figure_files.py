"""A figure as one HTML file that asks no host for anything."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.output import say, write_text
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go


def _a_page(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        wanted = "a name that ends in .html: a browser shows it, and saves a picture by the camera above each figure"
        raise InvalidOption("--figure", str(path), wanted)
    return path


Figure = Annotated[
    Path | None, typer.Option("--figure", help="Draw it, too: one HTML file that asks no host.", callback=_a_page)
]


def write_figure(drawn: go.Figure, path: Path, *, title: str, caption: str) -> None:
    """Write the figure with its heading and a sentence that says how to read it."""
    from onex_analytics.views import Section, html_figure, html_page
    from onex_analytics.views.theme import description

    page = html_page(title, f'<p class="dim">{html.escape(caption)}</p>', [
        Section("figure", "", html_figure(drawn, description(drawn) or caption))
    ])  # fmt: skip
    write_text(path, page)
    say(f"figure: {path}")


def write_figures(drawn: Sequence[tuple[str, go.Figure]], path: Path, *, title: str, caption: str) -> None:
    """Write several figures below each other, each under its own heading."""
    from onex_analytics.views import Section, html_figure, html_page
    from onex_analytics.views.theme import description

    page = html_page(title, f'<p class="dim">{html.escape(caption)}</p>', [
        Section(f"figure-{place}", name, html_figure(one, description(one)))
        for place, (name, one) in enumerate(drawn, start=1)
    ])  # fmt: skip
    write_text(path, page)
    say(f"figures: {path}")
