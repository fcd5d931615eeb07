"""What fails and why: codes, message templates, groups, rates, cascades, and what is different about what failed.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.error_patterns.bursts import detect_bursts
    from onex_analytics.error_patterns.chains import cascades
    from onex_analytics.error_patterns.changes import compare_periods
    from onex_analytics.error_patterns.classes import CodeRule, classify_errors, load_code_rules
    from onex_analytics.error_patterns.co_occurrences import co_occurrence
    from onex_analytics.error_patterns.codes import extract_error_codes
    from onex_analytics.error_patterns.failures import errors_of
    from onex_analytics.error_patterns.fingerprints import fingerprint
    from onex_analytics.error_patterns.grouping_rules import GroupingRule, load_grouping_rules
    from onex_analytics.error_patterns.groups import group_errors
    from onex_analytics.error_patterns.parameters import extract_parameters
    from onex_analytics.error_patterns.rates import error_rates
    from onex_analytics.error_patterns.templates import TemplateModel, mine_templates
    from onex_analytics.error_patterns.tracebacks import parse_tracebacks
    from onex_analytics.frames.contrasts import contrast

__all__ = [
    "CodeRule",
    "GroupingRule",
    "TemplateModel",
    "cascades",
    "classify_errors",
    "co_occurrence",
    "compare_periods",
    "contrast",
    "detect_bursts",
    "error_rates",
    "errors_of",
    "extract_error_codes",
    "extract_parameters",
    "fingerprint",
    "group_errors",
    "load_code_rules",
    "load_grouping_rules",
    "mine_templates",
    "parse_tracebacks",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "bursts": ("detect_bursts",),
    "chains": ("cascades",),
    "changes": ("compare_periods",),
    "classes": ("CodeRule", "classify_errors", "load_code_rules"),
    "co_occurrences": ("co_occurrence",),
    "codes": ("extract_error_codes",),
    "onex_analytics.frames.contrasts": ("contrast",),  # which profiling shows, too
    "failures": ("errors_of",),
    "fingerprints": ("fingerprint",),
    "grouping_rules": ("GroupingRule", "load_grouping_rules"),
    "groups": ("group_errors",),
    "rates": ("error_rates",),
    "parameters": ("extract_parameters",),
    "templates": ("TemplateModel", "mine_templates"),
    "tracebacks": ("parse_tracebacks",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
