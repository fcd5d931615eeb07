"""Which words part templates, by how often they occur at their places."""

from __future__ import annotations

import polars as pl

from onex_analytics.error_patterns import mine_templates

WORDS = ["tick", "limit", "window", "quota", "depth", "reach", "level", "margin", "offset", "width", "height", "phase"]


def texts(*messages: str) -> set[str]:
    return set(mine_templates(pl.Series(messages)).table["general"])


def test_a_few_first_words_are_names_and_many_are_values():
    assert len(texts(*(f"{word} was set to {n}" for word in WORDS[:9] for n in range(5)))) == 9
    assert texts(*(f"{word} was set to {n}" for word in WORDS for n in range(5))) == {"<*> was set to <*>"}


def test_a_few_words_before_an_equals_sign_are_names_and_many_are_values():
    assert len(texts(*(f"server has {word}={n}" for word in WORDS[:9] for n in range(5)))) == 9
    assert texts(*(f"server has {word}={n}" for word in WORDS for n in range(5))) == {"server has <*>=<*>"}


def test_at_other_places_four_are_enough():
    assert texts(*(f"we lost the {word} of {n}" for word in WORDS[:4] for n in range(5))) == {"we lost the <*> of <*>"}


def test_words_that_always_come_together_are_text_though_others_are_more_frequent():
    kinds = [("login", "user"), ("logout", "session"), ("query", "table"), ("job", "queue"), ("mail", "box")]
    lines = [f'ts={n} level=info msg="{kind}" {key}=v{n} took=9' for kind, key in kinds for n in range(12)]
    assert len(texts(*lines)) == 5
