"""Templates of messages: what stays the same in the messages that one line of code writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import polars as pl

from onex_analytics.error_patterns.distinct import distinct_lines
from onex_analytics.error_patterns.masking import ANY, MASK
from onex_analytics.error_patterns.matching import Matcher
from onex_analytics.error_patterns.mining import patterns
from onex_analytics.error_patterns.slots import with_kinds
from onex_analytics.error_patterns.template_files import read_templates, write_templates
from onex_analytics.error_patterns.template_shapes import FOUND, PATTERNS, TEMPLATES
from onex_analytics.frames.columns import require

Messages = pl.Series | pl.DataFrame | pl.LazyFrame

_ID_DIGITS = 16
_ALL_ROWS = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False, "streamable": False}


def mine_templates(events_or_messages: Messages) -> TemplateModel:
    """The templates of messages: one for all messages that differ in values only.

    Values that show by their form (numbers, addresses, paths and the like) are masked first, then words that vary are
    found by how often words occur at their places. An error code is no value: messages with two codes have two
    templates. One setting serves every log. The order of the messages does not matter.

    Args:
        events_or_messages: a series of texts, or a frame of which `error_message` is read. Messages that are null are
            left out; of a very long one the first 4,096 characters and 256 tokens are read, the rest is one value.

    Returns:
        A model of version 1; its `table` has a row a template.

    Raises:
        MissingColumns: there is no `error_message`.

    Source: the masking of Drain3, then Brain (see `mining`).

    >>> messages = pl.Series(["read 14 bytes from /var/log/a.log", "read 9 bytes from /tmp/b/c", "disk full"])
    >>> mine_templates(messages).table.select("template", "count").rows()
    [('read <NUMBER> bytes from <PATH>', 2), ('disk full', 1)]
    """
    nothing = TemplateModel(0, pl.DataFrame(schema=TEMPLATES), pl.DataFrame(schema=PATTERNS))
    return nothing.learn(events_or_messages)


@dataclass(frozen=True)
class TemplateModel:
    """Templates with the patterns that lead to them. Made by `mine_templates`; it never changes.

    Attributes:
        version: 1 for a model just mined, one more with each `learn` or `merge`.
        table: a row a template, as `TEMPLATES`, the most frequent first, then by id.
        patterns: a row a pattern, as `PATTERNS`; a message belongs to the first one that it fits.

    >>> mine_templates(pl.Series(["user 1 left", "user 2 left", "disk full"]))
    TemplateModel(2 templates of 3 messages, version 1)
    """

    version: int
    table: pl.DataFrame
    patterns: pl.DataFrame

    def __repr__(self) -> str:
        messages = self.table["count"].sum()
        return f"TemplateModel({self.table.height:,} templates of {messages:,} messages, version {self.version})"

    @overload
    def transform(self, messages: pl.LazyFrame) -> pl.LazyFrame: ...
    @overload
    def transform(self, messages: pl.Series | pl.DataFrame) -> pl.DataFrame: ...
    def transform(self, messages: Messages) -> pl.DataFrame | pl.LazyFrame:
        """Each message with its template.

        Templates of the model come first; only what fits none of them is mined, and marked as new. A message that the
        model knows gets the same template always, from this model and from all that it grows into. Which template a
        new one gets may depend on the messages it comes with, until a model has learned it.

        Args:
            messages: a series, or a frame of which `error_message` is read. All messages of a LazyFrame are taken
                together, when the result is collected.

        Returns:
            The rows in their order with `template_id`, `template` and `template_is_new`, all three null where the
            message is null; for a series these columns after `error_message`.

        Raises:
            MissingColumns: there is no `error_message`.

        >>> model = mine_templates(pl.Series(["user 1 left", "user 2 left"]))
        >>> found = model.transform(pl.Series(["user 77 left", "disk full", None]))
        >>> found.select("template", "template_is_new").rows()
        [('user <NUMBER> left', False), ('disk full', True), (None, None)]
        """
        rows = _rows(messages)
        if isinstance(messages, pl.LazyFrame):  # the whole column at once, when the result is collected
            schema = pl.Schema({**rows.collect_schema(), **FOUND})
            return rows.map_batches(self._transformed, schema=schema, **_ALL_ROWS)
        return self._transformed(rows.collect())

    def learn(self, messages: Messages) -> TemplateModel:
        """The model with the templates of the messages that fit none of its own; its counts grow by all of them.

        >>> model = mine_templates(pl.Series(["user 1 left"])).learn(pl.Series(["disk full", "user 4 left"]))
        >>> model.version, model.table.select("template", "count", "since_version").rows()
        (2, [('user <NUMBER> left', 2, 1), ('disk full', 1, 2)])
        """
        texts = _rows(messages).select("error_message").collect()["error_message"]
        return self._grown(distinct_lines(texts).counted())

    def merge(self, other: TemplateModel) -> TemplateModel:
        """Both models as one: the templates of both, counts added.

        A message that this model knows keeps its template, one that only the other knows has the other's. Where the
        two saw values of different kinds in one template, its text is the general one.

        >>> one, two = mine_templates(pl.Series(["user 1 left"])), mine_templates(pl.Series(["user 0xff left", "bye"]))
        >>> one.merge(two).table.select("template", "count").rows()
        [('user <*> left', 2), ('bye', 1)]
        """
        held = pl.concat([self.patterns, other.patterns]).unique("tokens", keep="first", maintain_order=True)
        tables = pl.concat([self.table, other.table])
        same = pl.col("template").n_unique() == 1
        table = tables.group_by("template_id").agg(
            pl.when(same).then(pl.col("template").first()).otherwise(pl.col("general").first()).alias("template"),
            pl.col("general").first(), pl.col("count").sum(), pl.col("since_version").min(), pl.col("example").min(),
        )  # fmt: skip
        return TemplateModel(max(self.version, other.version) + 1, _in_order(table), held)

    def save(self, path: str | Path) -> None:
        """Write the model as a JSON file, which any editor shows and which holds nothing that could run.

        Raises:
            SourceError: the file cannot be written.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     mine_templates(pl.Series(["user 1 left", "user 2 left"])).save(Path(folder) / "model.json")
        ...     TemplateModel.load(Path(folder) / "model.json")
        TemplateModel(1 templates of 2 messages, version 1)
        """
        write_templates(Path(path), self.version, self.table, self.patterns)

    @staticmethod
    def load(path: str | Path) -> TemplateModel:
        """The model that `save` wrote.

        Raises:
            SourceError: the file cannot be read, is no such file, or is one of a later format.

        >>> TemplateModel.load("nowhere.json")
        Traceback (most recent call last):
        onex_analytics.exceptions.SourceError: ...
        """
        return TemplateModel(*read_templates(Path(path)))

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(self.patterns["tokens"])

    def _ids(self, lines: pl.Series) -> pl.Series:
        """The template of each line that fits a pattern, else null."""
        return self.patterns["template_id"].gather(self._matcher.first_fits(lines))

    def _transformed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the columns of `FOUND`."""
        messages = rows["error_message"]
        distinct = distinct_lines(messages)
        ids = self._ids(distinct.lines)
        grown = self
        if ids.null_count():
            grown = self._grown(distinct.counted(ids.is_null()))
            ids = grown._ids(distinct.lines)
        texts = grown.table.select("template_id", "template", template_is_new=pl.col("since_version") > self.version)
        found = ids.to_frame("template_id").join(texts, on="template_id", how="left", maintain_order="left")
        numbers = pl.Series(distinct.numbers).replace(-1, None)
        told = found.select(pl.col(*FOUND).gather(numbers))
        return rows.with_columns(told.get_columns())

    def _grown(self, lines: pl.DataFrame) -> TemplateModel:
        """This model and what distinct lines bring: `line`, `count`, `example`."""
        is_new = self._ids(lines["line"]).is_null()
        mined = patterns(lines if is_new.all() else lines.filter(is_new)).with_columns(
            pl.col("key").str.replace_all(MASK, ANY, literal=True).alias("general")
        )
        ids = mined.select(pl.col("general").unique()).with_columns(
            pl.col("general").map_elements(_id, pl.String).alias("template_id")
        )
        mined = mined.join(ids, on="general", how="left", maintain_order="left")
        found = TemplateModel(self.version + 1, self.table, pl.concat([self.patterns, mined.select(*PATTERNS)]))
        counted = lines.with_columns(template_id=found._ids(lines["line"]))
        return found._counting(counted, ids)

    def _counting(self, lines: pl.DataFrame, ids: pl.DataFrame) -> TemplateModel:
        """With the counts of lines that have their `template_id`, and texts for the templates that are new."""
        told = lines.group_by("template_id").agg(pl.col("count").sum(), pl.col("example").min())
        known = self.table.join(told.select("template_id", more="count"), on="template_id", how="left")
        known = known.with_columns(count=pl.col("count") + pl.col("more").fill_null(0)).drop("more")
        fresh = told.join(self.table, on="template_id", how="anti").join(ids, on="template_id", how="left")
        fresh = fresh.with_columns(since_version=pl.lit(self.version, pl.Int64), count=pl.col("count").cast(pl.Int64))
        named = with_kinds(fresh, lines.select("template_id", "example"))
        table = _in_order(pl.concat([known.select(*TEMPLATES), named.select(*TEMPLATES)]))
        held = self.patterns.join(table, on="template_id", how="semi", maintain_order="left")
        return TemplateModel(self.version, table, held)


def _id(general: str) -> str:
    return hashlib.sha256(general.encode()).hexdigest()[:_ID_DIGITS]


def _in_order(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(*TEMPLATES).sort("count", "template_id", descending=[True, False])


def _rows(messages: Messages) -> pl.LazyFrame:
    if isinstance(messages, pl.Series):
        return messages.alias("error_message").to_frame().lazy()
    return require(messages.lazy(), "error_message")
