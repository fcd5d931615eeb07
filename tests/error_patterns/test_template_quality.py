"""Mined templates are scored on logs whose templates are known, with one setting for all."""

from __future__ import annotations

import random

import polars as pl
import pytest

from benchmarks.drawn_logs import SPLITS, drawn_log, filled
from benchmarks.drawn_logs import makes as harsh_makes
from benchmarks.template_quality import Score, loghub, score
from onex_analytics.error_patterns import mine_templates
from tests.error_patterns.labelled_logs import labelled_log, makes


def scored(log: pl.DataFrame) -> Score:
    messages = log["error_message"]
    return score(log["truth"], mine_templates(messages).transform(messages)["template_id"])


def means(scores: list[Score]) -> Score:
    return Score(*(sum(values) / len(scores) for values in zip(*scores, strict=True)))


def test_a_perfect_grouping_scores_one_whatever_its_names():
    assert score(pl.Series([1, 1, 2]), pl.Series(["x", "x", "y"])) == (1.0, 1.0)


def test_a_group_that_lacks_one_line_counts_for_nothing():
    assert score(pl.Series([1, 1, 1, 2]), pl.Series(["a", "a", "b", "c"])) == (0.25, 2 / 5)


def test_drawn_logs_are_grouped_as_they_were_drawn():
    found = [scored(labelled_log(make, 2000, seed)) for make in makes() for seed in (1, 2)]
    assert min(each.grouping_accuracy for each in found) >= 0.9
    accuracy, f1 = means(found)
    assert accuracy >= 0.97 and f1 >= 0.93


def test_labelled_logs_of_loghub_are_grouped_as_people_did(shared_data):
    found = [scored(log) for _, log in loghub(shared_data / "loghub")]
    assert min(each.grouping_accuracy for each in found) >= 0.9
    accuracy, f1 = means(found)
    assert accuracy >= 0.93 and f1 >= 0.90


def test_harsh_logs_that_no_rule_was_made_on_are_mostly_grouped_as_they_were_drawn():
    found = [scored(drawn_log("held_out", make, 1)) for make in harsh_makes("held_out").templates]
    accuracy, f1 = means(found)
    assert accuracy >= 0.89 and f1 >= 0.82


@pytest.mark.parametrize("split", SPLITS)
def test_a_harsh_log_has_each_of_its_templates_and_is_the_same_each_time(split):
    make, templates = next(iter(harsh_makes(split).templates.items()))
    log = drawn_log(split, make, 1, lines=300)
    assert log["truth"].unique().to_list() == list(range(len(templates)))
    assert log.equals(drawn_log(split, make, 1, lines=300))


def test_no_make_is_in_both_splits():
    assert not set(harsh_makes("tuning").templates) & set(harsh_makes("held_out").templates)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("{{{x4}}}", "\\{[0-9a-f]{4}\\}"),
        ("{000..007}", "00[0-7]"),
        ("{place+}", "home(, home){0,4}"),
        ("{place++}", "home( home){0,4}"),
        ("{X2}{a3}", "[0-9A-F]{2}[a-z0-9]{3}"),
        ("no braces", "no braces"),
    ],
)
def test_what_stands_in_braces_is_drawn(text, pattern):
    drawn = {filled(text, {"place": (True, ["home"])}, random.Random(seed)) for seed in range(20)}
    assert pl.Series(list(drawn)).str.contains(f"^(?:{pattern})$").all()
