"""The front of the room."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import onex_analytics.model as model


def test_every_name_of_the_front_is_there_and_no_module_bears_one():
    assert len(set(model.__all__)) == len(model.__all__)
    for name in model.__all__:
        assert not isinstance(getattr(model, name), ModuleType)


def test_the_front_is_sorted():
    def as_a_reader(name: str) -> tuple[bool, bool, str]:
        return (not name.isupper(), name[0].islower(), name)

    assert model.__all__ == sorted(model.__all__, key=as_a_reader)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(AttributeError, match="it has CODES, EVENTS"):
        _ = model.no_such_name


def test_importing_the_words_builds_no_model_and_reads_no_table():
    code = "import sys, onex_analytics.model as m; m.EVENTS, m.OnexEventType; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "yaml", "plotly", "onex_analytics.model.events", "onex_analytics.model.error_codes"} & set(
        loaded
    )


def test_codes_and_rules_need_no_pydantic():
    used = "m.ErrorCodeTaxonomy.default().lookup(); m.violations({}); m.migrate"
    code = f"import sys, onex_analytics.model as m; {used}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pydantic" not in loaded
