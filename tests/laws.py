"""How many examples a law is given: two in five of them by `make test`, all of them, drawn anew, by `make soak`."""

from hypothesis import settings

SOAK = "soak"
"""The profile of `make soak`."""


def examples(all_of_them: int) -> int:
    """For `settings(max_examples=…)` where a law needs another number than the hundred of most of them."""
    return all_of_them if settings.get_current_profile_name() == SOAK else max(all_of_them * 2 // 5, 4)
