"""Groups and fingerprints: what is one, why, and that nothing is lost between them."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.error_patterns.failures import errors_of
from onex_analytics.error_patterns.fingerprints import FINGERPRINT, fingerprint
from onex_analytics.error_patterns.grouping_rules import GroupingRule, load_grouping_rules
from onex_analytics.error_patterns.groups import GROUPS, group_errors
from onex_analytics.error_patterns.templates import mine_templates
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from tests.laws import examples

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def stack(*calls: tuple[str, str], raised: str = "ValueError: x", line: int = 1) -> str:
    frames = "".join(f'  File "{file}", line {line + place}, in {name}\n' for place, (file, name) in enumerate(calls))
    return f"Traceback (most recent call last):\n{frames}{raised}"


OWN, OTHER, FOREIGN = (
    ("/app/src/a/b.py", "go"),
    ("/app/src/a/c.py", "run"),
    ("/usr/lib/python3.11/json/decoder.py", "f"),
)


def one(**columns: object) -> dict[str, object]:
    rows = pl.DataFrame({"error_message": [None], **{name: [value] for name, value in columns.items()}})
    return fingerprint(rows, templates=mine_templates(pl.Series(["lost 3 rows"]))).collect().to_dicts()[0]


def test_the_first_that_a_row_has_is_its_basis():
    everything = {"error_code": "SC001", "stack_trace": stack(OWN), "error_type": "E", "error_message": "lost 4 rows"}
    for left_out, basis, text in (
        (None, "code", "SC001"), ("error_code", "stack", "ValueError\na.b go"),
        ("stack_trace", "type+template", "E: lost <*> rows"), ("error_type", "template", "lost <*> rows"),
        ("error_message", "none", ""),
    ):  # fmt: skip
        if left_out:
            everything[left_out] = None
        found = one(**{name: value for name, value in everything.items() if value is not None})
        assert (found["fingerprint_basis"], found["fingerprint_text"]) == (basis, text)


def test_a_stack_is_known_by_its_own_calls_whatever_line_and_machine_they_are_on():
    texts = {
        stack(OWN, OTHER): "ValueError\na.b go\na.c run",
        stack(OWN, OTHER, line=77, raised="ValueError: other words"): "ValueError\na.b go\na.c run",
        stack(("/srv/x/src/a/b.py", "go"), FOREIGN, OTHER, FOREIGN): "ValueError\na.b go\na.c run",
        stack(*[OWN] * 9, OTHER): "ValueError\na.b go\na.c run",
        stack(FOREIGN, ("/usr/lib/python3.11/x.py", "g")): "ValueError\njson.decoder f\nx g",
        stack(*[(f"/src/m{place}.py", "f") for place in range(9)]): "ValueError\n"
        + "\n".join(f"m{p} f" for p in range(4, 9)),
    }
    for text, wanted in texts.items():
        assert one(stack_trace=text)["fingerprint_text"] == wanted


def test_one_foreign_frame_alone_is_no_group():
    assert one(stack_trace=stack(FOREIGN), error_message="lost 4 rows")["fingerprint_basis"] == "template"


def test_causes_part_groups():
    def text_of(cause: Exception) -> str:
        try:
            try:
                raise cause
            except Exception as caught:
                raise RuntimeError("r") from caught
        except RuntimeError:
            return traceback.format_exc()

    one_cause, other = (one(stack_trace=text_of(cause)) for cause in (KeyError("k"), OSError("o")))
    assert one_cause["fingerprint_text"].splitlines()[::2] == ["RuntimeError", "cause KeyError"]
    assert one_cause["fingerprint"] != other["fingerprint"]


def test_counts_add_up_and_groups_of_the_fleet_are_its_codes(fleet):
    events, _ = fleet
    errors = errors_of(events).collect()
    groups = group_errors(errors)
    assert groups.schema == GROUPS
    assert groups["errors"].sum() == errors.height
    assert groups["share"].sum() == pytest.approx(1)
    assert (
        groups.select(pl.sum("failures", "soft_failures", "log_entries").sum()).sum_horizontal().item() == errors.height
    )
    assert groups["sparkline"].list.sum().to_list() == groups["errors"].to_list()
    assert set(groups["example"].drop_nulls()) <= set(errors["error_message"].drop_nulls())
    coded = groups.filter(fingerprint_basis="code")
    assert coded.height > 5
    assert coded["title"].is_unique().all()


MESSAGES = st.sampled_from(
    ["lost 3 rows", "lost 12 rows", "no way", "", None, "[ONEX_SYS_901] 1", "ONEX_SYS_901 2", "\0\x1b", "🙂 7"]
)


@settings(max_examples=examples(15))
@given(st.lists(MESSAGES, max_size=12), st.randoms())
def test_order_does_not_matter_and_no_row_is_lost(messages, chance):
    rows = pl.DataFrame({"error_message": messages}, {"error_message": pl.String})
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=chance.randrange(1000))
    whole = group_errors(rows)
    assert whole["errors"].sum() == len(messages)
    columns = ("fingerprint", "errors", "fingerprint_text", "title")
    assert whole.select(columns).equals(group_errors(shuffled).select(columns))
    assert fingerprint(rows).collect().columns == ["error_message", *FINGERPRINT]


def test_a_group_tells_when_whom_and_how_often():
    rows = pl.DataFrame({
        "error_message": ["lost 1 rows", "lost 22 rows", "lost 3 rows"],
        "node": ["b", "a", None], "trace_id": ["t", "t", None],
        "node_version": ["1.0.0", "1.1.0", "1.1.0"], "adjusted_count": [1.0, 10.0, 1.0], "error_id": ["x", "y", "z"],
        "timestamp": [BEGIN, BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=4)],
    })  # fmt: skip
    found = group_errors(rows, parts=4).row(0, named=True)
    assert (found["errors"], found["weight"], found["traces"], found["nodes"]) == (3, 12.0, 1, ["a", "b"])
    assert (found["first_seen"], found["last_seen"]) == (BEGIN, BEGIN + timedelta(hours=4))
    assert (found["sparkline"], found["example"], found["example_id"]) == ([1, 1, 0, 1], "lost 3 rows", "z")
    assert (found["node_versions"], found["failures"]) == (["1.0.0", "1.1.0"], None)


def test_rules_join_and_part_groups():
    rows = pl.DataFrame(
        {"error_message": ["no space", "disk full", "lost 3 rows", "lost 4 rows"], "node": ["a", "a", "a", "b"]}
    )
    joined = GroupingRule(name="disk", match={"error_message": "space|disk"}, group="disk")
    parted = GroupingRule(name="by node", match={"error_message": "lost"}, group="{default} on {node}")
    found = group_errors(rows, rules=[joined, parted])
    assert dict(found.select("title", "errors").rows()) == {"disk": 2, "lost <*> rows on a": 1, "lost <*> rows on b": 1}
    first = GroupingRule(name="all", match={"error_message": "."}, group="all")
    assert group_errors(rows, rules=[first, joined, parted])["errors"].to_list() == [4]


def test_impossible_rules_are_refused_with_their_place(tmp_path):
    file = tmp_path / "rules.yaml"
    for text, said in (
        ("- {name: a, match: {error_message: '(('}, group: x}", "no regular expression"),
        ("- {name: a, match: {error_message: x}, group: x, extra: 1}", "rule 1 of .*extra"),
        ("- {name: a, match: {}, group: x}", "rule 1"),
        ("name: a", "dict"),
        ("- [", "rules.yaml"),
    ):
        file.write_text(text)
        with pytest.raises(InvalidOption, match=said):
            load_grouping_rules(file)
    with pytest.raises(MissingColumns, match="tenant"):
        group_errors(
            pl.DataFrame({"error_message": ["x"]}), rules=[GroupingRule(name="a", match={"tenant": "x"}, group="a")]
        )
    with pytest.raises(InvalidOption, match="1 or more"):
        group_errors(pl.DataFrame({"error_message": ["x"]}), parts=0)


def test_rows_that_are_named_keep_their_names_until_they_are_to_be_named_otherwise():
    rows = pl.DataFrame({"error_message": ["lost 3 rows", "lost 4 rows", "no way"]})
    named = fingerprint(rows).collect()
    assert group_errors(named).equals(group_errors(rows))
    one = named.with_columns(fingerprint=pl.lit("mine"), fingerprint_text=pl.lit("mine"))
    assert group_errors(one).select("fingerprint", "errors").rows() == [("mine", 3)]
    rule = GroupingRule(name="all", match={"error_message": "."}, group="all")
    for again in (
        group_errors(one, templates=mine_templates(rows)), group_errors(one, own="omnibase"),
        group_errors(one, taxonomy=ErrorCodeTaxonomy.default()), group_errors(one.drop("template")),
    ):  # fmt: skip
        assert again.equals(group_errors(rows))
    assert group_errors(one, rules=[rule])["title"].to_list() == ["all"]
    with pytest.raises(MissingColumns, match="error_message"):
        group_errors(named.drop("error_message"))
