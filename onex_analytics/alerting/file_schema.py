"""The JSON Schema of rule files, for editors: it completes keys and marks what is none. `load_rules` checks more."""

from __future__ import annotations

from typing import Any

from onex_analytics.alerting.checking import keys_of
from onex_analytics.alerting.conditions import KINDS, USUAL_JUDGEMENT, When
from onex_analytics.alerting.rules import RuleSet

_TEXTS = {
    "Matcher": 'a matcher, such as severity = "critical" or node =~ "stamper_.*"',
    "NumberRange": "one, or first:last, such as monday:friday or 1:7",
}


def rule_file_schema() -> dict[str, Any]:
    """The schema, draft 2020-12. It describes the file; the models hold the same a little differently.

    >>> sorted(rule_file_schema()["properties"])
    ['dimensions', 'groups', 'notification', 'silences']
    """
    schema: dict[str, Any] = RuleSet.model_json_schema(by_alias=True)
    parts: dict[str, Any] = schema["$defs"]
    for cell in KINDS.values():
        parts[cell.__name__]["properties"].pop("kind")
    by_kind = {kind: {"$ref": f"#/$defs/{cell.__name__}"} for kind, cell in KINDS.items()}
    rule, when = parts["Rule"]["properties"], parts["When"]["properties"]
    when.pop("cell")
    either = {key: when[key] for key in ("min_count", "no_data")} | {key: rule[key] for key in ("unit", "mode")}
    parts["When"] |= {
        "properties": {key: {**by_kind, **when, **either}[key] for key in keys_of(When)},
        "oneOf": [{"required": [kind]} for kind in KINDS],
        "anyOf": [{"required": [key]} for key in ("threshold", *USUAL_JUDGEMENT)],
        "required": [],
    }
    rule |= {key: when[key] for key in ("min_count", "no_data")}
    parts["Expr"]["properties"]["cells"]["additionalProperties"] = {
        "type": "object", "properties": by_kind, "additionalProperties": False, "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip
    for name, words in _TEXTS.items():
        parts[name] = {"type": ["string", "integer"], "description": words}
    parts["TimeRange"]["properties"] = {
        end: {"type": "string", "pattern": "^([01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9]|24:00)$"}
        for end in ("start_time", "end_time")
    }
    pair = {"type": "array", "minItems": 3, "maxItems": 3, "examples": [["1h", "5m", 14.4]]}
    parts["BurnWindow"] = {"anyOf": [pair, parts["BurnWindow"]]}
    for part in (schema, *parts.values()):
        if "description" in part:  # that of a class, whose example is for Python
            part["description"] = part["description"].split("\n\n>>>")[0]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", **schema,
        "title": "Alert rules of onex_analytics",
    }  # fmt: skip
