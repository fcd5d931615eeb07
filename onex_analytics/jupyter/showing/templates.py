"""Templates of messages."""

from __future__ import annotations

from onex_analytics.error_patterns import TemplateModel
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.views.tables import Column

_COLUMNS = (
    Column("count", "messages", "count"), Column("template", "template", "code"), Column("example", "an example"),
    Column("since_version", "since version", "count"),
)  # fmt: skip


def template_model(model: TemplateModel) -> Card:
    """The most frequent templates."""
    return Card(
        "Templates of messages",
        facts={"templates": (model.table.height, "count"), "messages": (model.table["count"].sum(), "count"),
               "patterns": (model.patterns.height, "count"), "version": (model.version, "count")},
        tables=(CardTable(".table", model.table, _COLUMNS, "no message was seen", "the most frequent", most=10),),
    )  # fmt: skip
