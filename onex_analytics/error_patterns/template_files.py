"""A template model as a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onex_analytics.error_patterns.masking import ANY, MASK
from onex_analytics.error_patterns.template_shapes import PATTERNS, TEMPLATES
from onex_analytics.exceptions import SourceError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Template(_Strict):
    template_id: str = Field(pattern="^[0-9a-f]{16}$")
    template: str
    general: str
    count: int = Field(ge=0)
    since_version: int = Field(ge=1)
    example: str


class _File(_Strict):
    format: Literal["onex_analytics templates"]
    format_version: Literal[1]
    version: int = Field(ge=0)
    templates: list[_Template]
    patterns: list[tuple[str, list[str | None]]]  # a template's id, and the tokens; the first that fits counts


def write_templates(path: Path, version: int, table: pl.DataFrame, patterns: pl.DataFrame) -> None:
    shown = patterns.with_columns(pl.col("tokens").list.eval(pl.element().str.replace_all(MASK, ANY, literal=True)))
    file = _File.model_construct(
        format="onex_analytics templates", format_version=1, version=version,
        templates=[_Template.model_construct(**row) for row in table.to_dicts()], patterns=shown.rows(),
    )  # fmt: skip
    try:
        path.write_text(file.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        raise SourceError(str(path), f"cannot be written ({error.strerror})", "choose a folder that is there") from None


def read_templates(path: Path) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """The version, the table and the patterns."""
    mend = "name a file that `TemplateModel.save` wrote"
    try:
        file = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SourceError(str(path), f"cannot be read ({error.strerror})", mend) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise SourceError(str(path), f"is no file of templates: {where}: {first['msg']}", mend) from None
    table = pl.DataFrame([template.model_dump() for template in file.templates], schema=TEMPLATES)
    patterns = pl.DataFrame(file.patterns, schema=PATTERNS, orient="row")
    masked = pl.col("tokens").list.eval(pl.element().str.replace_all(ANY, MASK, literal=True))
    unknown = patterns.join(table, on="template_id", how="anti")
    if not unknown.is_empty():
        raise SourceError(str(path), f"has a pattern of a template that it lacks: {unknown[0, 'template_id']}", mend)
    return file.version, table, patterns.with_columns(masked)
