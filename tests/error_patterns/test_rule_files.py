"""Files of rules: read in order, and whatever is wrong with one is said with its place."""

from __future__ import annotations

import pytest

from onex_analytics.error_patterns.classes import CodeRule, load_code_rules
from onex_analytics.error_patterns.grouping_rules import load_grouping_rules
from onex_analytics.exceptions import InvalidOption, SourceError


def test_rules_come_in_the_order_of_the_file(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("- {match: b, code: B}\n- {match: a, code: A}\n- {match: 🙂, code: A}\n", encoding="utf-8")
    assert load_code_rules(file) == [CodeRule(match=m, code=c) for m, c in (("b", "B"), ("a", "A"), ("🙂", "A"))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {match: a, code: A}\n- {match: '((', code: B}", "code rules is .rule 2 of .*match.*no regular expression"),
        ("- {match: '', code: A}", "rule 1 of .*match"),
        ("- {match: 3, code: A}", "rule 1 of .*match"),
        ("- {match: a}", "rule 1 of .*code"),
        ("- a", "rule 1 of .*rule"),
        ("match: a", "dict"),
        ("", "NoneType"),
        ("- [", "rules.yaml"),
        ("- !!python/object/apply:os.getcwd []", "rules.yaml"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(text, said, tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(InvalidOption, match=said):
        load_code_rules(file)


@pytest.mark.parametrize("load", [load_code_rules, load_grouping_rules])
def test_a_file_that_cannot_be_read_says_why(load, tmp_path):
    file = tmp_path / "rules.yaml"
    with pytest.raises(SourceError, match="No such file"):
        load(file)
    file.write_bytes(b"- \xff")
    with pytest.raises(SourceError, match=r"no text in UTF-8 .byte 2"):
        load(file)
