"""The pages on alerting say what the models say, and their rule files are ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from onex_analytics.alerting import Filter, load_rules
from onex_analytics.alerting.conditions import KINDS, Op, When
from onex_analytics.alerting.durations import _UNITS_MS, duration_text
from onex_analytics.alerting.filters import parsing
from onex_analytics.alerting.routing import Receiver, Route
from onex_analytics.alerting.rule_tests import run_rule_tests
from onex_analytics.alerting.rules import Group, Rule, RuleSet

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in ("reference/rule_language.md", "alerting.md"))
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
DESCRIBED = [RuleSet, Group, Rule, When, Route, Receiver, *KINDS.values()]


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.get_default(call_default_factory=True, validated_data={}):
        case timedelta() as length:
            return f"`{duration_text(length)}`"
        case bool() as said:
            return f"`{str(said).lower()}`"
        case None | BaseModel() | () | {}:
            return "–"
        case tuple() as names:
            return f"`[{', '.join(map(str, names))}]`"
        case float() as number:
            return f"`{number:g}`"
        case other:
            return f"`{other}`"


def table(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name not in ("kind", "cell"):
            yield f"| `{field.alias or name}` | {default(field)} | {field.description} |"


@pytest.mark.parametrize("model", DESCRIBED, ids=lambda model: model.__name__)
def test_every_field_stands_on_the_page_with_its_default(model: type[BaseModel]) -> None:
    assert "| key | default | what it says |\n|---|---|---|\n" + "\n".join(table(model)) + "\n" in PAGE


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:40])
def test_every_example_is_a_rule_file(block: str) -> None:
    if block.startswith("when:"):
        block = f"groups:\n- name: a\n  rules:\n  - alert: b\n    by: [node]\n    {block}"
    if block.startswith("rule_files:"):
        assert run_rule_tests(block).failures == []
        return
    load_rules(block)


def test_every_kind_has_its_example() -> None:
    shown = {re.match(r"when: \{(\w+):", block)[1] for block in BLOCKS if block.startswith("when:")}  # type: ignore[index]
    assert shown == set(KINDS)


def test_the_grammar_is_that_of_the_parser_and_its_examples_are_filters() -> None:
    texts = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    grammar = re.search(r"    condition   =.*?\n\n", parsing.__doc__ or "", re.DOTALL)
    assert grammar is not None
    assert re.sub(r"^    ", "", grammar[0], flags=re.MULTILINE).strip() == texts[1].strip()
    for line in texts[0].splitlines():
        Filter(line)


def test_the_words_at_a_glance_are_all_there_are() -> None:
    rows = dict(re.findall(r"^\| (kinds of conditions|comparisons of a condition|functions of `aggregate`|units of "
                           r"durations) \| (.*) \|$", PAGE, re.MULTILINE))  # fmt: skip
    words = {name: re.findall(r"`([^`]+)`", said) for name, said in rows.items()}
    assert set(words["kinds of conditions"]) == set(KINDS)
    assert words["comparisons of a condition"] == list(get_args(Op))
    assert words["functions of `aggregate`"] == list(get_args(KINDS["aggregate"].model_fields["function"].annotation))
    assert words["units of durations"] == list(_UNITS_MS)
