"""The values that a template leaves out, message by message."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns.masking import ANY
from onex_analytics.error_patterns.slots import kind, values_of
from onex_analytics.error_patterns.templates import Messages, TemplateModel

PARAMETERS = pl.Schema({
    "template_id": pl.String(),
    "parameters": pl.List(pl.String()),        # as they are written, in order; null where the message is
    "parameter_kinds": pl.List(pl.String()),   # NUMBER, PATH and so on; null for a value of no known form
})  # fmt: skip


def extract_parameters(events_or_messages: Messages, model: TemplateModel) -> pl.DataFrame:
    """The values of each message where its template has none of its own.

    The messages are read here: each template's are parted by one regular expression.

    Args:
        events_or_messages: a series, or a frame of which `error_message` is read.
        model: whose templates; those of unknown messages are mined as `TemplateModel.transform` does.

    Returns:
        A row a message in their order, `error_message` and the columns of `PARAMETERS`. A list of values in a message
        is one value. An empty list where the template has none.

    Raises:
        MissingColumns: there is no `error_message`.

    >>> from onex_analytics.error_patterns import mine_templates
    >>> messages = pl.Series(["read 14 bytes from /var/log/a.log", "disk full"])
    >>> extract_parameters(messages, mine_templates(messages)).select("parameters", "parameter_kinds").rows()
    [(['14', '/var/log/a.log'], ['NUMBER', 'PATH']), ([], [])]
    """
    known = model.learn(events_or_messages)
    general = dict(known.table.select("template_id", "general").rows())
    found = model.transform(events_or_messages).lazy().select("error_message", "template_id").collect()
    distinct = found.drop_nulls("template_id").unique()
    by_template = distinct.partition_by("template_id", as_dict=True)
    parts = [_parted(part, general[str(name)]) for (name,), part in by_template.items()]
    schema = {"error_message": found.schema["error_message"], **PARAMETERS}
    parted = pl.concat([pl.DataFrame(schema=schema), *parts])
    return found.join(parted, on=["error_message", "template_id"], how="left", maintain_order="left")


def _parted(messages: pl.DataFrame, general: str) -> pl.DataFrame:
    if ANY not in general:
        nothing = pl.lit([], pl.List(pl.String))
        return messages.with_columns(parameters=nothing, parameter_kinds=nothing)
    values = values_of(messages["error_message"].cast(pl.String), general)
    return messages.with_columns(
        values.select(pl.concat_list(pl.all()).alias("parameters"))["parameters"],
        values.select(pl.concat_list([kind(pl.col(name)) for name in values.columns]).alias("parameter_kinds"))[
            "parameter_kinds"
        ],
    )
