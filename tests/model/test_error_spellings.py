from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.model.error_spellings import PREFIX_PATTERN, category_of, code_in_text, spelling


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ONEX_CORE_021_FILE_NOT_FOUND", ("long", "CORE", 21, "FILE_NOT_FOUND")),
        ("ONEX_NODE_REGISTRY_024_JINJA2_TIMEOUT", ("long", "NODE_REGISTRY", 24, "JINJA2_TIMEOUT")),
        ("ONEX_STAMP_001", ("short", "STAMP", 1, "")),
        ("SC001", ("family", "SC", 1, "")),
        ("FS017", ("family", "FS", 17, "")),
    ],
)  # fmt: skip
def test_a_code_is_taken_apart(text, parts):
    assert spelling(text) == parts


@pytest.mark.parametrize(
    "text", ["", "TOOL_NOT_FOUND", "ONEX_CORE_21", "onex_core_021", "ONEX_CORE_021_", "XY001", "ONEX__001"]
)
def test_what_is_no_code_has_no_parts(text):
    assert spelling(text) is None


@pytest.mark.parametrize(
    ("component", "number", "category"),
    [
        ("STAMP", 1, "stamping"), ("STAMP", 99, "stamping"), ("STAMP", 100, "other"), ("VALID", 100, "validation"),
        ("REG", 299, "registry"), ("CLI", 300, "command line"), ("CLI", 1, "command"), ("RT", 400, "runtime"),
        ("TELEM", 500, "telemetry"), ("EVENT", 600, "event bus"), ("SCHEMA", 700, "schema"), ("FIX", 800, "fixture"),
        ("SYS", 999, "system"), ("CORE", 1, "validation"), ("CORE", 20, "validation"), ("CORE", 21, "file"),
        ("CORE", 41, "configuration"), ("CORE", 61, "registry"), ("CORE", 81, "runtime"), ("CORE", 101, "test"),
        ("CORE", 121, "import and dependency"), ("CORE", 160, "abstract"), ("CORE", 161, "other"), ("CORE", 0, "other"),
    ],
)  # fmt: skip
def test_a_category_is_the_range_of_the_number(component, number, category):
    assert category_of(component, number) == category


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("[ONEX_CORE_021_FILE_NOT_FOUND] no such file", "ONEX_CORE_021_FILE_NOT_FOUND"),
        ("  [ONEX_STAMP_001] x", "ONEX_STAMP_001"),
        ("[SC001]", "SC001"),
        ("[Errno 13] Permission denied", None),
        ("[REDACTED] [ONEX_STAMP_001]", None),
        ("see [ONEX_STAMP_001]", None),
        ("", None),
    ],
)
def test_only_a_bracketed_prefix_is_a_code_and_polars_reads_it_alike(message, code):
    assert code_in_text(message) == code
    assert pl.Series([message]).str.extract(PREFIX_PATTERN, 1).to_list() == [code]
