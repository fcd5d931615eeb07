"""The room's door: the names that issue 5 fixes, all of which open, and no module in their way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from onex_analytics import error_patterns, frames

FIXED = {
    "TemplateModel", "cascades", "classify_errors", "co_occurrence", "compare_periods", "contrast", "detect_bursts",
    "error_rates", "extract_error_codes", "extract_parameters", "fingerprint", "group_errors", "mine_templates",
    "parse_tracebacks",
}  # fmt: skip


def test_the_fixed_names_are_at_the_door_in_order_and_once_each():
    assert set(error_patterns.__all__) >= FIXED
    assert error_patterns.__all__ == sorted(set(error_patterns.__all__))


@pytest.mark.parametrize("name", error_patterns.__all__)
def test_every_name_opens(name):
    assert getattr(error_patterns, name) is not None


def test_contrast_is_the_one_of_the_grammar():
    assert error_patterns.contrast is frames.contrast


def test_no_module_bears_the_name_of_a_function():
    modules = {path.stem for path in Path(error_patterns.__file__).parent.iterdir()}
    assert not modules & set(error_patterns.__all__)


def test_the_door_loads_no_contrast_before_it_is_asked_for():
    program = "import sys, onex_analytics.error_patterns; print('onex_analytics.frames.contrasts' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
