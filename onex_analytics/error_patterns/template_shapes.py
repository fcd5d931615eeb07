"""What a template model holds."""

from __future__ import annotations

import polars as pl

TEMPLATES = pl.Schema({
    "template_id": pl.String(),     # 16 hex digits of the SHA-256 of `general`: the same in every model
    "template": pl.String(),        # with the kind of each value, such as <NUMBER>, or <*> for one of no one kind
    "general": pl.String(),         # with <*> for each value
    "count": pl.Int64(),            # messages that the model was made of, at least 1
    "since_version": pl.Int64(),    # of the model, when the template came
    "example": pl.String(),         # a message, the first one by text
})  # fmt: skip
"""`TemplateModel.table`."""

PATTERNS = pl.Schema({
    "template_id": pl.String(),
    "tokens": pl.List(pl.String()),  # words with what follows them; null for one that may be any
})  # fmt: skip
"""`TemplateModel.patterns`."""

FOUND = pl.Schema({"template_id": pl.String(), "template": pl.String(), "template_is_new": pl.Boolean()})
"""What `TemplateModel.transform` adds to each message."""
