"""Pages made by hand."""

from __future__ import annotations

from onex_analytics.alerting.notification import Page, PageAlert


def an_alert(node="a", *, starts=10, ends=None, value=0.25, **texts):
    labels = (("alertname", "Down"), ("node", node), ("severity", "critical"))
    seconds = None if ends is None else ends * 1_000_000
    return PageAlert("g", "Down", labels, tuple(sorted(texts.items())), value, starts * 1_000_000, seconds)


def a_page(second=30, nodes="a", ended="", *, receiver="team", reason="new", group="x"):
    return Page(
        second * 1_000_000, receiver, reason, f'{{}}:{{node="{group}"}}', (("node", group),),
        tuple(an_alert(node, summary="it is down") for node in nodes),
        tuple(an_alert(node, ends=20) for node in ended),
    )  # fmt: skip
