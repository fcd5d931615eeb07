"""What other libraries say of a failure, as people read it."""

import pytest

from onex_analytics.store.failures import said, translated


def test_an_error_of_the_system_that_rust_wrote_for_itself_is_plain_words():
    system = 'Error: Os { code: 13, kind: PermissionDenied, message: "Permission denied" }'
    problem = OSError(f"Could not create local directory: /srv/s\n{system}")
    assert said(problem) == "Could not create local directory: /srv/s Permission denied"
    assert "may not be read or written" in str(translated("s", problem))


@pytest.mark.parametrize("words", [10, 60, 500])
def test_a_long_message_is_cut_between_words(words):
    text = "valid columns: " + ", ".join(f"column_{n}" for n in range(words))
    found = said(ValueError(text))
    assert len(found) <= 402
    if found != text:
        assert found.endswith(" …")
        assert text.startswith(found.removesuffix(" …") + ",")
