"""Templates: what stays the same in messages, found again in every order, in every copy of a model."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.error_patterns import TemplateModel, mine_templates
from onex_analytics.error_patterns.masking import LONGEST
from onex_analytics.error_patterns.template_shapes import FOUND, PATTERNS, TEMPLATES
from onex_analytics.exceptions import MissingColumns, SourceError
from tests.error_patterns.labelled_logs import labelled_log
from tests.laws import examples

WORDS = st.sampled_from(["disk", "user", "ada", "bob", "failed", "17", "10.0.0.8", "/var/log/x", "a=b,", "(c)", ""])
MESSAGES = st.lists(st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=20), max_size=30)


def texts(*messages: str | None) -> pl.Series:
    return pl.Series("error_message", messages, dtype=pl.String)


def templates(*messages: str) -> list[str]:
    return sorted(mine_templates(texts(*messages)).table["template"])


def groups(model: TemplateModel, messages: pl.Series) -> set[tuple[str, str | None]]:
    return set(zip(messages.to_list(), model.transform(messages)["template_id"].to_list(), strict=True))


@pytest.mark.parametrize(("message", "template"), [
    ("read https://a.org/b?c=1", "read <URL>"),
    ("mail to ada.l@mail.example.org", "mail to <EMAIL>"),
    ("instance 9c80dd95-386d-650d-ad27-2a61845ca467 gone", "instance <UUID> gone"),
    ("open /var/log/a.log", "open <PATH>"),
    ("from 10.0.0.8:80", "from <IP>"),
    ("from db.example.org:5432", "from <HOST>"),
    ("at 0xdeadBEEF", "at <HEX>"),
    ("took 35 ms", "took <DURATION>"),
    ("took 0.25s", "took <DURATION>"),
    ("used 1.5 KB", "used <SIZE>"),
    ("exit code -9", "exit code <NUMBER>"),
    ("job_17 failed", "<*> failed"),
    ("cached is false", "cached is <WORD>"),
    ("rows 1, 2, 3 locked", "rows <*> locked"),
    ("at Fri Jun 17 07:07:00 2005", "at <TIME>"),
    ("disk full", "disk full"),
    ("started on node[001-017,020]", "started on <HOST>"),
    ("sshd[17] is up", "sshd[<NUMBER>] is up"),
    ("session 8Zk3fQ== opened", "session <*> opened"),
    ("at Reader.<init>(7)", "at Reader.<init>(<NUMBER>)"),
])  # fmt: skip
def test_a_value_is_known_by_its_form(message, template):
    assert templates(message) == [template]


def test_messages_with_different_codes_have_different_templates():
    codes = [f"ONEX_CORE_02{i}_FILE_NOT_FOUND" for i in range(9)] + ["SC001", "FS003"]
    assert templates(*(f"[{code}] row {i} of x" for i, code in enumerate(codes))) == sorted(
        f"[{code}] row <NUMBER> of x" for code in codes
    )


def test_messages_that_repeat_have_the_templates_of_those_that_do_not():
    log = labelled_log("firewall", 1000)["error_message"]
    many = pl.concat([log] * 80)
    assert_frame_equal(mine_templates(many).transform(log), mine_templates(many.shuffle(1)).transform(log))
    assert mine_templates(many).table["count"].sum() == 80_000


def test_a_word_that_differs_in_many_messages_is_a_value():
    assert templates(*(f"user {name} has left" for name in ("ada", "bob", "carla", "dmitri"))) == ["user <*> has left"]


def test_a_word_that_differs_in_few_messages_parts_templates():
    assert templates("session opened for it", "session closed for it") == [
        "session closed for it", "session opened for it",
    ]  # fmt: skip


def test_a_place_with_a_masked_value_is_a_place_of_values():
    assert templates("job of 17 failed", "job of ada failed") == ["job of <*> failed"]


def test_words_that_are_equally_frequent_by_chance_are_no_root():
    messages = texts(*(["open file ada"] * 3), *(["close door ada"] * 3), *(f"open file {c}" for c in "bcdefg"))
    found = mine_templates(messages).transform(messages)
    assert found.filter(pl.col("error_message").str.starts_with("open"))["template_id"].n_unique() == 1


def test_a_name_may_have_a_part_in_angle_brackets():
    calls = ["Reader.open(all)", "Writer.<init>(all)", "Cache.close(all)", "Pool.open(all)"]
    assert mine_templates(texts(*(f"at {call}" for call in calls))).table["general"].to_list() == ["at <*>(all)"]


def test_lists_of_any_length_are_one_template():
    assert mine_templates(texts("cells [1, 2] gone", "cells [1, 2, 3, 4] gone", "cells [7] gone")).table.height == 1


def test_texts_of_random_words_are_grouped_by_what_they_share():
    log = labelled_log("application", 300, seed=5)
    words = [f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(1200)]
    lines = [f"drop {a} {b} {c} {d} now" for a, b, c, d in zip(*(words[i::4] for i in range(4)), strict=True)]
    messages = pl.concat([log["error_message"], pl.Series(lines)])
    found = mine_templates(messages).transform(messages)
    assert found.tail(300)["template_id"].n_unique() == 1


@settings(deadline=None, max_examples=examples(20))
@given(messages=MESSAGES, chance=st.randoms(use_true_random=False))
def test_the_order_of_the_messages_does_not_matter(messages, chance):
    shuffled = list(messages)
    chance.shuffle(shuffled)
    one, other = mine_templates(texts(*messages)), mine_templates(texts(*shuffled))
    assert_frame_equal(one.table, other.table)
    assert_frame_equal(one.patterns, other.patterns)


@settings(deadline=None, max_examples=examples(20))
@given(messages=MESSAGES)
def test_what_was_mined_is_known_and_counted(messages):
    model = mine_templates(texts(*messages))
    found = model.transform(texts(*messages))
    assert not found["template_is_new"].any()
    assert found["template_id"].null_count() == 0
    counted = dict(found.group_by("template_id").len().rows())
    assert counted == dict(model.table.select("template_id", "count").rows())
    assert model.table["template_id"].is_unique().all()


@settings(deadline=None, max_examples=examples(20))
@given(messages=MESSAGES, more=MESSAGES)
def test_a_message_keeps_its_template_in_all_that_a_model_grows_into(messages, more):
    model = mine_templates(texts(*messages))
    known = groups(model, texts(*messages))
    assert groups(model, texts(*messages, *more)) >= known
    assert groups(model.learn(texts(*more)), texts(*messages)) == known
    assert groups(model.merge(mine_templates(texts(*more))), texts(*messages)) == known


@settings(deadline=None, max_examples=examples(20))
@given(messages=MESSAGES, more=MESSAGES)
def test_what_transform_marks_as_new_is_what_learning_adds(messages, more):
    model = mine_templates(texts(*messages))
    found = model.transform(texts(*more))
    learned = model.learn(texts(*more))
    assert groups(learned, texts(*more)) == set(found.select("error_message", "template_id").rows())
    new = learned.table.filter(pl.col("since_version") == learned.version)["template_id"]
    assert set(found.filter("template_is_new")["template_id"]) == set(new)


@settings(deadline=None, max_examples=examples(15))
@given(one=MESSAGES, two=MESSAGES)
def test_two_models_as_one_know_all_messages_of_both(one, two):
    merged = mine_templates(texts(*one)).merge(mine_templates(texts(*two)))
    found = merged.transform(texts(*one, *two))
    assert not found["template_is_new"].any()
    assert merged.table["count"].sum() == len(one) + len(two)


@settings(deadline=None, max_examples=examples(15))
@given(messages=MESSAGES)
def test_a_model_comes_back_from_its_file_as_it_was(messages, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "templates.json"
    model = mine_templates(texts(*messages))
    model.save(path)
    back = TemplateModel.load(path)
    assert back.version == model.version
    assert_frame_equal(back.table, model.table)
    assert_frame_equal(back.patterns, model.patterns)


def test_the_file_of_a_model_can_be_read_by_people(tmp_path):
    mine_templates(texts("read 14 bytes")).save(tmp_path / "m.json")
    file = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert file["templates"][0]["template"] == "read <NUMBER> bytes"
    assert file["patterns"][0][1] == ["read ", "<*> ", "bytes"]


LATER = '{"format": "onex_analytics templates", "format_version": 2}'


@pytest.mark.parametrize("content", ["", "{", "[]", LATER, "\xff"])
def test_a_file_that_is_no_model_is_refused_with_the_mend(tmp_path, content):
    path = tmp_path / "m.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(SourceError, match=r"is no file of templates.*Mend: name a file that `Temp"):
        TemplateModel.load(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        TemplateModel.load(tmp_path / "none.json")
    with pytest.raises(SourceError, match="cannot be written"):
        mine_templates(texts("a")).save(tmp_path / "none" / "m.json")


def test_a_pattern_without_its_template_is_refused(tmp_path):
    path = tmp_path / "m.json"
    mine_templates(texts("a b")).save(path)
    file = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**file, "templates": []}), encoding="utf-8")
    with pytest.raises(SourceError, match="a pattern of a template that it lacks"):
        TemplateModel.load(path)


def test_no_messages_give_a_model_without_templates():
    for nothing in (texts(), texts(None)):
        model = mine_templates(nothing)
        assert model.table.schema == TEMPLATES and model.table.is_empty()
        assert model.patterns.schema == PATTERNS
        assert model.transform(nothing)["template_id"].to_list() == [None] * len(nothing)


def test_null_and_empty_messages_keep_their_rows():
    found = mine_templates(texts("a b", "", None, " ")).transform(texts("", None, "a b", "\t"))
    assert found["template"].to_list() == ["", None, "a b", ""]
    assert found.schema == {"error_message": pl.String, **FOUND}


@pytest.mark.parametrize("message", [
    "x" * 1_000_000, "a " * 500_000, "1 " * 500_000, "((((" * 250_000, "=" * 1_000_000, "a.b@" * 250_000,
    "/" * 1_000_000, "f:" * 500_000, "\x1a" * 100, "\x00\x01\x02 \x7f", "ошибка файла 17 не найден",
    "🙂 🙃 17 🙂", "エラー 17", "<*> <*>", "<NUMBER>", "a\nb\r\nc", "\u2028 \u202e", "é" * 5000,
], ids=lambda message: repr(message[:8]))  # fmt: skip
def test_any_text_is_a_row_with_a_template(message):
    model = mine_templates(texts(message, "disk full"))
    found = model.transform(texts(message, message))
    assert found["template_id"].n_unique() == 1
    assert model.table["count"].sum() == 2
    assert all(len(template) <= LONGEST + 8 for template in model.table["template"])


def test_of_a_long_message_the_end_is_one_value():
    begin = "disk full " * 500
    assert mine_templates(texts(begin + "of ada", begin + "of bob")).table.height == 1


def test_a_frame_keeps_its_columns_and_its_order(tmp_path):
    rows = pl.LazyFrame({"at": [3, 1, 2], "error_message": ["user 1", "disk full", "user 2"]})
    model = mine_templates(rows)
    found = model.transform(rows)
    assert isinstance(found, pl.LazyFrame)
    assert found.collect_schema() == found.collect().schema
    seen = found.select("at", "template").collect().rows()
    assert seen == [(3, "user <NUMBER>"), (1, "disk full"), (2, "user <NUMBER>")]
    assert_frame_equal(found.collect(), model.transform(rows.collect()))


def test_a_filter_after_transform_changes_no_template():
    rows = pl.LazyFrame({"at": range(5), "error_message": [f"user {name} left" for name in "abcde"]})
    model = mine_templates(texts("disk full"))
    assert model.transform(rows).filter(at=0).collect()["template"].to_list() == ["user <*> left"]


def test_a_frame_without_messages_is_refused():
    with pytest.raises(MissingColumns, match="error_message"):
        mine_templates(pl.LazyFrame({"text": ["a"]}))
    with pytest.raises(MissingColumns, match="error_message"):
        mine_templates(texts("a")).transform(pl.LazyFrame({"text": ["a"]}))


def test_the_same_template_has_the_same_id_in_every_model():
    one, two = mine_templates(texts("user 1 left")), mine_templates(texts("disk full", "user 0xff left"))
    assert set(one.table["template_id"]) < set(two.table["template_id"])


def test_loading_the_room_loads_no_kernel(tmp_path: Path):
    import subprocess
    import sys

    program = "import sys, onex_analytics.error_patterns; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
