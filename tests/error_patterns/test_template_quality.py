"""Mined templates are scored on logs whose templates are known, with one setting for all."""

from __future__ import annotations

import polars as pl

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
