"""What cannot be used is refused with the mend; what is odd is counted."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from onex_analytics import error_patterns
from onex_analytics.exceptions import InvalidOption

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def raised_from_another() -> str:
    try:
        try:
            raise KeyError("k")
        except KeyError as cause:
            raise RuntimeError("r") from cause
    except RuntimeError:
        return traceback.format_exc()


WHOLE = raised_from_another()
ODD = [
    None, "", " ", "\x00\x01\x1b[31m\x07", "x" * 1_000_000, "ab " * 350_000, "[ONEX_SYS_904] " + "é" * 500_000,
    "Ошибка 42: диск полон 💥", "ファイル 17 が見つかりません", "خطأ 5", "👨‍👩‍👧‍👦 7", "\u202e\ufeff",
    "[" * 500 + "]" * 50,
    WHOLE, WHOLE[: len(WHOLE) // 2], WHOLE[len(WHOLE) // 2 :], WHOLE.replace("\n", "\r\n"), '"' * 999, "a=b " * 2000,
    '{"a": [1,2', "<*> <NUMBER>", "%s {0} {}", "\n" * 5000, "[RESOURCE_EXHAUSTED]", "nan", str(10**400),
]  # fmt: skip


@pytest.fixture(scope="module")
def odd() -> pl.DataFrame:
    n = len(ODD)
    short = [text and text[:2000] for text in ODD]
    return pl.DataFrame({
        "error_message": ODD, "error_code": short[5:] + short[:5], "error_type": short[9:] + short[:9],
        "stack_trace": [WHOLE[: 9 * place] if place % 3 else WHOLE for place in range(n)],
        "timestamp": [BEGIN + timedelta(seconds=place) if place % 6 else None for place in range(n)],
        "started_at": [BEGIN if place % 4 else None for place in range(n)],
        "trace_id": [f"t{place // 3}" if place % 5 else None for place in range(n)],
        "node": short[3:] + short[:3], "kind": ["failure"] * n, "error_id": [str(place) for place in range(n)],
        "correlation_id": [str(place // 2) for place in range(n)],
    })  # fmt: skip


ASKED: dict[str, Callable[[pl.DataFrame], Any]] = {
    "extract_error_codes": lambda rows: error_patterns.extract_error_codes(rows).collect(),
    "classify_errors": error_patterns.classify_errors,
    "mine_templates": lambda rows: error_patterns.mine_templates(rows.lazy()).table,
    "extract_parameters": lambda rows: error_patterns.extract_parameters(rows, error_patterns.mine_templates(rows)),
    "parse_tracebacks": lambda rows: error_patterns.parse_tracebacks(rows).collect(),
    "fingerprint": lambda rows: error_patterns.fingerprint(rows).collect(),
    "group_errors": error_patterns.group_errors,
    "detect_bursts": lambda rows: error_patterns.detect_bursts(rows, "1m", "error_code"),
    "compare_periods": lambda rows: error_patterns.compare_periods(rows, BEGIN + timedelta(seconds=9), "error_code"),
    "co_occurrence": lambda rows: error_patterns.co_occurrence(rows, min_traces=1),
    "cascades": lambda rows: error_patterns.cascades(rows, min_traces=1),
    "cascades by time": lambda rows: error_patterns.cascades(rows, "error_code", None, min_traces=1),
}
EACH = ("extract_error_codes", "classify_errors", "parse_tracebacks", "fingerprint")
TIMED = ("group_errors", "detect_bursts", "compare_periods", "cascades", "cascades by time")


@pytest.mark.parametrize("question", ASKED)
def test_odd_rows_are_counted(odd, question):
    found = ASKED[question](odd)
    if question in EACH:
        assert found.height == odd.height
    if question == "group_errors":
        assert found["errors"].sum() == odd.height
    if question == "mine_templates":
        assert found["count"].sum() == odd["error_message"].count()


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("emptied", ["no rows", "nothing but nulls", "columns of no type"])
def test_nothing_gives_nothing(odd, question, emptied):
    rows = {
        "no rows": odd.clear(),
        "nothing but nulls": odd.clear(3),
        "columns of no type": pl.DataFrame({name: [None, None] for name in odd.columns}),
    }[emptied]
    found = ASKED[question](rows)
    assert found.height == (rows.height if question in EACH else found.height)


@pytest.mark.parametrize("question", TIMED)
def test_times_that_are_text_are_refused_with_the_mend(odd, question):
    with pytest.raises(InvalidOption, match=r"timestamp is 'a column of String'; wanted times: .*to_datetime"):
        ASKED[question](odd.with_columns(pl.col("timestamp").cast(pl.String)))
