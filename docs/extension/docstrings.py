"""Docstrings as the house writes them, for Sphinx: fields of pydantic models, and no words of pydantic's own."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx

_WORDS = re.compile(r"(?<![`:\w])`([^`\n]+)`(?!`)")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is None:
        value = field.default
    elif field.default_factory_takes_validated_data:
        return "by the other fields"
    else:
        value = field.get_default(call_default_factory=True)
    if isinstance(value, timedelta):
        return f"default {value.total_seconds():g} s"
    if isinstance(value, str | bytes | bool | int | float | type(None)) or not value:
        return f"default {value!r}"
    return f"default {value!r}" if isinstance(value, tuple | list | dict) else "made anew"


def _fields(model: type[BaseModel]) -> list[str]:
    lines = []
    for name, field in model.model_fields.items():
        if name in BaseModel.model_fields:
            continue
        said = field.description or ""
        told = _default(field).replace("`", "'")
        shown = field.alias or name
        lines += [f"* ``{shown}`` (``{told}``){': ' + escaped(said) if said else ''}"]
    return lines


def escaped(said: str) -> str:
    """Prose as it may stand alone: outside of backticks a star, a bar or an underscore is no markup."""
    parts = re.split(r"(`+[^`]*`+)", said)
    return "".join(re.sub(r"([*|_])", r"\\\1", part) if at % 2 == 0 else part for at, part in enumerate(parts))


_AS_WRITTEN: dict[str, list[str]] = {}


def _made_plain(app: Sphinx, what: str, name: str, held: Any, options: Any, lines: list[str]) -> None:
    """What napoleon would misread: words in backticks are code; `Returns:` is prose, no type before a colon."""
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else _WORDS.sub(r"``\1``", line) for line in lines]
    at = next((i for i, line in enumerate(lines) if re.fullmatch(r"(Returns|Yields):", line)), None)
    if at is not None:
        end = next((i for i in range(at + 1, len(lines)) if lines[i] and not lines[i].startswith(" ")), len(lines))
        lines[at] = ":returns:"
        lines.insert(end, "")
    if what in ("property", "attribute"):
        _AS_WRITTEN[name] = list(lines)


def _completed(app: Sphinx, what: str, name: str, held: Any, options: Any, lines: list[str]) -> None:
    if name in _AS_WRITTEN:  # napoleon takes what stands before a colon for the type
        lines[:] = _AS_WRITTEN.pop(name)
    if what == "class" and inspect.isclass(held) and issubclass(held, BaseModel) and (fields := _fields(held)):
        at = next((i for i, line in enumerate(lines) if line.startswith((">>>", ":raises", ".. rubric"))), len(lines))
        lines[at:at] = ["", "Fields:", "", *fields, ""]


def _signature(app: Sphinx, what: str, name: str, held: Any, *rest: Any) -> tuple[str, None] | None:
    if what == "class" and inspect.isclass(held) and issubclass(held, BaseModel):
        return "", None
    return None


def _skipped(app: Sphinx, what: str, name: str, held: Any, skip: bool, options: Any) -> bool | None:
    if name.startswith("model_") or name == "settings_customise_sources":
        return True
    if (inspect.getdoc(held) or "").startswith("Alias for field number"):
        return True
    inner = getattr(held, "fget", None) or getattr(held, "__func__", held)
    if (inspect.isroutine(inner) or isinstance(held, property)) and what == "class":
        module = getattr(inner, "__module__", None) or ""
        return None if module.startswith("onex_analytics") else True  # what comes from others is told by them
    return None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _made_plain, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", _completed, priority=900)  # and behind it
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skipped)
