"""Our results among IPython's formatters: by the names of their classes, so that nothing is loaded too early."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from onex_analytics.jupyter.showing.classes import CARDS, DRAWN

if TYPE_CHECKING:
    from onex_analytics.jupyter.cards import Card

LARGEST_BYTES = 2_000_000
"""No representation is larger. Figures keep to it by summing up; this is the last guard, and it says that it cut."""

FIGURE = "application/vnd.plotly.v1+json"
_CONFIG = {"responsive": True, "displaylogo": False, "showSendToCloud": False}


class Shell(Protocol):
    """What is needed of IPython's shell."""

    display_formatter: Any
    display_pub: Any


def card_of(result: object) -> Card:
    """What is shown of a result.

    Raises:
        LookupError: it is of no class that has a card.

    >>> import onex_analytics as ox
    >>> card_of(ox.alerting.presets()).title
    'Rules'
    """
    for one in type(result).__mro__:
        if (found := CARDS.get((one.__module__, one.__name__))) is not None:
            module, function = found
            card: Card = getattr(import_module(f"onex_analytics.jupyter.showing.{module}"), function)(result)
            return card
    raise LookupError(f"{type(result).__name__} is shown by no card; there are {len(CARDS)} classes that are")


def register(shell: Shell) -> None:
    """Have results shown by their cards in this shell. Twice is once.

    In a kernel a card is HTML, and where people would rather look at a figure, that stands below it. A terminal shows
    the card as text.
    """
    formatters = shell.display_formatter.formatters
    as_html = "text/html" in shell.display_formatter.active_types
    for key in CARDS:
        formatters["text/html"].for_type_by_name(*key, _html)
        formatters["text/plain"].for_type_by_name(*key, _pretty)
        if as_html and key in DRAWN:
            shell.display_formatter.ipython_display_formatter.for_type_by_name(*key, _shown_by(shell))


def bundle(result: object) -> dict[str, str]:
    """The card of a result by MIME type.

    >>> import onex_analytics as ox
    >>> sorted(bundle(ox.alerting.presets()))
    ['text/html', 'text/plain']
    """
    from onex_analytics.jupyter.card_html import card_html
    from onex_analytics.jupyter.card_text import card_text

    card = card_of(result)
    return {"text/html": card_html(card), "text/plain": card_text(card)}


def figure_bundle(result: object) -> dict[str, Any] | None:
    """The figure of a result by MIME type, in words as plain text; None for a result that has none."""
    draw = card_of(result).figure
    if draw is None:
        return None
    return drawn(draw())


def drawn(figure: Any) -> dict[str, Any]:
    """A Plotly figure by MIME type: what JupyterLab draws without a script of its own, and the words beside it.

    One that is too large after all is told in words only.
    """
    import json

    from onex_analytics.views.theme import description

    said = description(figure) or "a figure"
    data = figure.to_json()
    if (size := len(data.encode())) > LARGEST_BYTES:
        mend = "it is not kept in the notebook; draw one of a part of the result by ox.views"
        return {"text/plain": f"{said}\nThe figure has {size / 1e6:.1f} MB: {mend}."}
    return {FIGURE: {**json.loads(data), "config": _CONFIG}, "text/plain": said}


def _shown_by(shell: Shell) -> Callable[[object], None]:
    def show(result: object) -> None:
        shell.display_pub.publish(bundle(result))
        if (figure := figure_bundle(result)) is not None:
            shell.display_pub.publish(figure)

    return show


def _html(result: object) -> str:
    return bundle(result)["text/html"]


def _pretty(result: object, printer: Any, cycle: bool) -> None:
    """The card as text; within a list or a dict only what `repr` says."""
    from onex_analytics.jupyter.card_text import card_text

    within = len(printer.stack) > 1
    printer.text(repr(result) if cycle or within else card_text(card_of(result)))
