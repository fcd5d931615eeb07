"""Answers are reckoned once, kept for all, and no asker waits for another's slow question."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from onex_analytics.dashboard.answers import Answers


@pytest.fixture
def answers():
    held = Answers(most_bytes=1000)
    yield held
    held.close()


def asked(answers: Answers, key, question, **more):
    """Ask, and wait for the answer."""
    told, found = Event(), []

    def done(answer):
        found.append(answer)
        told.set()

    answers.ask(key, question, done, **more)
    assert told.wait(20)
    return found[0]


def test_two_who_ask_the_same_at_once_share_one_answer(answers):
    go, times, found = Event(), [], []
    both = [Event(), Event()]

    def question():
        go.wait(20)
        times.append(1)
        return "it"

    for who, told in enumerate(both):
        answers.ask("key", question, lambda a, told=told: (found.append(a.value), told.set()), who=who)
    go.set()
    assert all(told.wait(20) for told in both)
    assert (found, times) == (["it", "it"], [1])
    assert asked(answers, "key", question).value == "it"
    assert times == [1]


def test_a_quick_question_does_not_wait_for_a_slow_one(answers):
    go = Event()
    answers.ask("slow", lambda: go.wait(20), slow=True)
    assert asked(answers, "quick", lambda: 7).value == 7
    go.set()


def test_who_wants_it_now_does_not_wait_for_what_is_asked_ahead(answers):
    go, times = Event(), []
    answers.ask("ahead", lambda: go.wait(20))
    answers.ask("wanted", lambda: times.append(1))
    asked(answers, "wanted", lambda: times.append(1), slow=True)
    go.set()
    asked(answers, "ahead", lambda: 0)
    assert times == [1]


def test_a_question_that_failed_says_why_and_is_asked_again(answers):
    def question():
        raise ValueError("no")

    assert str(asked(answers, "key", question).problem) == "no"
    assert answers.ready("key") is None
    assert asked(answers, "key", lambda: "yes").value == "yes"


def test_what_nobody_waits_for_any_more_is_not_asked(answers):
    go, times = Event(), []
    for place in range(3):  # as many as there are threads
        answers.ask(f"first{place}", lambda: go.wait(20), lambda _: None, slow=True)
    answers.ask("left", lambda: times.append(1), lambda _: None, who=5, slow=True)
    answers.leave(5)
    go.set()
    assert asked(answers, "last", lambda: 1, slow=True).value == 1
    assert times == []
    assert asked(answers, "left", lambda: "asked anew").value == "asked anew"


def test_what_was_asked_the_longest_ago_goes_first(answers):
    for place in range(4):
        asked(answers, place, lambda: "x" * 400)
        answers.ready(0)
    assert [answers.ready(place) is not None for place in range(4)] == [True, False, False, True]


def test_a_question_within_a_question_is_shared_too(answers):
    go, times, found = Event(), [], []

    def base():
        go.wait(20)
        times.append(1)
        return 3

    threads = [Thread(target=lambda: found.append(answers.value_of("base", base))) for _ in range(3)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(20)
    assert (found, times) == ([3, 3, 3], [1])

    def wrong():
        raise KeyError("k")

    with pytest.raises(KeyError):
        answers.value_of("wrong", wrong)
