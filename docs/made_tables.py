"""The parts of the pages that are made from the code: `python docs/made_tables.py` writes them anew.

A part stands between `<!-- made: NAME -->` and `<!-- made so far -->`. tests/docs/test_made_tables.py compares pages
with what is made here, so that no table drifts from the models.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onex_analytics import model
from onex_analytics.model import rules

HERE = Path(__file__).parent
PART = re.compile(r"(<!-- made: ([\w. ]+) -->\n).*?(\n<!-- made so far -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return ("" if value is None else str(value)).replace("|", "\\|").replace("\n", " ") or " "


def code(text: object) -> str:
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)


# ------------------------------------------------------------------ events


_WORDS = {
    "string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "object": "object",
    "array": "list", "null": "null",
}  # fmt: skip


def _kind(schema: dict[str, Any], known: dict[str, Any]) -> str:
    """What JSON Schema says of a field, in words."""
    if "$ref" in schema:
        return _kind(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one, known) for one in schema["anyOf"]))
    word = "time (RFC 3339)" if schema.get("format") == "date-time" else _WORDS[schema["type"]]
    if word == "list" and "items" in schema:
        word += " of " + _kind(schema["items"], known)
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in (("exclusiveMinimum", ">"), ("minimum", "≥"), ("maximum", "≤"))
        if key in schema
    ]
    return word + (f" ({', '.join(bounds)})" if bounds else "")


def _schema(version: str) -> dict[str, Any]:
    return model.EVENT_MODELS[version].model_json_schema(mode="serialization")


def versions() -> str:
    return table(
        ("version", "adds", "model"),
        (
            (version, codes(added), f"`model.{model.EVENT_MODELS[version].__name__}`")
            for version, added in model.FIELDS_ADDED.items()
        ),
    )


def fields(version: str) -> str:
    """The fields that a version brought, or whose kind or meaning it changed."""
    schema, at = _schema(version), model.VERSIONS.index(version)
    before = _schema(model.VERSIONS[at - 1])["properties"] if at else {}
    rows = []
    for name, held in schema["properties"].items():
        was = before.get(name)
        if name == "schema_version" and version != "1.1.0":
            continue
        new = was is None or name == "schema_version"
        if new or was.get("description") != held.get("description"):
            kind = _kind(held, schema.get("$defs", {}))
            required = "required" if version == "1.0.0" and name in NEEDED else ""
            rows.append((code(name), kind, required or ("" if new else "narrower"), held.get("description")))
    return table(("field", "kind", "", "what it says"), rows)


NEEDED = ("event_id", "timestamp", "node_id", "event_type")


def event_types() -> str:
    return table(
        ("type", "family: outcome", "metadata must hold", "should hold"),
        (
            (
                code(name), f"{family}: {outcome}", codes(model.REQUIRED_METADATA[name]),
                codes(model.RECOMMENDED_METADATA[name]),
            )
            for name, (family, outcome) in model.FAMILY_AND_OUTCOME.items()
        ),
    )  # fmt: skip


def metadata_keys() -> str:
    held: dict[type[BaseModel], list[str]] = {}
    for event_type, found in model.METADATA_MODELS.items():
        held.setdefault(found, []).append(event_type)
    common = model.Metadata.model_fields
    rows: list[tuple[str, str]] = [("every type", codes(common))]
    for found, types in held.items():
        own = [name for name in found.model_fields if name not in common]
        if own:
            rows.append((", ".join(code(t) for t in types), codes(own)))
    return table(("of", "keys that have a type of their own"), rows)


def readers(strict: bool) -> str:
    """Who reads whom: a row a consumer."""
    rows = [
        (f"**{consumer}**", *("yes" if model.can_read(consumer, p, strict=strict) else "–" for p in model.VERSIONS))
        for consumer in model.VERSIONS
    ]
    return table(("reader ↓, event →", *model.VERSIONS), rows)


def violations() -> str:
    """The texts that `violations` may hold, as `model.rules` lists them."""
    listed = re.search(r"their order:\n\n(.*?)\n\n", rules.__doc__ or "", re.DOTALL)
    assert listed is not None
    texts = [" ".join(text.split()) for text in listed[1].split("·")]
    return "\n".join(f"- `{text}`" for text in texts)


def reject_reasons() -> str:
    return table(("reason", "what it means"), ((code(name), said) for name, said in model.REJECT_REASONS.items()))


def dropped() -> str:
    """What a step down has no place for."""
    steps = reversed(list(zip(model.VERSIONS, model.VERSIONS[1:], strict=False)))
    return table(
        ("from", "to", "drops, where they say something"),
        (
            (newer, older, codes(name for name in model.FIELDS_ADDED[newer] if name != "schema_version"))
            for older, newer in steps
        ),
    )


# ------------------------------------------------------------------ error codes


def code_summary() -> str:
    frame = model.ErrorCodeTaxonomy.default().frame()
    rows = [
        (component, len(part), min(part["number"]), max(part["number"]),
         ", ".join(dict.fromkeys(part["category"])), int(part["ambiguous"].sum()) or "")
        for (component,), part in frame.partition_by("component", as_dict=True, maintain_order=True).items()
    ]  # fmt: skip
    total = ("**all**", f"**{len(frame)}**", "", "", "", f"**{frame['ambiguous'].sum()}**")
    return table(("component", "codes", "first", "last", "categories", "ambiguous"), [*rows, total])


def code_tables() -> str:
    parts = []
    frame = model.ErrorCodeTaxonomy.default().frame()
    for (component,), part in frame.partition_by("component", as_dict=True, maintain_order=True).items():
        rows = (
            (code(one["code"]) + "<br>" + one["description"] + (" (**ambiguous**)" if one["ambiguous"] else ""),
             one["category"], f"{one['severity']}, {one['recoverable']}", ", ".join(one["origin"]))
            for one in part.iter_rows(named=True)
        )  # fmt: skip
        head = ("code and meaning", "category", "severity, recoverable", "origin")
        parts.append(f"### {component}\n\n" + table(head, rows))
    return "\n\n".join(parts)


def code_not_plain() -> str:
    """The codes whose severity or recoverable is not that of most."""
    frame = model.ErrorCodeTaxonomy.default().frame()
    rows = (
        (code(one["code"]), one["severity"], one["recoverable"])
        for one in frame.iter_rows(named=True)
        if (one["severity"], one["recoverable"]) != ("ERROR", "no")
    )
    return table(("code", "severity", "recoverable"), rows)


# ------------------------------------------------------------------ settings


def settings(part: str) -> str:
    """The fields of a part of the settings, each with its variable."""
    from onex_analytics.settings import PREFIX, Settings

    held = Settings.model_fields[part].annotation
    assert isinstance(held, type) and issubclass(held, BaseModel)
    return table(
        ("field", "variable", "default", "what it says"),
        (
            (code(name), code(f"{PREFIX}{part}_{name}".upper()), _default(field), field.description)
            for name, field in held.model_fields.items() if name not in ("name", "kind")
        ),
    )  # fmt: skip


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=not field.default_factory_takes_validated_data)
    if value is None or value == {}:
        return "–"
    return code(str(value).lower() if isinstance(value, bool) else value)


def flags() -> str:
    from onex_analytics.settings import PREFIX, Settings

    rows = (
        (code(f"{part}.enabled"), code(f"{PREFIX}{part}_enabled=true".upper().replace("TRUE", "true")))
        for part in Settings.model_fields
    )
    return table(("flag", "variable"), rows)


def lost_reasons() -> str:
    from onex_analytics.pipeline import REASONS

    return table(("reason", "why an event was not exported"), ((code(k), said) for k, said in REASONS.items()))


def benchmarks() -> str:
    """What each benchmark measures, as the first line of its file says."""
    folder = HERE.parent / "benchmarks"
    said = {
        file.stem.removeprefix("bench_"): ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        for file in sorted(folder.glob("bench_*.py"))
    }
    return table(("benchmark", "measures"), ((code(name), text.split("\n\n")[0]) for name, text in said.items()))


# ------------------------------------------------------------------ pages


def _parts() -> Iterator[tuple[str, Callable[[], str]]]:
    for made in (
        versions, event_types, metadata_keys, violations, reject_reasons, dropped, code_summary, code_tables,
        code_not_plain, flags, lost_reasons, benchmarks,
    ):  # fmt: skip
        yield made.__name__, made
    for version in model.VERSIONS:
        yield f"fields {version}", lambda version=version: fields(version)  # type: ignore[misc]
    yield "readers strict", lambda: readers(True)
    yield "readers lenient", lambda: readers(False)
    for part in ("sampling", "batching", "sizing"):
        yield f"settings {part}", lambda part=part: settings(part)  # type: ignore[misc]


PARTS = dict(_parts())


def made_anew(text: str) -> str:
    """A page with its made parts as the code has them now."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


def pages() -> list[Path]:
    return [page for page in sorted(HERE.rglob("*.md")) if "<!-- made: " in page.read_text(encoding="utf-8")]


if __name__ == "__main__":
    for page in pages():
        page.write_text(made_anew(page.read_text(encoding="utf-8")), encoding="utf-8")
