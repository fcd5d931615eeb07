import inspect

import pytest

from onex_analytics import frames


def test_the_list_of_names_is_sorted_and_true():
    assert frames.__all__ == sorted(frames.__all__)
    assert all(hasattr(frames, name) for name in frames.__all__)


@pytest.mark.parametrize("name", frames.__all__)
def test_no_function_hides_a_module(name):
    module = f"onex_analytics.frames.{name}"
    hides = inspect.isfunction(getattr(frames, name)) and module in __import__("sys").modules
    assert not hides
