"""YAML as a tree: plain values, each with its line, and mistakes with theirs."""

from __future__ import annotations

import pytest

from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import line_at, node_at, place_name, read_yaml

TEXT = """\
# a file
groups:
- name: nodes
  share: 0.5
  on: yes
- name: 'quoted'
  many: [1, two, null, true]
"""


def test_plain_words_are_read_as_yaml_1_2_reads_them():
    assert read_yaml(TEXT, "a.yaml").data() == {
        "groups": [{"name": "nodes", "share": 0.5, "on": "yes"}, {"name": "quoted", "many": [1, "two", None, True]}]
    }
    assert read_yaml("", "a.yaml").data() is None


def test_each_value_knows_its_line_and_each_place_its_name():
    tree = read_yaml(TEXT, "a.yaml")
    assert line_at(tree, ("groups", 0, "share")) == 4
    assert line_at(tree, ("groups", 1, "many", 2)) == 7
    assert line_at(tree, ("groups", 1, "lacks")) == 6
    assert node_at(tree, ("groups", 1, "name")).held == "quoted"
    assert node_at(tree, ("groups", "name")) is None
    assert place_name(("groups", 1, "many", 2)) == "many[2]"


@pytest.mark.parametrize(("text", "line", "told"), [
    ("a: 1\na: 2", 2, "stands twice, first in line 1"), ("a: !x 1", 1, "a tag"),
    ("a: 1\n---\nb: 2", 2, "a second document"),
    ("a: *x", 1, "names no value"), ("a:\n\tb: 1", 2, "a tab"), ("1: a", 1, "a key is 1"), ("a: [1", 1, "no YAML"),
    ("[" * 50, 1, "nested more than"), ("a: \x00", 1, "a control character"), ("<<: {a: 1}", 1, "a merge key"),
])  # fmt: skip
def test_what_is_not_read_is_told_with_its_line_and_the_mend(text, line, told):
    with pytest.raises(RuleError, match=f"{told}.*Mend: ") as raised:
        read_yaml(text, "a.yaml")
    assert raised.value.line == line
    assert str(raised.value).startswith(f"a.yaml:{line}: ")
