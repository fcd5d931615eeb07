"""Arithmetic over cells."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.filters import Arithmetic
from onex_analytics.exceptions import FilterError

numbers = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
texts = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5", "0"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", " - "]), inner).map("".join),
        inner.map(lambda held: f"({held})"), inner.map(lambda held: f"-({held})"),
    ),
    max_leaves=8,
)  # fmt: skip


@given(texts, numbers, numbers)
def test_it_reckons_as_python_does(text: str, a: float, b: float) -> None:
    try:
        wanted = float(eval(text, {"__builtins__": {}}, {"a": a, "b": b}))
    except ZeroDivisionError:
        wanted = math.nan
    found = Arithmetic(text).evaluate({"a": np.array([a]), "b": np.array([b])})
    # a division by zero in Python stops all; here it is no data from there on
    np.testing.assert_array_equal(np.broadcast_to(found, 1), [wanted])


def test_no_data_and_a_division_by_zero_are_no_data() -> None:
    a, b = np.array([1.0, np.nan, 1.0, 1e308]), np.array([2.0, 1.0, 0.0, 1e-308])
    np.testing.assert_array_equal(Arithmetic("a / b").evaluate({"a": a, "b": b}), [0.5, np.nan, np.nan, np.nan])


def test_equal_words_are_equal() -> None:
    assert Arithmetic("a/(b+1)") == Arithmetic(" a / ( b + 1.0 ) ") != Arithmetic("a/b+1")
    assert pickle.loads(pickle.dumps(Arithmetic("a"))).names == {"a"}


MISTAKES = {
    "": "the end stands where a value is asked for, at character 1 of the filter: ''. "
        "Mend: name a cell, or write a number.",
    "a +": "the end stands where a value is asked for, at character 4 of the filter: 'a +'. "
           "Mend: name a cell, or write a number.",
    "(a": "a '(' is never closed, at character 1 of the filter: '(a'. Mend: close it with ).",
    "a b": "'b' is out of place, at character 3 of the filter: 'a b'. "
           "Mend: join two values with + - * /, and close what was opened.",
    "abs(a)": "arithmetic calls nothing, and 'abs' stands before '(', at character 4 of the filter: 'abs(a)'. "
              "Mend: reckon with + - * / and names of cells.",
    "a.b": "'.' is none of the words of arithmetic, at character 2 of the filter: 'a.b'. "
           "Mend: reckon with + - * / ( ), numbers and names of cells.",
    "a ** 2": "'*' stands where a value is asked for, at character 4 of the filter: 'a ** 2'. "
              "Mend: name a cell, or write a number.",
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        Arithmetic(text)
    assert str(caught.value) == MISTAKES[text]


@pytest.mark.parametrize("text", ["(" * 10_000, "a" * 10_000, "-" * 1_999 + "a" + "(", "1" + "0" * 1_999 + "e9 ("])
def test_a_text_made_to_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        Arithmetic(text)
