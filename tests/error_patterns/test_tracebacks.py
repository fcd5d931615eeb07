"""Tracebacks, as Python itself prints them, cut, chained, grouped, and from other machines."""

from __future__ import annotations

import json
import traceback
from types import TracebackType

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.error_patterns.tracebacks import TRACEBACK, parse_tracebacks
from onex_analytics.exceptions import InvalidOption


def read(text: str | None, **options: object) -> dict[str, object]:
    return parse_tracebacks(pl.DataFrame({"stack_trace": [text]}), **options).collect().to_dicts()[0]


def deep(levels: int, error: Exception) -> None:
    if levels:
        deep(levels - 1, error)
    raise error


def printed(error: Exception, levels: int = 2) -> tuple[str, TracebackType | None]:
    try:
        deep(levels, error)
    except Exception as caught:
        return traceback.format_exc(), caught.__traceback__
    raise AssertionError


@given(
    st.sampled_from([ValueError, json.JSONDecodeError, UnicodeError]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool),
    st.integers(0, 5),
)
def test_what_python_prints_is_read_back(kind, message, levels):
    error = json.JSONDecodeError(message, "{", 0) if kind is json.JSONDecodeError else kind(message)
    text, raised_in = printed(error, levels)
    found = read(text)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    assert (found["exception_type"], found["exception_message"]) == (name, str(error))
    wanted = [(each.filename, each.lineno, each.name) for each in traceback.extract_tb(raised_in)]
    if levels <= 3:  # Python folds a call that repeats more often
        assert [(each["file"], each["line"], each["function"]) for each in found["frames"]] == wanted
    assert not found["traceback_is_cut"]


def test_a_message_of_several_lines_stays_whole_and_its_lines_are_no_exceptions():
    text, _ = printed(ValueError("first\nKeyError: 'not me'\n  last"))
    assert read(text)["exception_message"] == "first\nKeyError: 'not me'\n  last"


def test_causes_are_told_nearest_first_with_how_they_belong():
    try:
        try:
            try:
                deep(0, KeyError("k"))
            except KeyError:
                deep(0, ValueError("v"))
        except ValueError as error:
            raise OSError("o") from error
    except OSError:
        found = read(traceback.format_exc())
    assert found["exception_type"] == "OSError"
    assert [(each["exception_type"], each["relation"]) for each in found["causes"]] == [
        ("ValueError", "cause"), ("KeyError", "context"),
    ]  # fmt: skip


def test_the_members_of_a_group_are_told_nested_ones_too():
    text, _ = printed(ExceptionGroup("all", [ValueError("a"), ExceptionGroup("in", [TypeError("b")])]))
    found = read(text)
    assert (found["exception_type"], found["exception_message"]) == ("ExceptionGroup", "all (2 sub-exceptions)")
    assert {(each["exception_type"], each["relation"]) for each in found["causes"]} == {
        ("ValueError", "member"), ("ExceptionGroup", "member"), ("TypeError", "member"),
    }  # fmt: skip
    assert not found["traceback_is_cut"]


@pytest.mark.parametrize(
    ("file", "module", "is_own"),
    [
        ("/app/src/omnibase/tools/stamper.py", "omnibase.tools.stamper", True),
        ("/srv/omnibase/tools/stamper.py", "tools.stamper", True),
        (r"C:\code\src\omnibase\stamper.py", "omnibase.stamper", True),
        ("/usr/lib/python3.11/json/__init__.py", "json", False),
        ("/x/.venv/lib/python3.11/site-packages/yaml/loader.py", "yaml.loader", False),
        (r"C:\Python311\Lib\json\decoder.py", "json.decoder", False),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap", False),
        ("<stdin>", "<stdin>", True),
        ("run.py", "run", True),
    ],
)
def test_a_frame_is_named_by_its_module_wherever_it_is_installed(file, module, is_own):
    found = read(f'Traceback (most recent call last):\n  File "{file}", line 7, in go\nE: x')["frames"]
    assert found == [{"module": module, "function": "go", "file": file, "line": 7, "is_own": is_own}]


def test_installed_modules_can_be_called_ones_own():
    text = 'Traceback (most recent call last):\n  File "/v/site-packages/{}", line 1, in f\nE'
    for file, is_own in (("omni/a.py", True), ("omni/__init__.py", True), ("omnibus/a.py", False)):
        assert read(text.format(file), own="omni")["frames"][0]["is_own"] == is_own
    with pytest.raises(InvalidOption, match="modules, such as"):
        read("", own="a b")


def test_a_cut_traceback_gives_what_is_left_and_says_so():
    text, _ = printed(ValueError("gone"))
    headless, tailless = text[text.index("line") :], text[: text.rindex("ValueError")]
    assert read(headless)["exception_type"] == "ValueError"
    assert read(headless)["traceback_is_cut"]
    assert read(tailless)["exception_type"] is None
    assert len(read(tailless)["frames"]) == 4
    assert read(tailless)["traceback_is_cut"]


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_no_cut_and_no_garbage_loses_a_row(begin, end):
    text, _ = printed(ValueError("x\n\ny"), 5)
    rows = pl.DataFrame({"place": [0, 1, 2], "stack_trace": [text[begin:end], None, "\0\x1e\x1f" + text[begin:]]})
    found = parse_tracebacks(rows).collect()
    assert found["place"].to_list() == [0, 1, 2]
    assert found.columns == ["place", "stack_trace", *TRACEBACK]


def test_a_traceback_is_found_in_the_metadata_and_in_the_message():
    text, _ = printed(ValueError("here"))
    rows = pl.DataFrame({
        "metadata": [json.dumps({"stack_trace": text}), "{}", None, "no json"],
        "error_message": [None, f"it failed\n{text}", "it failed", None],
    })  # fmt: skip
    assert parse_tracebacks(rows).collect()["exception_type"].to_list() == ["ValueError", "ValueError", None, None]


def test_windows_line_ends_and_rows_without_any_column_are_read():
    text, _ = printed(ValueError("crlf"))
    assert read(text.replace("\n", "\r\n"))["exception_message"] == "crlf"
    nothing = parse_tracebacks(pl.DataFrame({"node": ["a"]})).collect()
    assert nothing.schema == {"node": pl.String, **TRACEBACK}
    assert nothing["frames"].to_list() == [[]]
