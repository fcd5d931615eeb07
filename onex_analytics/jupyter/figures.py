"""Plotly's figures in a notebook: JupyterLab draws them by Plotly's own extension, from this machine."""

from __future__ import annotations

from typing import Any

QUIET = {"displaylogo": False, "showSendToCloud": False}
"""No button leads out of the notebook, and none sends what is in it elsewhere."""

_FIGURE = ("plotly.graph_objs._figure", "Figure")


def see_to_figures(shell: Any) -> None:
    """Have figures shown without Plotly's logo and its share button: all of this session, ours and yours.

    Plotly is not loaded before there is a figure. What was set on a renderer stays, and which one is used, too.
    """
    shell.display_formatter.ipython_display_formatter.for_type_by_name(*_FIGURE, _show)


def _show(figure: Any) -> None:
    import plotly.io

    renderers = plotly.io.renderers
    for name in filter(None, (renderers.default or "").split("+")):
        if hasattr(renderers[name], "config"):
            renderers[name].config = QUIET | (renderers[name].config or {})
    figure._ipython_display_()
