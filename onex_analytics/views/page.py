"""One stand-alone HTML file: everything it needs is in it, and its policy forbids it to ask any host."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from typing import NamedTuple

import plotly.graph_objects as go


class Section(NamedTuple):
    """A heading (none where `title` is empty), and below it what `body` says: finished HTML."""

    anchor: str
    title: str
    body: str


def html_page(title: str, lead: str, sections: Iterable[Section]) -> str:
    """The whole file.

    Scripts run only if their SHA-256 stands in the page's policy, so that text which slipped in cannot become
    code; nothing is fetched, sent or framed. `lead` and the bodies are HTML, `title` is text.
    """
    from plotly.offline import get_plotlyjs

    kept = list(sections)
    links = "".join(f'<a href="#{s.anchor}">{html.escape(s.title)}</a>' for s in kept if s.title)
    nav = f'<nav aria-label="Sections">{links}</nav>' if links else ""
    bodies = "\n".join(f'<section id="{s.anchor}">{_heading(s.title)}\n{s.body}\n</section>' for s in kept)
    library = get_plotlyjs() if any('class="plot"' in s.body for s in kept) else ""
    scripts = [script for script in (library, _DRAW if library else "") if script]
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">',
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f"<header><h1>{html.escape(title)}</h1>\n{lead}\n{nav}</header>",
        f"<main>\n{bodies}\n</main>",
        *(f"<script>{script}</script>" for script in scripts),
        "</body>\n</html>\n",
    ])  # fmt: skip


def html_figure(drawn: go.Figure, summary: str) -> str:
    """A Plotly figure as HTML, with `summary` as its caption and as what a screen reader says."""
    data = drawn.to_json()
    for sign, code in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        data = data.replace(sign, code)
    said = html.escape(summary)
    height = drawn.layout.height or 400
    return (
        f'<figure><div class="plot" role="img" aria-label="{said}" style="height:{height}px">'
        f'<script type="application/json">{data}</script></div><figcaption>{said}</figcaption></figure>'
    )


def _heading(title: str) -> str:
    return f"<h2>{html.escape(title)}</h2>" if title else ""


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


_DRAW = """
"use strict";
for (const box of document.querySelectorAll(".plot")) {
  const drawn = JSON.parse(box.querySelector("script").textContent);
  box.textContent = "";
  const settings = {responsive: true, displaylogo: false, showSendToCloud: false,
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]]};
  Plotly.newPlot(box, drawn.data, drawn.layout, settings);
}
"""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5c646c; --paper: #ffffff; --card: #f5f7f9; --line: #d9dee3;
        --accent: #005b94; --warn: #a33b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --dim: #a4acb4; --paper: #14171a; --card: #1e2327; --line: #363d44; --accent: #7cc4f5;
          --warn: #ffa36b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1320px; padding: 24px 28px 64px; background: var(--paper); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 44px 0 6px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 6px 0 10px; max-width: 90ch; }
.dim, figcaption, caption, .empty { color: var(--dim); }
.warn { color: var(--warn); }
nav { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 14px; }
a { color: var(--accent); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(168px, 1fr)); gap: 10px; margin: 16px 0; }
dl.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
dt { font-size: 13px; color: var(--dim); }
dd { margin: 0; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figure { margin: 8px 0 4px; }
.plot { width: 100%; }
figcaption { font-size: 13px; margin-top: 2px; }
.plot svg text { fill: var(--ink) !important; }
.plot .hoverlayer text, .plot .iciclelayer text { fill: #ffffff !important; }
.plot .hoverlayer path { fill: #30363c !important; stroke: #aab2ba !important; }
.scroll { overflow: auto; max-height: 640px; margin: 8px 0; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { position: sticky; top: 0; background: var(--card); font-weight: 600; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
td { overflow-wrap: break-word; max-width: 46ch; }
td.whole, td.number { white-space: nowrap; max-width: none; }
.number { text-align: right; }
code { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; }
@media print { .scroll { max-height: none; overflow: visible; } nav, .modebar { display: none; } }
"""
