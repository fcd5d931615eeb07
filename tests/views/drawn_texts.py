"""The texts of a figure, as a browser reads them."""

from __future__ import annotations

import json

import plotly.graph_objects as go


def drawn_texts(figure: go.Figure) -> str:
    """All that a figure says, its description aside, as one text in which nothing is escaped but quotes.

    (Plotly writes "<" as a code in its JSON, so that nobody would ever find markup there.)
    """
    return json.dumps(json.loads(go.Figure(figure).update_layout(meta=None).to_json()), ensure_ascii=False)
