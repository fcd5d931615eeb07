"""A card as HTML for a light and a dark JupyterLab, and for a page that knows neither. All text is escaped.

The colours are JupyterLab's own where it is there; elsewhere ink and paper are set together, so that dark ink never
stands on a dark page. Its class is said twice in each selector, which outweighs what JupyterLab says of all tables.
"""

from __future__ import annotations

import html

from onex_analytics.jupyter.cards import Card, CardTable, short, shortened, told

_RIGHT = {"count", "ms", "share", "seconds", "number", "duration", "bytes"}
_WHOLE = {"time", "word"}


def card_html(card: Card) -> str:
    """The card as one piece of HTML with its own style.

    >>> "&lt;script&gt;" in card_html(Card("Log", lead="<script>"))
    True
    """
    parts = [f'<p class="onex-title">{html.escape(short(card.title))}</p>']
    if card.lead:
        parts.append(f'<p class="onex-lead">{html.escape(short(card.lead, 600))}</p>')
    if card.facts:
        tiles = "".join(
            f"<div><dt>{html.escape(short(title))}</dt><dd>{html.escape(told(value, form))}</dd></div>"
            for title, (value, form) in card.facts.items()
        )
        parts.append(f"<dl>{tiles}</dl>")
    parts += [_table(table) for table in card.tables]
    if card.code:
        code, more = shortened(card.code)
        parts.append(f"<pre>{html.escape(code)}</pre>")
        parts += [f'<p class="onex-dim">and {more:,} lines more</p>'] * bool(more)
    if card.left_out:
        items = "".join(f"<li>{html.escape(short(one, 400))}</li>" for one in card.left_out)
        parts.append(f'<ul class="onex-left-out" aria-label="Left out">{items}</ul>')
    return f'<div class="onex-card"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _table(table: CardTable) -> str:
    caption = f"<caption>{html.escape(short(table.caption))}</caption>" if table.caption else ""
    if not table.height:
        name = f"<code>{html.escape(short(table.name))}</code>: " if table.name else ""
        return f'<p class="onex-dim">{name}{html.escape(short(table.empty))}</p>'
    head = "".join(f'<th scope="col"{_class(c.form)}>{html.escape(short(c.title))}</th>' for c in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_class(form)}>{_cell(text, form)}</td>" for text, form in row) + "</tr>"
        for row in table.cells()
    )
    return (
        f'<div class="onex-scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(text: str, form: str) -> str:
    return f"<code>{html.escape(text)}</code>" if form == "code" and text != "–" else html.escape(text)


def _class(form: str) -> str:
    return ' class="onex-number"' if form in _RIGHT else ' class="onex-whole"' if form in _WHOLE else ""


_STYLE = """
.onex-card { --onex-ink: var(--jp-content-font-color1, #1c2024); --onex-dim: var(--jp-content-font-color2, #5c646c);
  --onex-paper: var(--jp-layout-color0, #ffffff); --onex-tile: var(--jp-layout-color2, #eef1f4);
  --onex-line: var(--jp-border-color2, #d9dee3); --onex-warn: var(--jp-warn-color0, #a33b00);
  color: var(--onex-ink); background: var(--onex-paper); padding: 2px 8px 6px;
  font: var(--jp-content-font-size1, 14px)/1.45 var(--jp-content-font-family, system-ui, "DejaVu Sans", sans-serif); }
@media (prefers-color-scheme: dark) {
  .onex-card { --onex-ink: var(--jp-content-font-color1, #e8eaed); --onex-dim: var(--jp-content-font-color2, #a4acb4);
    --onex-paper: var(--jp-layout-color0, #14171a); --onex-tile: var(--jp-layout-color2, #1e2327);
    --onex-line: var(--jp-border-color2, #363d44); --onex-warn: var(--jp-warn-color0, #ffa36b); } }
& p { margin: 2px 0 6px; max-width: 90ch; color: inherit; }
& p.onex-title { font-weight: 600; font-size: 1.1em; margin-bottom: 2px; overflow-wrap: anywhere; }
& p.onex-lead { overflow-wrap: anywhere; }
& .onex-dim, & table caption, & dt { color: var(--onex-dim); font-size: 0.9em; }
& dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(152px, 1fr)); gap: 6px;
  margin: 6px 0 8px; }
& dl > div { background: var(--onex-tile); border-radius: 6px; padding: 5px 10px; }
& dl dt { margin: 0; font-weight: normal; float: none; width: auto; }
& dl dd { margin: 0; width: auto; float: none; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
& .onex-scroll { overflow-x: auto; margin: 4px 0 8px; }
& table { border-collapse: collapse; margin: 0; font-size: 0.92em; font-variant-numeric: tabular-nums;
  border: 0; table-layout: auto; color: inherit; }
& table caption { text-align: left; caption-side: top; padding: 2px 0; white-space: nowrap;
  font-family: var(--jp-code-font-family, ui-monospace, "DejaVu Sans Mono", monospace); }
& table tr, & table tbody tr:nth-child(n) { background: transparent; padding: 0; }
& table thead { border-bottom: 1px solid var(--onex-line); }
& table th, & table td { text-align: left; vertical-align: top; padding: 3px 12px 3px 0; border: 0;
  max-width: 46ch; min-width: 0; overflow-wrap: break-word; white-space: normal; }
& table tbody tr { border-bottom: 1px solid var(--onex-line); }
& table th { font-weight: 600; white-space: nowrap; }
& table td.onex-whole { white-space: nowrap; }
& table th.onex-number, & table td.onex-number { text-align: right; white-space: nowrap; }
& code, & :not(pre) > code { background: none; color: inherit; padding: 0;
  font: 0.95em var(--jp-code-font-family, ui-monospace, "DejaVu Sans Mono", monospace); }
& pre { background: var(--onex-tile); color: inherit; border-radius: 6px; padding: 8px 10px; margin: 6px 0;
  overflow: auto; max-height: 360px; white-space: pre;
  font: 0.92em/1.4 var(--jp-code-font-family, ui-monospace, "DejaVu Sans Mono", monospace); }
& ul.onex-left-out { margin: 2px 0 4px; padding-left: 1.2em; color: var(--onex-warn); }
""".replace("&", ".onex-card.onex-card")
