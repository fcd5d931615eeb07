"""Error codes in fields and in texts: all four shapes, each held to the taxonomy's own reading."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.error_patterns.codes import CODED, extract_error_codes
from onex_analytics.exceptions import MissingColumns
from onex_analytics.model.error_codes import ErrorCodeTaxonomy

TAXONOMY = ErrorCodeTaxonomy.default()
SPELLINGS = sorted({text for code in TAXONOMY.codes for text in (code.code, code.short, code.name)} - {""})
WORDS = st.sampled_from(["disk", "lost", "of", "ünïcode", "🙂", "MY_ENV_VAR", "3", "[", "]", "ONEX_", "SC1", ""])


def one(code: str | None, message: str | None, taxonomy: ErrorCodeTaxonomy | None = None) -> dict[str, object]:
    rows = pl.DataFrame({"error_code": [code], "error_message": [message]}, schema_overrides={"error_code": pl.String})
    return extract_error_codes(rows, taxonomy).collect().to_dicts()[0]


@pytest.mark.parametrize("place", ["error_code", "prefix", "text"])
def test_every_spelling_means_what_the_taxonomy_says_wherever_it_stands(place):
    template = {"error_code": None, "prefix": "[{}] it broke", "text": "it broke: {}, again"}[place]
    rows = pl.DataFrame({
        "written": SPELLINGS,
        "error_code": SPELLINGS if template is None else [None] * len(SPELLINGS),
        "error_message": [template and template.format(text) for text in SPELLINGS],
    })  # fmt: skip
    for found in extract_error_codes(rows).collect().to_dicts():
        meant = TAXONOMY.resolve(found["written"])
        if place == "text" and meant.shape == "name" and "_" not in meant.text:
            assert found["code"] is None  # TIMEOUT may be any word
            continue
        assert found["code"] == (meant.code.code if meant.code else None)
        assert found["code_candidates"] == ([str(each) for each in meant.candidates] if meant.ambiguous else [])
        assert (found["code_shape"], found["code_is_known"]) == (meant.shape, True)
        assert (found["code_severity"], found["code_recoverable"]) == (meant.severity, meant.recoverable)
        assert found["code_found_in"] == place


def test_the_field_is_believed_before_the_text_unless_it_is_no_code():
    assert one("TOOL_NOT_FOUND", "[ONEX_SYS_901] full")["code"] == "ONEX_REGISTRY_001_TOOL_NOT_FOUND"
    assert one("E7", "[ONEX_SYS_901] full")["code"] == "ONEX_SYS_901_DISK_FULL"
    assert one("E7", "full")["code"] == "E7"


def test_all_codes_of_a_text_are_told():
    found = one(None, "ONEX_SYS_901 after TOOL_NOT_FOUND, then ONEX_SYS_901 and NO_SUCH_NAME")
    assert found["code"] == "ONEX_SYS_901_DISK_FULL"
    assert found["code_others"] == ["TOOL_NOT_FOUND"]


def test_an_unknown_code_is_itself_with_the_category_of_its_range():
    found = one(None, "[ONEX_SYS_950_ODD] x")
    assert (found["code"], found["code_is_known"], found["code_shape"]) == ("ONEX_SYS_950_ODD", False, "long")
    assert (found["component"], found["category"], found["code_severity"]) == ("SYS", "system", None)


def test_a_users_codes_are_known_once_they_are_told():
    ours = TAXONOMY.extended({"ONEX_BILLING_001_CARD_DECLINED": {"recoverable": "retry", "category": "payment"}})
    found = one(None, "CARD_DECLINED by the bank", ours)
    assert (found["code"], found["code_recoverable"]) == ("ONEX_BILLING_001_CARD_DECLINED", "retry")
    assert found["category"] == "payment"


def test_nothing_is_found_in_nothing():
    for code, message in ((None, None), ("", ""), ("  ", "[] "), (None, "\0\x1b[31m"), (None, "x" * 100_000)):
        found = one(code, message)
        assert (found["code"], found["code_found_in"], found["code_is_known"]) == (None, None, False)


def test_frames_without_a_message_are_refused_and_without_the_field_are_read():
    with pytest.raises(MissingColumns, match="error_message"):
        extract_error_codes(pl.DataFrame({"error_code": ["E7"]}))
    found = extract_error_codes(pl.LazyFrame({"error_message": ["[ONEX_SYS_901] x"], "severity": ["mine"]})).collect()
    assert found.columns == ["error_message", "severity", *CODED]
    assert found["severity"].to_list() == ["mine"]
    assert extract_error_codes(pl.DataFrame(schema={"error_message": pl.String})).collect().schema == {
        "error_message": pl.String, **CODED,
    }  # fmt: skip


TEXTS = st.sampled_from(SPELLINGS) | WORDS


@given(st.lists(st.tuples(st.none() | TEXTS, st.lists(TEXTS))))
def test_every_row_is_kept_in_its_order_and_a_code_is_never_told_twice(drawn):
    rows = pl.DataFrame(
        {"place": range(len(drawn)), "error_code": [code for code, _ in drawn],
         "error_message": [" ".join(words) for _, words in drawn]},
        schema={"place": pl.Int64, "error_code": pl.String, "error_message": pl.String},
    )  # fmt: skip
    found = extract_error_codes(rows).collect()
    assert found["place"].to_list() == rows["place"].to_list()
    for row in found.to_dicts():
        assert (row["code_text"] is None) == (row["code_found_in"] is None) == (row["code_shape"] is None)
        assert len(set(row["code_others"])) == len(row["code_others"])
        assert row["code_text"] not in row["code_others"]
        assert row["code_candidates"] == [] or row["code"] is None
